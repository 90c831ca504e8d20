"use strict";
for (const head of document.querySelectorAll("th[data-kind]")) {
  head.querySelector("button").addEventListener("click", () => {
    const rows = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const number = head.dataset.kind === "number";
    const sorted = head.getAttribute("aria-sort");
    // Numbers begin with the largest, texts with the first.
    const down = sorted ? sorted === "ascending" : number;
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const compare = (a, b) => number ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b), "en");
    rows.append(...[...rows.rows].sort((a, b) => down ? compare(b, a) : compare(a, b)));
  });
}
