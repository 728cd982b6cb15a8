// What the pages do by themselves: formulas that fit the screen, and focus for what scrolls. Formulas are drawn already where
// the site was built with node (website/finish.py); else MathJax draws them, and is waited for.
(() => {
  const scrollers = "pre, div.sourceCode, main p, main ul, main ol, mjx-container[display=true], main table, .cell-output-display";
  function focusable() {
    for (const part of document.querySelectorAll(scrollers)) {
      const style = getComputedStyle(part), scrolls = part.scrollWidth > part.clientWidth + 1 && /auto|scroll/.test(style.overflowX);
      const down = part.scrollHeight > part.clientHeight + 1 && /auto|scroll/.test(style.overflowY);
      part.classList.toggle("scrolls", scrolls);
      if ((scrolls || down) && !part.hasAttribute("tabindex")) part.setAttribute("tabindex", "0");
    }
  }
  function fade() {
    for (const part of document.querySelectorAll("pre, div.sourceCode")) {
      const end = () => part.classList.toggle("at-end", part.scrollLeft + part.clientWidth >= part.scrollWidth - 2);
      part.addEventListener("scroll", end, {passive: true});
    }
  }
  // A displayed formula that is too wide is set smaller, to 55 % at least, so that its number stays in sight. MathJax makes
  // it as wide as it likes, so the room is that of the block around it.
  function fit() {
    for (const formula of document.querySelectorAll("mjx-container[display=true]")) {
      formula.style.fontSize = "";
      const block = formula.parentElement.closest("p, li, td, blockquote, div, section");
      const whole = parseFloat(getComputedStyle(formula).fontSize), room = block ? block.clientWidth : innerWidth;
      for (let share = 1; room > 0 && formula.scrollWidth > room + 1 && share > 0.55;) {
        share = Math.max(0.55, share * Math.min(0.97, room / formula.scrollWidth));
        formula.style.fontSize = whole * share + "px";
      }
    }
    focusable();
  }
  // Folded answers open by the keyboard too; the search field, which a script makes, gets its name.
  function keys() {
    document.addEventListener("keydown", event => {
      const head = event.target.closest && event.target.closest(".callout-header[role=button]");
      if (head && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); head.click(); }
    });
    for (const box of document.querySelectorAll("#quarto-search .aa-Autocomplete")) box.setAttribute("aria-label", "Search");
    for (const button of document.querySelectorAll(".aa-DetachedSearchButton")) button.setAttribute("aria-label", "Search");
  }
  function start() {
    keys();
    fade();
    focusable();
    const ready = window.MathJax && MathJax.startup && MathJax.startup.promise;
    if (ready) ready.then(fit); else fit();
    let waiting;
    addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(fit, 150); });
  }
  if (document.querySelector(".math > mjx-container")) fit();  // before the page is painted
  if (document.readyState === "complete") start(); else addEventListener("load", start);
})();
