// The day graph, and the bars of the energy page. Loaded after the numbers. ECharts cut down to what is drawn here; text goes to the canvas, never into HTML.

import { LineChart } from "echarts/charts";
import { GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import { hasDoubledHour, keyboard, labelText, lineAt, timeAxis, tooltip, valueAxis } from "./axes.js";
import { clockTime } from "./clock.js";
import { curves } from "./curves.js";
import { formats } from "./figures.js";
import { say } from "./house.js";
import { hatch, themeColours } from "./paint.js";

export { createBars } from "./bars.js";
export { createCurve } from "./curve.js";

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

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
  const range = () => (points.points().length === 0 ? null : [points.points()[0][0], points.points().at(-1)[0]]);
  const text = (at) => pointText(points, points.gaps(points.points().at(-1)?.[0] ?? points.start), at);
  keyboard(element, chart, { limits: [points.start, points.end - points.step], range, text }, readOut);
  return { draw };
}

function option(element, points, until, live) {
  const colours = themeColours(element);
  const gaps = points.gaps(until);
  const narrow = element.clientWidth < 560;
  const { imported, injected } = curves(points.points(), gaps);
  const text = labelText(colours);
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left: 44, right: 16, top: 28, bottom: hasDoubledHour(points) ? 60 : 28 },
    xAxis: timeAxis(points, narrow, text, colours),
    yAxis: valueAxis("kW", text, colours),
    tooltip: tooltip(colours, (items) => pointText(points, gaps, [items].flat()[0]?.axisValue)),
    series: [
      {
        ...curve("import", imported, colours.import, { color: colours.import, opacity: 0.22 }),
        markArea: { silent: true, data: gaps.map(([from, to]) => [{ xAxis: from }, { xAxis: to }]), itemStyle: { color: hatch(colours.hatch) } },
        markLine: lineAt(live ? until : null, say("now"), text, colours),
      },
      curve("export", injected, colours.export, { color: hatch(colours.export, colours.exportSoft), opacity: 0.9 }),
    ],
  };
}

function curve(name, data, colour, areaStyle) {
  return { type: "line", id: name, name: say(name), data, showSymbol: false, lineStyle: { width: 1.5, color: colour }, itemStyle: { color: colour }, areaStyle, connectNulls: false, emphasis: { disabled: true } };
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
