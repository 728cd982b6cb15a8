"""The benchmark of gmm_nb. `python -m benchmarks` at the top level of the repository runs it.

Each part is a module of its own with three names: `WHAT`, a sentence that says what is measured; `run(settings)`, which
measures and returns a list of tables; and `findings(tables)`, which says in words what the numbers mean. The parts know
nothing of each other. They share the cases (`cases`), the clock (`timing`) and the tables (`tables`); `contenders` holds
one adapter for each library that is measured. Everything random is seeded.

The folder is not installed with the package.
"""
