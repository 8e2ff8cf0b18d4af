// The chart of experiments: a mark each, the best as a line; zoom, hover, keys.
"use strict";
gitcollab.Chart = class {
  static STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power));
  static NEAR = 24; // pixels from which the pointer finds an experiment
  static MOST = 1e30; // metrics beyond have no place on an axis
  static LEAST = 1e-24; // half of the least height that an axis has

  constructor(place, { name, sign, onzoom, announce }) {
    this.place = place;
    this.name = name;
    this.sign = sign;
    this.onzoom = onzoom;
    this.announce = announce;
    this.rows = [];
    this.outliers = false;
    this.at = null; // the experiment that is pointed at
    this.tip = this.#part("tip");
    this.ring = this.#part("ring");
    this.#listen();
  }

  // Show these rows, which are sorted by number, on the scale of all.
  show(rows, all, best) {
    this.rows = rows;
    this.all = all;
    this.best = best;
    this.range = this.#range();
    this.#draw();
  }

  seeAll() {
    this.#zoom(...this.#ends());
  }

  get zoomed() {
    const { min, max } = this.plot.scales.x;
    const [first, last] = this.#ends();
    return min > first || max < last;
  }

  #part(name) {
    const part = document.createElement("div");
    part.className = name;
    part.hidden = true;
    return part;
  }

  #ends() {
    const last = this.all.length ? this.all[this.all.length - 1].number : 1;
    const first = this.all.length ? this.all[0].number : 1;
    const pad = Math.max(1, (last - first) * 0.015);
    return [first - pad, last + pad];
  }

  // From what is shown and counts; values far off the rest are left out unless they are asked for.
  #range() {
    const ends = this.best.map(([, value]) => value).filter((value) => this.#fits(value));
    const inner = this.#span(this.#values(true), ends) ?? this.#span(this.#values(false), ends) ?? [0, 1];
    const [low, high] = this.outliers ? this.#widened(inner) : inner;
    const middle = (low + high) / 2;
    const half = Math.max((high - low) * 0.56, Math.abs(middle) * 1e-9, gitcollab.Chart.LEAST);
    return [middle - half, middle + half];
  }

  // The metrics that are shown, least first: of what counts, or of what does not.
  #values(counted) {
    const off = gitcollab.MARKS.indexOf("uncounted");
    const rows = this.rows.filter((row) => this.#fits(row.metric) && (row.mark !== off) === counted);
    return rows.map((row) => row.metric).sort((a, b) => a - b);
  }

  #fits(value) {
    return value !== null && Math.abs(value) <= gitcollab.Chart.MOST;
  }

  // The least and the greatest of sorted values and of the best; null of none.
  #span(values, ends) {
    const all = [...ends, ...values.slice(0, 1), ...values.slice(-1)];
    if (!all.length) return null;
    let [low, high] = [Math.min(...all), Math.max(...all)];
    if (!this.outliers && values.length > 8) {
      const at = (share) => values[Math.round(share * (values.length - 1))];
      const room = 3 * Math.max(at(0.75) - at(0.25), 1e-12);
      low = Math.max(low, Math.min(at(0.25) - room, ...ends));
      high = Math.min(high, Math.max(at(0.75) + room, ...ends));
    }
    return [low, high];
  }

  // With what does not count, as far as the rest can still be told apart beside it.
  #widened([low, high]) {
    const room = 10 * Math.max(high - low, 1e-12);
    const near = this.#values(false).filter((value) => value >= low - room && value <= high + room);
    return [Math.min(low, ...near.slice(0, 1)), Math.max(high, ...near.slice(-1))];
  }

  #colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  #draw() {
    const data = this.#data();
    const kept = this.plot && this.zoomed ? { ...this.plot.scales.x } : null;
    this.plot?.destroy();
    this.plot = new uPlot(this.#options(), data, this.place);
    this.plot.over.append(this.tip, this.ring);
    const [first, last] = this.#ends();
    this.#zoom(kept ? kept.min : first, kept ? kept.max : last);
    this.#point(null);
  }

  // One column for the line and one for each mark, over all numbers from the first to the last.
  #data() {
    const first = this.all.length ? this.all[0].number : 1;
    const numbers = this.all.map((row) => row.number);
    const columns = gitcollab.MARKS.map(() => new Array(numbers.length).fill(null));
    for (const row of this.rows) {
      if (row.metric !== null) columns[row.mark][row.number - first] = row.metric;
    }
    const line = new Array(numbers.length).fill(null);
    let step = 0;
    let value = null;
    numbers.forEach((number, n) => {
      while (step < this.best.length && this.best[step][0] <= number) value = this.best[step++][1];
      line[n] = value;
    });
    return [numbers, line, ...columns];
  }

  #options() {
    const [soft, grid] = [this.#colour("soft"), this.#colour("line")];
    const axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const marks = gitcollab.MARKS.map((mark) => ({ label: mark, ...this.#dots(mark) }));
    const best = {
      label: "best",
      stroke: this.#colour("best"),
      width: 2,
      paths: uPlot.paths.stepped({ align: 1 }),
      points: { show: false },
    };
    return {
      width: Math.max(280, this.place.clientWidth - 8),
      height: window.innerWidth < 740 ? 340 : 440,
      legend: { show: false },
      scales: {
        x: { time: false },
        y: { range: () => this.range },
      },
      cursor: { points: { show: false }, drag: { x: true, y: false, dist: 6 }, y: false },
      axes: [
        { ...axis, label: "experiment", labelSize: 20, incrs: gitcollab.Chart.STEPS },
        { ...axis, size: 84, values: (_, ticks) => ticks.map((tick) => this.#tick(tick)) },
      ],
      series: [{}, best, ...marks],
      hooks: {
        setScale: [(plot, key) => key === "x" && this.plot === plot && this.onzoom(this.zoomed)],
        draw: [(plot) => this.#crashes(plot)],
      },
    };
  }

  #tick(value) {
    const size = Math.abs(value);
    return value === 0 || (size >= 1e-3 && size < 1e5)
      ? String(Number(value.toFixed(5)))
      : value.toExponential(2);
  }

  // Kept ones are filled and large, the others hollow: colour is not all that tells them apart.
  #dots(mark) {
    const kept = mark === "keep";
    const colour = this.#colour(["keep", "discard", "noise", "crash"].includes(mark) ? mark : "soft");
    const fill = kept ? colour : this.#colour("page");
    const size = kept ? 9 : this.all.length > 3000 ? 4 : 6;
    return { stroke: colour, paths: () => null, points: { show: true, size, width: 1.5, stroke: colour, fill } };
  }

  // What has no metric is a cross at the lower edge.
  #crashes(plot) {
    const { ctx, bbox } = plot;
    const scale = window.devicePixelRatio || 1;
    const y = bbox.top + bbox.height - 7 * scale;
    ctx.save();
    ctx.beginPath();
    for (const row of this.rows) {
      if (row.metric !== null) continue;
      const x = plot.valToPos(row.number, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      for (const way of [1, -1]) {
        ctx.moveTo(x - 3 * scale, y - 3 * way * scale);
        ctx.lineTo(x + 3 * scale, y + 3 * way * scale);
      }
    }
    ctx.strokeStyle = this.#colour("crash");
    ctx.lineWidth = 1.5 * scale;
    ctx.stroke();
    ctx.restore();
  }

  #zoom(min, max) {
    this.plot.setScale("x", { min, max });
  }

  // -- pointing ---------------------------------------------------------------------------------

  #spot(row) {
    const { width, height } = this.plot.over.getBoundingClientRect();
    const left = this.plot.valToPos(row.number, "x");
    const top = row.metric === null ? height - 7 : this.plot.valToPos(row.metric, "y");
    return { left, top, seen: left >= 0 && left <= width && top >= 0 && top <= height };
  }

  // The first of the rows whose number is not below this one.
  #from(number) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #nearest(left, top) {
    const near = gitcollab.Chart.NEAR;
    const [from, to] = [left - near, left + near].map((x) => this.plot.posToVal(x, "x"));
    let found = null;
    let least = near * near;
    for (let n = this.#from(from); n < this.rows.length && this.rows[n].number <= to; n += 1) {
      const spot = this.#spot(this.rows[n]);
      const away = (spot.left - left) ** 2 + (spot.top - top) ** 2;
      if (spot.seen && away < least) [least, found] = [away, this.rows[n]];
    }
    return found;
  }

  #point(row, said = false) {
    this.at = row;
    this.tip.hidden = this.ring.hidden = row === null;
    this.plot.over.style.cursor = row === null ? "" : "pointer";
    if (row === null) return;
    const spot = this.#spot(row);
    const top = Math.min(Math.max(spot.top, 0), this.plot.over.clientHeight);
    Object.assign(this.ring.style, { left: `${spot.left}px`, top: `${top}px` });
    this.#fill(row);
    const wide = this.plot.over.clientWidth;
    const left = Math.min(Math.max(0, spot.left + 14), Math.max(0, wide - this.tip.offsetWidth));
    const above = top - this.tip.offsetHeight - 14;
    Object.assign(this.tip.style, { left: `${left}px`, top: `${above > 0 ? above : top + 14}px` });
    if (said) this.announce(this.tip.innerText.replaceAll("\n", ". "));
  }

  #fill(row) {
    const value = document.createElement("b");
    value.textContent = gitcollab.metric(row.metric);
    const mark = document.createElement("span");
    mark.className = `mark mark-${gitcollab.MARKS[row.mark]}`;
    mark.textContent = ` ${gitcollab.WORDS[row.mark]}`;
    const lines = [row.text, `#${row.number} by ${row.agent}, ${gitcollab.when(row)} UTC`];
    const parts = lines.map((text) => {
      const line = document.createElement("div");
      line.textContent = text;
      return line;
    });
    this.tip.replaceChildren(value, mark, ...parts);
  }

  #open() {
    if (this.at) window.location.href = gitcollab.page(this.at);
  }

  // -- hands ------------------------------------------------------------------------------------

  #listen() {
    let pressed = null;
    this.place.addEventListener("pointermove", (event) => {
      if (!this.plot?.over.contains(event.target)) return;
      const box = this.plot.over.getBoundingClientRect();
      this.#point(this.#nearest(event.clientX - box.left, event.clientY - box.top));
    });
    this.place.addEventListener("pointerleave", () => this.plot && this.#point(null));
    this.place.addEventListener("pointerdown", (event) => { pressed = event.clientX; });
    this.place.addEventListener("click", (event) => {
      if (pressed !== null && Math.abs(event.clientX - pressed) < 4) this.#open();
    });
    this.place.addEventListener("keydown", (event) => this.#key(event));
    window.addEventListener("resize", () => {
      this.plot?.setSize({ width: Math.max(280, this.place.clientWidth - 8), height: this.plot.height });
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  #key(event) {
    const does = {
      ArrowRight: () => this.#step(1),
      ArrowLeft: () => this.#step(-1),
      Home: () => this.#step(-Infinity),
      End: () => this.#step(Infinity),
      Enter: () => this.#open(),
      Escape: () => this.seeAll(),
      "+": () => this.#closer(0.5),
      "=": () => this.#closer(0.5),
      "-": () => this.#closer(2),
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  }

  #step(by) {
    if (!this.rows.length) return;
    const last = this.rows.length - 1;
    const here = this.at ? this.rows.indexOf(this.at) : by > 0 ? -1 : last + 1;
    const row = this.rows[Math.min(last, Math.max(0, here + by))];
    const { min, max } = this.plot.scales.x;
    if (row.number < min || row.number > max) {
      const half = (max - min) / 2;
      this.#zoom(row.number - half, row.number + half);
    }
    this.#point(row, true);
  }

  #closer(by) {
    const { min, max } = this.plot.scales.x;
    const [first, last] = this.#ends();
    const middle = this.at ? this.at.number : (min + max) / 2;
    const half = Math.max(2, ((max - min) / 2) * by);
    this.#zoom(Math.max(first, middle - half), Math.min(last, middle + half));
    this.#point(this.at);
  }
};
