// The list below the chart: sorted, and a page at a time.
"use strict";
gitcollab.List = class {
  static ROWS = 50;

  constructor(table, place, previous, next) {
    this.table = table;
    this.place = place;
    this.buttons = { previous, next };
    this.by = "number";
    this.down = true;
    this.page = 0;
    for (const head of table.tHead.rows[0].cells) {
      head.firstElementChild.addEventListener("click", () => this.#sortBy(head));
    }
    previous.addEventListener("click", () => this.#turn(-1));
    next.addEventListener("click", () => this.#turn(1));
  }

  show(rows) {
    this.rows = [...rows];
    this.page = 0;
    this.#sort();
    this.#fill();
  }

  #sortBy(head) {
    const by = head.dataset.by;
    this.down = this.by === by ? !this.down : by === "number" || by === "time";
    this.by = by;
    this.page = 0;
    for (const other of this.table.tHead.rows[0].cells) other.ariaSort = "none";
    head.ariaSort = this.down ? "descending" : "ascending";
    this.#sort();
    this.#fill();
  }

  // Experiments without a metric come last, whichever way.
  #sort() {
    const { by, down } = this;
    this.rows.sort((a, b) => {
      const [x, y] = [a[by], b[by]];
      if (x === null || y === null) return (x === null) - (y === null) || b.number - a.number;
      const order = x < y ? -1 : x > y ? 1 : 0;
      return (down ? -order : order) || b.number - a.number;
    });
  }

  #turn(by) {
    this.page += by;
    this.#fill();
    this.table.scrollIntoView({ block: "start" });
  }

  #fill() {
    const { ROWS } = gitcollab.List;
    const first = this.page * ROWS;
    const shown = this.rows.slice(first, first + ROWS);
    this.table.tBodies[0].replaceChildren(...shown.map((row) => this.#row(row)));
    const last = first + shown.length;
    const all = this.rows.length.toLocaleString("en");
    this.place.textContent = shown.length
      ? `${(first + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${all}`
      : "nothing matches";
    this.buttons.previous.disabled = this.page === 0;
    this.buttons.next.disabled = last >= this.rows.length;
  }

  #row(row) {
    const made = document.createElement("tr");
    const cell = (text, name = "") => {
      const one = made.insertCell();
      one.className = name;
      one.append(text);
      return one;
    };
    const mark = document.createElement("span");
    mark.className = `mark mark-${gitcollab.MARKS[row.mark]}`;
    mark.textContent = gitcollab.WORDS[row.mark];
    const known = document.createElement("span");
    const standing = gitcollab.STANDINGS[row.standing];
    if (standing) known.className = `standing standing-${standing}`;
    known.textContent = standing;
    const link = document.createElement("a");
    link.href = gitcollab.page(row);
    link.textContent = row.text;
    cell(row.number.toLocaleString("en"), "number");
    cell(gitcollab.when(row), "nowrap");
    cell(gitcollab.metric(row.metric), "number");
    cell(mark);
    const told = cell(known);
    if (row.built) {
      const built = document.createElement("span");
      built.className = "mark-refuted";
      built.textContent = "! builds on a refuted program";
      told.append(document.createElement("br"), built);
    }
    cell(row.agent, "agent");
    cell(row.tier, "nowrap");
    cell(link, "change");
    return made;
  }
};
