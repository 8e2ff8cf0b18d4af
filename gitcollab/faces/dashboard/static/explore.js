// The page of experiments: the filters decide what chart and list show; the address keeps them.
"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const { dataset } = get("explorer");
  const form = get("filters");
  const older = dataset.older.split(" ").filter(Boolean);
  const fields = ["text", "agent", "tier"];
  const boxes = [...form.elements.mark];

  const chart = new gitcollab.Chart(get("chart"), {
    name: dataset.name,
    sign: Number(dataset.sign),
    onzoom: (zoomed) => { get("zoom-out").disabled = !zoomed; },
    announce: (text) => { get("announce").textContent = text; },
  });
  const list = new gitcollab.List(get("list"), get("place"), get("previous"), get("next"));

  const chosen = () => ({
    ...Object.fromEntries(fields.map((name) => [name, form.elements[name].value])),
    marks: new Set(boxes.flatMap((box, n) => (box.checked ? [n] : []))),
  });

  const show = () => {
    const rows = gitcollab.filter(chosen());
    chart.show(rows, gitcollab.rows, gitcollab.best);
    list.show(rows);
    const [found, loaded] = [rows, gitcollab.rows].map((some) => some.length.toLocaleString("en"));
    const total = Number(dataset.total);
    const of = total > gitcollab.rows.length ? `the newest ${loaded} (there are ${total.toLocaleString("en")})` : loaded;
    get("found").textContent = `${found} of ${of} experiments`;
    get("more").hidden = gitcollab.chunks > older.length;
  };

  const remember = () => {
    const kept = new URLSearchParams();
    for (const name of fields) if (form.elements[name].value) kept.set(name, form.elements[name].value);
    const off = boxes.filter((box) => !box.checked);
    if (off.length) kept.set("without", off.map((box) => box.value).join("."));
    window.history.replaceState(null, "", `#${kept}`);
  };

  const recall = () => {
    const kept = new URLSearchParams(window.location.hash.slice(1));
    for (const name of fields) form.elements[name].value = kept.get(name) ?? "";
    const off = (kept.get("without") ?? "").split(".");
    for (const box of boxes) box.checked = !off.includes(box.value);
  };

  const changed = () => { remember(); show(); };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => window.setTimeout(changed));
  window.addEventListener("hashchange", () => { recall(); show(); });
  get("zoom-out").addEventListener("click", () => chart.seeAll());
  get("outliers").addEventListener("change", (event) => { chart.outliers = event.target.checked; show(); });
  get("load").addEventListener("click", () => {
    const script = document.createElement("script");
    script.src = older[gitcollab.chunks - 1];
    script.onerror = () => { get("found").textContent = "older experiments could not be loaded"; };
    document.head.append(script);
  });
  gitcollab.onmore = show;
  get("newest").remove(); // what readers without scripts have
  get("explorer").hidden = false;
  recall();
  show();
})();
