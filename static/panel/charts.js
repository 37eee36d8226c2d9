// Makes the drawn charts interactive: hover, zoom by dragging (finer numbers are fetched), double click to go back.
(() => {
  const STEPS = { B: 1024, "B/s": 1024 };
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const paint = (name, alpha) => `color-mix(in oklab, ${style(name)} ${alpha}%, transparent)`;

  const shown = (value, unit) => {
    if (value === null || value === undefined) return "–";
    let amount = unit === "MiB" ? value * 1048576 : value;
    const base = unit === "MiB" ? "B" : unit;
    if (!STEPS[base]) return `${amount >= 100 ? amount.toFixed(0) : Number(amount.toPrecision(3))} ${unit}`;
    let power = 0;
    while (amount >= 1024 && power < 5) { amount /= 1024; power += 1; }
    return `${amount >= 100 ? amount.toFixed(0) : Number(amount.toPrecision(3))} ${["", "Ki", "Mi", "Gi", "Ti", "Pi"][power]}${base}`;
  };

  const dashes = { limit: [6, 4], reserve: [2, 3], ahead: [4, 4], other: [8, 3] };

  // One chart's columns for uPlot: times, then for each line its numbers; past the last sample only the forecast goes on.
  const columns = (told, chart) => {
    const times = Array.from({ length: told.length }, (_, slot) => told.since + slot * told.step);
    const ahead = chart.forecast ? chart.forecast.slice(1).map((point) => point[0]) : [];
    const fill = (numbers, rest) => [...numbers, ...ahead.map((_, place) => (rest ? rest[place] : null))];
    const lines = [], series = [{}], bands = [];
    const add = (numbers, options) => { lines.push(numbers); series.push(options); return series.length - 1; };
    const value = (_, number) => shown(number, chart.unit);
    chart.series.forEach((one, place) => {
      const color = style(place ? "--panel-careful" : "--panel-busy");
      const low = add(fill(one.min), { label: `${one.label}, lowest`, width: 0, points: { show: false }, value });
      const high = add(fill(one.max), { label: `${one.label}, highest`, width: 0, points: { show: false }, value });
      bands.push({ series: [high, low], fill: paint(place ? "--panel-careful" : "--panel-busy", 18) });
      add(fill(one.mean), { label: one.label, stroke: color, width: 1.5, value });
      if (one.other) add(fill(one.other), { label: `${told.compared}, ${one.label}`, stroke: style("--panel-good"), width: 1.25, dash: dashes.other, value });
    });
    if (chart.limit) add(fill(chart.limit), { label: "Limit", stroke: style("--panel-bad"), width: 1, dash: dashes.limit, points: { show: false }, value });
    if (chart.reserve) add(fill(times.map(() => chart.reserve), ahead.map(() => chart.reserve)), { label: "Reserve begins", stroke: style("--panel-bad"), width: 1, dash: dashes.reserve, points: { show: false }, value });
    if (chart.forecast) {
      const last = told.length - 1;
      const along = (place) => fill(times.map((_, slot) => (slot === last ? chart.forecast[0][place] : null)), chart.forecast.slice(1).map((point) => point[place]));
      const low = add(along(2), { label: "At least", width: 0, points: { show: false }, value });
      const high = add(along(3), { label: "At most", width: 0, points: { show: false }, value });
      bands.push({ series: [high, low], fill: paint("--panel-quiet", 16) });
      add(along(1), { label: "Forecast", stroke: style("--panel-quiet"), width: 1.25, dash: dashes.ahead, points: { show: false }, value });
    }
    return { data: [[...times, ...ahead], ...lines], series, bands };
  };

  const draw = (box, told, zoomed) => {
    told.charts.forEach((chart) => {
      const place = box.querySelector(`[data-chart="${chart.name}"] .plot`);
      if (!place) return;
      const { data, series, bands } = columns(told, chart);
      const axis = { stroke: style("--tblr-secondary"), grid: { stroke: style("--tblr-border-color"), width: 0.5 }, ticks: { show: false }, font: "12px system-ui" };
      place.plot?.destroy();
      place.replaceChildren();
      place.plot = new uPlot({
        width: place.clientWidth, height: 190, series, bands,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), box.dataset.zone),
        legend: { live: true }, cursor: { sync: { key: "use" }, drag: { x: true, y: false, uni: 20 } },
        scales: { y: { range: (_, low, high) => [0, (high || 1) * 1.08] } },
        axes: [axis, { ...axis, size: 76, values: (_, ticks) => ticks.map((tick) => shown(tick, chart.unit)) }],
        hooks: {
          setSelect: [(plot) => { if (plot.select.width > 8) zoomed(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")); }],
          ready: [(plot) => plot.over.addEventListener("dblclick", () => zoomed())],
        },
      }, data, place);
    });
  };

  const start = async (box) => {
    box.dataset.started = "yes";
    let asked = 0;
    const load = async (since, until) => {
      const mine = ++asked;
      const more = since === undefined || until - since < 1800 ? "" : `&since=${Math.round(since)}&until=${Math.round(until)}`;
      const answer = await fetch(box.dataset.use + more, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok || mine !== asked) return;
      draw(box, await answer.json(), load);
    };
    try { await load(); } catch { /* the drawing that came with the page stays */ }
    new ResizeObserver(() => box.querySelectorAll(".plot").forEach((place) => place.plot?.setSize({ width: place.clientWidth, height: 190 }))).observe(box);
  };

  const find = () => document.querySelectorAll("[data-use]:not([data-started])").forEach(start);
  document.addEventListener("DOMContentLoaded", find);
  document.addEventListener("htmx:afterSettle", find);
})();
