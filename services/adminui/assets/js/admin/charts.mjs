/** The two charts on one time axis. Colours come from the tokens, and change with the theme. */

import uPlot from "uplot";
import { stack } from "./stack.mjs";

const EVERY = 10000;
const HEIGHT = 196;
const two = (number) => String(number).padStart(2, "0");
const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric" });

const CHARTS = {
  sessions: { lines: [["running", 1], ["starting", 2], ["queued", 3]], stacked: true, unit: (value) => String(Math.round(value)) },
  start: { lines: [["p50", 1], ["p95", 4]], stacked: false, unit: (value) => `${Number(value.toFixed(1))}\u00a0s` },
};
const WORDS = { p50: "median", p95: "95 of 100" };
const drawn = [];


/** A token's colour as the canvas takes it: light-dark() is resolved by an element that wears it. */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A single sample makes no line: it is shown as a point. */
function lonely(plot, number) {
  return plot.data[number].filter((value) => value !== null).length < 3;
}

function ticks(_plot, times) {
  const long = times.length > 1 && times.at(-1) - times[0] > 2 * 86400;
  return times.map((time) => (long ? DAY.format(time * 1000) : clock(new Date(time * 1000))));
}

function options(id, kind, width) {
  const weak = colour("--ink-3");
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: weak, grid, ticks: { show: false }, font: "12px Inter, system-ui, sans-serif" };
  const lines = kind.stacked ? [...kind.lines].reverse() : kind.lines;
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "overview" }, y: false },
    scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(high * 1.08, kind.stacked ? 4 : 1)] } },
    axes: [
      { ...axis, values: ticks, space: 64, gap: 6, size: 28 },
      { ...axis, values: (_plot, values) => values.map((value) => (kind.stacked && value % 1 ? "" : kind.unit(value))), size: 46, gap: 6, space: 32 },
    ],
    series: [
      {},
      ...lines.map(([, number]) => {
        const stroke = colour(`--chart-${number}`);
        return { stroke, width: 1.5, fill: kind.stacked ? stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.18)") : undefined, points: { show: lonely, size: 5, fill: stroke } };
      }),
    ],
    bands: kind.stacked ? lines.slice(1).map((_line, at) => ({ series: [at + 1, at + 2] })) : [],
    hooks: { setCursor: [(plot) => point(id, plot)] },
  };
}

function point(id, plot) {
  const chart = drawn.find((one) => one.id === id);
  const tip = chart?.tip;
  if (!tip) return;
  const at = plot.cursor.idx;
  tip.hidden = at === null || at === undefined || plot.cursor.left < 0;
  if (tip.hidden) return;
  tip.replaceChildren(Object.assign(document.createElement("strong"), { textContent: `${DAY.format(chart.data.times[at] * 1000)}, ${clock(new Date(chart.data.times[at] * 1000))}` }));
  for (const [name, number] of chart.kind.lines) {
    const value = chart.data[name][at];
    if (value === null || value === undefined) continue;
    const row = document.createElement("span");
    row.append(Object.assign(document.createElement("i"), { className: `swatch chart-${number}` }), `${chart.kind.unit(value)} ${WORDS[name] ?? name}`);
    tip.append(row);
  }
  const right = plot.cursor.left > plot.over.clientWidth / 2;
  tip.style.left = right ? "" : `${plot.over.offsetLeft + plot.cursor.left + 12}px`;
  tip.style.right = right ? `${plot.over.clientWidth - plot.cursor.left + 20}px` : "";
  tip.style.top = "12px";
}

function columns(kind, data) {
  const lines = kind.lines.map(([name]) => data[name]);
  return [data.times, ...(kind.stacked ? stack(lines).reverse() : lines)];
}

function draw(section, data) {
  const id = section.dataset.chart;
  const kind = CHARTS[id];
  const place = section.querySelector(".plot");
  const known = drawn.find((one) => one.id === id);
  place.setAttribute("aria-label", data.sentences[id]);
  if (data.times.length < 2) return;
  if (known) {
    known.data = data;
    known.plot.setData(columns(kind, data));
    return;
  }
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  const plot = new uPlot(options(id, kind, place.clientWidth), columns(kind, data));
  place.replaceChildren(plot.root, tip);
  drawn.push({ id, kind, data, plot, tip, place });
}

function redraw() {
  for (const one of drawn.splice(0)) {
    one.plot.destroy();
    draw(one.place.closest("[data-chart]"), one.data);
  }
}

async function look() {
  const window_ = document.getElementById("charts").dataset.window;
  const answer = await fetch(`/admin/series?window=${window_}`, { credentials: "same-origin", headers: { "X-Inline": "1" } }).catch(() => null);
  if (!answer?.ok) return;
  const data = await answer.json();
  for (const section of document.querySelectorAll("[data-chart]")) draw(section, data);
}

export function run() {
  look();
  setInterval(() => document.hidden || look(), EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || look());
  new ResizeObserver(() => {
    for (const one of drawn) one.plot.setSize({ width: one.place.clientWidth, height: HEIGHT });
  }).observe(document.getElementById("charts"));
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
