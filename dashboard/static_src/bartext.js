// A bar in words. Pure.

import { say } from "./house.js";

/** "13:00–14:00", a line for each series, the sum of those that go up, and what has to be known of it. */
export function barText(answer, chart, place, formats) {
  const figure = (value) => `${formats[chart.format](value)} ${chart.unit}`;
  const known = chart.lines.filter(({ values }) => values[place] !== null);
  const lines = [answer.names[place], ...known.map(({ label, values }) => `${label} ${figure(values[place])}`)];
  const ups = known.filter(({ down }) => !down);
  if (ups.length > 1) lines.splice(1 + ups.length, 0, `${say("together")} ${figure(ups.reduce((sum, { values }) => sum + values[place], 0))}`);
  for (const { label, values } of chart.before) {
    if (values[place] !== null) lines.push(say("bar_before", { name: label, value: figure(values[place]) }));
  }
  if (chart.notes[place] !== undefined) lines.push(chart.notes[place]);
  return lines.join("\n");
}

/** The lowest and highest end of any bar, 0 included. */
export function extent({ lines, before }) {
  const sums = [lines, before].flatMap((some) => [false, true].map((down) => highest(some.filter((line) => Boolean(line.down) === down))));
  return [-Math.max(sums[1], sums[3]), Math.max(sums[0], sums[2])];
}

function highest(lines) {
  if (lines.length === 0) return 0;
  return Math.max(0, ...lines[0].values.map((_, place) => lines.reduce((sum, { values }) => sum + (values[place] ?? 0), 0)));
}
