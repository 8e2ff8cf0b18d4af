// The experiments that are loaded, oldest first, and which of them a filter lets through.
"use strict";
const gitcollab = {
  MARKS: [], // what may become of an experiment, by name,
  WORDS: [], // and as people read it: as the data say
  STANDINGS: [], // how well programs are known, the worst first
  rows: [],
  best: [],
  chunks: 0,

  // A file of data hands over its columns; files come newest first.
  add(columns) {
    this.MARKS = columns.marks.map(([name]) => name);
    this.WORDS = columns.marks.map(([, words]) => words);
    this.STANDINGS = columns.standings;
    const rows = columns.slug.map((slug, n) => ({
      number: columns.first + n,
      agent: columns.agents[columns.agent[n]],
      tier: columns.tiers[columns.tier[n]],
      slug,
      time: columns.time[n],
      metric: columns.metric[n],
      mark: columns.mark[n],
      standing: columns.standing[n],
      built: columns.built[n],
      text: columns.text[n],
      words: columns.text[n].toLowerCase(),
    }));
    this.rows = rows.concat(this.rows);
    this.best = columns.best.concat(this.best);
    this.chunks += 1;
    this.onmore?.();
  },

  page(row) {
    return `results/${row.agent}/${row.slug}.html`;
  },

  // As the rest of the dashboard writes a metric.
  metric(value) {
    if (value === null) return "–";
    const size = Math.abs(value);
    if (value === 0 || (size >= 1e-3 && size < 1e6)) return value.toFixed(6);
    return String(Number(value.toPrecision(6)));
  },

  when(row) {
    return new Date(row.time * 1000).toISOString().slice(0, 16).replace("T", " ");
  },

  filter({ text, agent, tier, marks }) {
    const asked = text.toLowerCase().split(/\s+/).filter(Boolean);
    return this.rows.filter(
      (row) =>
        marks.has(row.mark) &&
        (agent === "" || row.agent === agent) &&
        (tier === "" || row.tier === tier) &&
        asked.every((word) => row.words.includes(word)),
    );
  },
};
