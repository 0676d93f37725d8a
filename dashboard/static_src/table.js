// The curve in words: one sentence, and a row for each hour of the day.

import { clockTime } from "./clock.js";
import { formats } from "./figures.js";
import { say } from "./house.js";

const SPOKEN_GAPS = 3;

/** {sentence, rows: [{hour, import_w, export_w, missing_s}]}: means in W, null where there is no reading in the hour. */
export function dayTable(points, until) {
  const means = points.stepMeans();
  const rows = [];
  for (let hour = points.start; hour < Math.min(until, points.end); hour += 3600) {
    rows.push(hourRow(points, means, hour, until));
  }
  return { sentence: sentence(points, means, until), rows };
}

function hourRow({ start, step }, means, hour, until) {
  const first = (hour - start) / step;
  const values = means.slice(first, first + 3600 / step);
  const known = values.filter((w) => w !== null && w !== undefined);
  const passed = Math.min(3600, until - hour);
  if (known.length === 0) return { hour, import_w: null, export_w: null, missing_s: passed };
  const mean = (part) => Math.round(known.reduce((sum, w) => sum + part(w), 0) / known.length);
  return {
    hour,
    import_w: mean((w) => Math.max(0, w)),
    export_w: mean((w) => Math.max(0, -w)),
    missing_s: Math.max(0, Math.floor(passed / step) - known.length) * step,
  };
}

function sentence(points, means, until) {
  const { start, step } = points;
  const known = means.map((w, i) => [start + i * step, w]).filter(([, w]) => w !== null && w !== undefined);
  if (known.length === 0) return "";
  const [highTime, high] = known.reduce((best, point) => (point[1] > best[1] ? point : best));
  const [lowTime, low] = known.reduce((best, point) => (point[1] < best[1] ? point : best));
  const parts = [high > 0 ? say("import_highest", { time: clockTime(highTime), kw: formats.kw(high) }) : say("import_none")];
  if (low < 0) parts.push(say("export_highest", { time: clockTime(lowTime), kw: formats.kw(low) }));
  const gaps = points.gaps(until).filter(([from]) => from > start);
  if (gaps.length > 0) {
    const spans = gaps.slice(0, SPOKEN_GAPS).map(([from, to]) => say("span", { start: clockTime(from), end: clockTime(to) }));
    parts.push(say("gaps", { spans: spans.join(", ") + (gaps.length > SPOKEN_GAPS ? ", …" : "") }));
  }
  return parts.join(" ");
}
