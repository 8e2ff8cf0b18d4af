// Tables of the class "sortable" are sorted by the column whose heading is pressed.
"use strict";
(() => {
  const value = (row, at, kind) => {
    const cell = row.cells[at];
    const text = cell.dataset.value ?? cell.textContent.trim();
    if (kind !== "number") return text.toLowerCase();
    return text === "" ? NaN : Number(text.replaceAll(",", ""));
  };

  // What has no value comes last, whichever way; equal rows stay in their order.
  const compare = (a, b, down) => {
    if (typeof a === "number" && (Number.isNaN(a) || Number.isNaN(b))) {
      return Number.isNaN(a) - Number.isNaN(b);
    }
    const order = typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
    return down ? -order : order;
  };

  const sort = (table, head) => {
    const down = head.ariaSort === "ascending";
    const at = head.cellIndex;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, at, head.dataset.kind), row]);
    rows.sort(([a], [b]) => compare(a, b, down));
    for (const other of table.tHead.rows[0].cells) other.ariaSort = "none";
    head.ariaSort = down ? "descending" : "ascending";
    body.append(...rows.map(([, row]) => row));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
      head.ariaSort ??= "none";
    }
  }
})();
