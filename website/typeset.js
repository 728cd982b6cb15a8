// Formulas as MathJax draws them, without a browser: `node typeset.js FOLDER`, where FOLDER is es5/ of the package mathjax.
// In: a list of {tex, display}. Out: their HTML, in order, and the style sheet for all of them.
"use strict";
const home = process.argv[2];
require(`${home}/node-main.js`).init({
  loader: { load: ["input/tex-full", "output/chtml", "a11y/assistive-mml"], paths: { mathjax: home }, require },
  chtml: { fontURL: "output/chtml/fonts/woff-v2" },
  startup: { typeset: false },
}).then(MathJax => {
  const { adaptor } = MathJax.startup, formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const html = formulas.map(({ tex, display }) => adaptor.outerHTML(MathJax.tex2chtml(tex, { display, em: 16, ex: 8 })));
  process.stdout.write(JSON.stringify({ html, css: adaptor.textContent(MathJax.chtmlStylesheet()) }));
}).catch(error => {
  console.error(error);
  process.exit(1);
});
