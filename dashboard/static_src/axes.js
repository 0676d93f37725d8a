// What the curves of a day have in common: the house's clock below, power or another unit beside, what a press or the pointer says.

import { clockTime, inDoubledHour, localHour } from "./clock.js";
import { formats } from "./figures.js";

const HOUR_S = 3600;

export function labelText(colours) {
  return { color: colours.ink3, fontFamily: colours.font, fontSize: 12 };
}

/** The clock goes back in it: one local hour stands there twice. */
export function hasDoubledHour({ start, end }) {
  for (let time = start; time < end; time += HOUR_S) if (inDoubledHour(time) !== null) return true;
  return false;
}

/** Round hours of the house, each third (sixth on a phone or where there are two days); in October both 02:00 hours stand there,
    each on a line of its own. */
export function timeAxis({ start, end }, narrow, text, colours) {
  const hours = [];
  const doubled = hasDoubledHour({ start, end });
  const long = end - start > 36 * HOUR_S;
  const every = narrow && long ? 12 : narrow || doubled || long ? 6 : 3;
  for (let time = start; time <= end; time += HOUR_S) {
    if (localHour(time) % every === 0 || inDoubledHour(time) !== null) hours.push(time);
  }
  const lines = { summer_time: "\n", winter_time: "\n\n" };
  return {
    type: "value",
    min: start,
    max: end,
    axisLine: { onZero: false, lineStyle: { color: colours.lineStrong } },
    axisTick: { customValues: hours },
    axisLabel: { ...text, customValues: hours, hideOverlap: !doubled, lineHeight: 16, formatter: (time) => (lines[inDoubledHour(time)] ?? "") + clockTime(time) },
    splitLine: { show: false },
  };
}

export function valueAxis(unit, text, colours, more = {}) {
  return {
    type: "value",
    name: unit,
    nameTextStyle: { ...text, align: "right", padding: [0, 8, 0, 0] },
    nameGap: 12,
    splitNumber: 4,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...text, formatter: formats.axis },
    splitLine: { lineStyle: { color: colours.line } },
    ...more,
  };
}

export function tooltip(colours, formatter) {
  return {
    trigger: "axis",
    renderMode: "richText",
    confine: true,
    transitionDuration: 0,
    backgroundColor: colours.ink,
    borderWidth: 0,
    padding: [8, 12],
    textStyle: { color: colours.onInk, fontFamily: colours.font, fontSize: 13, lineHeight: 20 },
    axisPointer: { type: "line", lineStyle: { color: colours.ink2, type: "solid", width: 1 } },
    formatter,
  };
}

/** A line at this time (none where it is null). */
export function lineAt(time, name, text, colours) {
  const line = { xAxis: time, lineStyle: { color: colours.ink2, type: [4, 4], width: 1 }, label: { ...text, formatter: name, position: "end" } };
  return { silent: true, symbol: "none", animation: false, data: time === null ? [] : [line] };
}

/** Arrow keys walk by quarters of an hour, Page Up and Down by hours, Home and End go to the ends, Escape leaves.
    `range()`: [first, last] time there is, null where there is nothing; `limits`: [start, last] of the day. */
export function keyboard(element, chart, { limits, range, text }, readOut) {
  let at = null;
  const go = (time) => {
    at = Math.min(Math.max(time, limits[0]), limits[1]);
    const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [at, 0]);
    chart.dispatchAction({ type: "showTip", x, y });
    readOut(text(at).replaceAll("\n", ", "));
  };
  const steps = { ArrowLeft: -900, ArrowRight: 900, PageUp: -HOUR_S, PageDown: HOUR_S };
  element.addEventListener("keydown", (event) => {
    const ends = range();
    if (event.key === "Escape") {
      chart.dispatchAction({ type: "hideTip" });
      readOut("");
    } else if (ends !== null && (event.key in steps || event.key === "Home" || event.key === "End")) {
      event.preventDefault();
      if (event.key === "Home") go(ends[0]);
      else if (event.key === "End") go(ends[1]);
      else go((at ?? ends[1]) + (at === null ? 0 : steps[event.key]));
    }
  });
  element.addEventListener("blur", () => {
    at = null;
    readOut("");
  });
}
