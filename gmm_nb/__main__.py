"`python -m gmm_nb` is the command gmm-nb."
import sys

from gmm_nb.command import main

sys.exit(main())
