// The day graph, and the bars of the energy page. Loaded after the numbers. ECharts cut down to what is drawn here; text goes to the canvas, never into HTML.

import { LineChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import { clockTime, inDoubledHour, localHour } from "./clock.js";
import { curves } from "./curves.js";
import { formats } from "./figures.js";
import { say } from "./house.js";
import { hatch, themeColours } from "./paint.js";

export { createBars } from "./bars.js";

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

const HOUR_S = 3600;

/** Draws `points` (DayPoints) in `element`. Returns {draw(until, live)}. `readOut` gets the text of the point under the keyboard. */
export function createDayChart(element, points, readOut) {
  const chart = init(element, null, { renderer: "canvas" });
  let last = { until: points.end, live: false };
  const draw = (until, live) => {
    last = { until, live };
    chart.setOption(option(element, points, until, live), { notMerge: false, lazyUpdate: false });
  };
  document.addEventListener("themechange", () => draw(last.until, last.live));
  new ResizeObserver(() => {
    chart.resize();
    draw(last.until, last.live);
  }).observe(element);
  keyboard(element, chart, points, readOut);
  return { draw };
}

function option(element, points, until, live) {
  const colours = themeColours(element);
  const gaps = points.gaps(until);
  const narrow = element.clientWidth < 560;
  const { imported, injected } = curves(points.points(), gaps);
  const text = { color: colours.ink3, fontFamily: colours.font, fontSize: 12 };
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left: 44, right: 16, top: 28, bottom: hasDoubledHour(points) ? 60 : 28 },
    xAxis: xAxis(points, narrow, text, colours),
    yAxis: {
      type: "value",
      name: "kW",
      nameTextStyle: { ...text, align: "right", padding: [0, 8, 0, 0] },
      nameGap: 12,
      splitNumber: 4,
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...text, formatter: formats.axis },
      splitLine: { lineStyle: { color: colours.line } },
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      transitionDuration: 0,
      backgroundColor: colours.ink,
      borderWidth: 0,
      padding: [8, 12],
      textStyle: { color: colours.onInk, fontFamily: colours.font, fontSize: 13 },
      axisPointer: { type: "line", lineStyle: { color: colours.ink2, type: "solid", width: 1 } },
      formatter: (items) => pointText(points, gaps, [items].flat()[0]?.axisValue),
    },
    series: [
      {
        ...curve("import", imported, colours.import, { color: colours.import, opacity: 0.22 }),
        markArea: { silent: true, data: gaps.map(([from, to]) => [{ xAxis: from }, { xAxis: to }]), itemStyle: { color: hatch(colours.hatch) } },
        markLine: nowLine(until, live, text, colours),
      },
      curve("export", injected, colours.export, { color: hatch(colours.export, colours.exportSoft), opacity: 0.9 }),
    ],
  };
}

function curve(name, data, colour, areaStyle) {
  return { type: "line", id: name, name: say(name), data, showSymbol: false, lineStyle: { width: 1.5, color: colour }, itemStyle: { color: colour }, areaStyle, connectNulls: false, emphasis: { disabled: true } };
}

function nowLine(until, live, text, colours) {
  const line = { xAxis: until, lineStyle: { color: colours.ink2, type: [4, 4], width: 1 }, label: { ...text, formatter: say("now"), position: "end" } };
  return { silent: true, symbol: "none", animation: false, data: live ? [line] : [] };
}

/** A day of 25 hours: the clock goes back in it. */
function hasDoubledHour({ start, end }) {
  return end - start > 24 * HOUR_S;
}

/** Round hours of the house, each third (sixth on a phone); in October both 02:00 hours stand there, each on a line of its own. */
function xAxis({ start, end }, narrow, text, colours) {
  const hours = [];
  const doubled = hasDoubledHour({ start, end });
  const every = narrow || doubled ? 6 : 3;
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

function pointText(points, gaps, time) {
  const nearest = nearestPoint(points.points(), time);
  if (nearest === null || gaps.some(([from, to]) => time > from && time < to)) return say("point_none", { time: clockTime(time) });
  return say(nearest[1] < 0 ? "point_export" : "point_import", { time: clockTime(nearest[0]), kw: formats.kw(nearest[1]) });
}

function nearestPoint(all, time) {
  let best = null;
  for (const point of all) if (best === null || Math.abs(point[0] - time) < Math.abs(best[0] - time)) best = point;
  return best;
}

/** Arrow keys walk along the curve by quarters of an hour, Home and End go to its ends, Escape leaves. */
function keyboard(element, chart, points, readOut) {
  let at = null;
  const go = (time) => {
    at = Math.min(Math.max(time, points.start), points.end - points.step);
    const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [at, 0]);
    chart.dispatchAction({ type: "showTip", x, y });
    readOut(pointText(points, points.gaps(points.points().at(-1)?.[0] ?? points.start), at));
  };
  const steps = { ArrowLeft: -900, ArrowRight: 900, PageUp: -HOUR_S, PageDown: HOUR_S };
  element.addEventListener("keydown", (event) => {
    const all = points.points();
    if (event.key === "Escape") {
      chart.dispatchAction({ type: "hideTip" });
      readOut("");
    } else if (all.length > 0 && (event.key in steps || event.key === "Home" || event.key === "End")) {
      event.preventDefault();
      if (event.key === "Home") go(all[0][0]);
      else if (event.key === "End") go(all.at(-1)[0]);
      else go((at ?? all.at(-1)[0]) + (at === null ? 0 : steps[event.key]));
    }
  });
  element.addEventListener("blur", () => {
    at = null;
    readOut("");
  });
}
