// Makes the drawn charts interactive: hover, zoom by dragging (finer numbers are fetched), double click to go back.
(() => {
  const HEIGHT = 180;
  const IN_BYTES = { MiB: 1048576, "B/s": 1 };
  const DASHES = { limit: [6, 4], reserve: [2, 3], ahead: [4, 4], other: [8, 3] };
  const POWERS_OF_TWO = Array.from({ length: 70 }, (_, power) => 2 ** (power - 20));

  // A canvas knows no variables: let the browser work each colour out once.
  const probe = document.createElement("span");
  probe.hidden = true;
  const color = (value) => { document.body.append(probe); probe.style.color = value; const found = getComputedStyle(probe).color; probe.remove(); return found; };
  const paint = (name, percent) => color(`color-mix(in srgb, var(${name}) ${percent}%, transparent)`);

  const rounded = (amount) => (amount >= 100 ? amount.toFixed(0) : String(Number(amount.toPrecision(3))));
  const shown = (value, unit, bare) => {
    if (value === null || value === undefined) return "–";
    if (!IN_BYTES[unit]) return bare ? rounded(value) : `${rounded(value)} ${unit}`;
    let amount = value * IN_BYTES[unit], power = 0;
    while (amount >= 1024 && power < 5) { amount /= 1024; power += 1; }
    return `${rounded(amount)} ${["", "Ki", "Mi", "Gi", "Ti", "Pi"][power]}${unit === "B/s" ? "B/s" : "B"}`;
  };

  const moments = (zone) => {
    const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short" });
    const hour = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
    const at = (format, seconds) => format.format(new Date(seconds * 1000));
    return {
      tick: (seconds, apart) => (apart >= 86400 || at(hour, seconds) === "00:00" ? at(day, seconds) : at(hour, seconds)),
      whole: (seconds) => `${at(day, seconds)}, ${at(hour, seconds)}`,
    };
  };

  // One chart's columns for uPlot: times, then for each line its numbers; past the last sample only the forecast goes on.
  const columns = (told, chart) => {
    const times = Array.from({ length: told.length }, (_, slot) => told.since + slot * told.step);
    const ahead = chart.forecast ? chart.forecast.slice(1).map((point) => point[0]) : [];
    const fill = (numbers, rest) => [...numbers, ...ahead.map((_, place) => (rest ? rest[place] : null))];
    const lines = [], series = [{}], bands = [], readings = [];
    const add = (numbers, options) => { lines.push(numbers); series.push({ points: { show: false }, ...options }); return lines.length; };
    const band = (low, high, fill_) => bands.push({ series: [add(high, { width: 0 }), add(low, { width: 0 })], fill: fill_ });
    const read = (label, place, low, high) => readings.push({ label, place, low, high });
    chart.series.forEach((one, place) => {
      const name = place ? "--panel-careful" : "--panel-busy";
      band(fill(one.min), fill(one.max), paint(name, 18));
      const high = lines.length - 1;
      read(one.label, add(fill(one.mean), { stroke: paint(name, 100), width: 1.5, points: {} }), high + 1, high);
      if (one.other) read(`${told.compared}: ${one.label}`, add(fill(one.other), { stroke: paint("--panel-good", 100), width: 1.25, dash: DASHES.other }));
    });
    if (chart.limit) read("Limit", add(fill(chart.limit), { stroke: paint("--panel-bad", 100), width: 1, dash: DASHES.limit }));
    if (chart.reserve) add(fill(times.map(() => chart.reserve), ahead.map(() => chart.reserve)), { stroke: paint("--panel-bad", 100), width: 1, dash: DASHES.reserve });
    if (chart.forecast) {
      const along = (place) => fill(times.map((_, slot) => (slot === told.length - 1 ? chart.forecast[0][place] : null)), chart.forecast.slice(1).map((point) => point[place]));
      band(along(2), along(3), paint("--panel-quiet", 18));
      const high = lines.length - 1;
      read("Forecast", add(along(1), { stroke: paint("--panel-quiet", 100), width: 1.25, dash: DASHES.ahead }), high + 1, high);
    }
    return { data: [[...times, ...ahead], ...lines], series, bands, readings };
  };

  const readout = (plot, chart, readings, when) => {
    const slot = plot.cursor.idx;
    if (slot === null || slot === undefined) return "";
    const said = readings
      .filter((one) => plot.data[one.place][slot] !== null)
      .map((one) => {
        const range = one.low ? ` (${shown(plot.data[one.low][slot], chart.unit)} to ${shown(plot.data[one.high][slot], chart.unit)})` : "";
        return `${one.label} ${shown(plot.data[one.place][slot], chart.unit)}${range}`;
      });
    return `${when.whole(plot.data[0][slot])}: ${said.join(" · ") || "nothing known"}`;
  };

  const draw = (box, told, zoom) => {
    const when = moments(box.dataset.zone);
    told.charts.forEach((chart) => {
      const figure = box.querySelector(`[data-chart="${chart.name}"]`);
      if (!figure) return;
      const place = figure.querySelector(".plot");
      const { data, series, bands, readings } = columns(told, chart);
      const axis = { stroke: paint("--tblr-secondary", 100), grid: { stroke: paint("--tblr-secondary", 25), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
      const spoken = figure.querySelector(".readout");
      place.plot?.destroy();
      place.replaceChildren();
      place.plot = new uPlot({
        width: place.clientWidth, height: HEIGHT, series, bands, legend: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), box.dataset.zone),
        cursor: { sync: { key: "use" }, drag: { x: true, y: false } },
        scales: { y: { range: (_, low, high) => [0, (high || 1) * 1.08] } },
        axes: [
          { ...axis, values: (_, ticks, __, ___, apart) => ticks.map((tick) => when.tick(tick, apart)) },
          { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => shown(tick, chart.unit, true)), ...(IN_BYTES[chart.unit] ? { incrs: POWERS_OF_TWO } : {}) },
        ],
        hooks: {
          setCursor: [(plot) => { spoken.textContent = readout(plot, chart, readings, when); }],
          setSelect: [(plot) => { if (plot.select.width > 8) zoom(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")); }],
          ready: [(plot) => plot.over.addEventListener("dblclick", () => zoom())],
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
      if (answer.ok && mine === asked) draw(box, await answer.json(), (from, to) => load(from, to).catch(() => {}));
    };
    await load().catch(() => {}); // the drawing that came with the page stays
    new ResizeObserver(() => box.querySelectorAll(".plot").forEach((place) => place.plot?.setSize({ width: place.clientWidth, height: HEIGHT }))).observe(box);
  };

  const find = () => document.querySelectorAll("[data-use]:not([data-started])").forEach(start);
  document.addEventListener("DOMContentLoaded", find);
  document.addEventListener("htmx:afterSettle", find);
})();
