// A step of a curve in words, and where a curve is known. Pure.

import { say } from "./house.js";

export function places({ start, end, step }) {
  return Math.round((end - start) / step);
}

/** [first, last] place of which a line knows anything; null where none does. */
export function known({ lines }) {
  const firsts = lines.map(({ values }) => values.findIndex((value) => value !== null)).filter((place) => place >= 0);
  const lasts = lines.map(({ values }) => values.findLastIndex((value) => value !== null));
  return firsts.length === 0 ? null : [Math.min(...firsts), Math.max(...lasts)];
}

/** [first, last] of each stretch in which both are known. */
export function runs(low, high) {
  const found = [];
  let first = null;
  for (let place = 0; place <= low.length; place += 1) {
    const there = place < low.length && low[place] !== null && high[place] !== null;
    if (there && first === null) first = place;
    if (!there && first !== null) {
      found.push([first, place - 1]);
      first = null;
    }
  }
  return found;
}

/** "13:00 to 13:15", then a line for each that is known, with its band. */
export function curveText(curve, place, formats, clockTime) {
  const begin = curve.start + place * curve.step;
  const span = say("span", { start: clockTime(begin), end: clockTime(begin + curve.step) });
  const lines = curve.lines.filter(({ values }) => values[place] !== null && values[place] !== undefined);
  if (lines.length === 0) return say("point_none", { time: span });
  const form = formats[curve.format];
  return [span, ...lines.map((line) => `${line.label} ${form(line.values[place])} ${curve.unit}`.trimEnd() + bandText(line, place, form))].join("\n");
}

function bandText({ band }, place, form) {
  if (!band || band[0][place] === null || band[1][place] === null) return "";
  return ` (${say("span", { start: form(band[0][place]), end: form(band[1][place]) })})`;
}
