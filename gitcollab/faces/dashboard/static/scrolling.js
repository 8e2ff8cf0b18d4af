// What can be scrolled sideways is reached by keys as well, and says what it is.
"use strict";
(() => {
  const title = (box) => {
    const named = box.querySelector("[aria-labelledby]");
    const by = named && document.getElementById(named.getAttribute("aria-labelledby"));
    const heading = by ?? box.closest("section")?.querySelector("h2, h3") ?? document.querySelector("h1");
    return `${heading ? heading.textContent : "Table"}, to be scrolled`;
  };

  const look = (box) => {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", title(box));
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  };

  // Told of once at first, and whenever it, or the table in it, gets another size.
  const watch = new ResizeObserver((seen) => {
    for (const { target } of seen) look(target.closest(".scroll"));
  });
  for (const box of document.querySelectorAll(".scroll")) {
    watch.observe(box);
    if (box.firstElementChild) watch.observe(box.firstElementChild);
  }
})();
