// Figures as the server writes them in the first HTML: same decimals, same rounding, the visitor's language.

import { clockSeconds, clockTime } from "./clock.js";
import { lang } from "./house.js";

function decimals(n) {
  const format = new Intl.NumberFormat(lang, { minimumFractionDigits: n, maximumFractionDigits: n, useGrouping: false });
  return (value) => format.format(value);
}

const [zero, one, two, three] = [0, 1, 2, 3].map(decimals);
const plainAxis = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });

/** What rounds to nothing has no sign. */
const signless = (text) => (/[1-9]/.test(text) ? text.replace("-", "−") : text.replace("-", ""));

export const formats = {
  kw: (w) => two(Math.abs(w) / 1000),
  signed_kw: (w) => (w < 0 ? "−" : "") + two(Math.abs(w) / 1000),
  kw1: (w) => one(w / 1000),
  kwh: (wh) => two(wh / 1000),
  register: (wh) => three(wh / 1000),
  m3: (l) => three(l / 1000),
  whole: zero,
  tenth: (value) => signless(one(value)),
  milli: (value) => signless(one(value / 1000)),
  axis: (w) => plainAxis.format(Math.abs(w) / 1000),
  signed_axis: (value) => signless(plainAxis.format(value / 1000)),
  volt: one,
  amp: two,
  time: clockTime,
  seconds: clockSeconds,
};

/** Writes a value into its element: the exact integer for programs, the figure for people. */
export function show(element, value) {
  if (value === null || value === undefined) {
    if (element.hasAttribute("data-value")) {
      element.removeAttribute("data-value");
      element.textContent = "–";
    }
    return;
  }
  if (element.dataset.value === String(value)) return;
  element.dataset.value = value;
  element.textContent = formats[element.dataset.format ?? "whole"](value);
}
