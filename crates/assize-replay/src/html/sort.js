"use strict";
for (const head of document.querySelectorAll("th")) {
  head.querySelector("button").addEventListener("click", () => {
    const rows = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[column].textContent;
    const number = head.dataset.kind === "number";
    const compare = (a, b) => number ? Number(text(a)) - Number(text(b)) : text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
    rows.append(...[...rows.rows].sort((a, b) => down ? compare(b, a) : compare(a, b)));
  });
}
