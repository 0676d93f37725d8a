// Curves of a day by its steps: what was foretold beside what was made, an analog signal. A band lies behind the line that it belongs to.

import { CustomChart, LineChart } from "echarts/charts";
import { init, use } from "echarts/core";

import { hasDoubledHour, keyboard, labelText, lineAt, timeAxis, tooltip, valueAxis } from "./axes.js";
import { clockTime, serverNow } from "./clock.js";
import { curveText, known, places, runs } from "./curvetext.js";
import { formats } from "./figures.js";
import { say } from "./house.js";
import { themeColours } from "./paint.js";

use([LineChart, CustomChart]);

const STROKES = {
  made: ({ solar, solarSoft }) => ({ lineStyle: { width: 2, color: solar }, areaStyle: { color: solarSoft, opacity: 1 }, z: 1 }),
  foretold: ({ ink }) => ({ lineStyle: { width: 2, color: ink, type: [6, 4] }, z: 4 }),
  raw: ({ ink3 }) => ({ lineStyle: { width: 1.5, color: ink3, type: [2, 3] }, z: 3 }),
  analog: ({ ink }) => ({ lineStyle: { width: 2, color: ink }, z: 4 }),
};

/** Draws a curve of /data/solar/ in `element`. Returns {text(place)} for tests. `readOut` gets the text of the step under the keyboard. */
export function createCurve(element, curve, readOut) {
  const chart = init(element, null, { renderer: "canvas" });
  const draw = () => chart.setOption(option(element, curve), { notMerge: true });
  draw();
  document.addEventListener("themechange", draw);
  new ResizeObserver(() => {
    chart.resize();
    draw();
  }).observe(element);
  if (curve.now !== null) setInterval(draw, 60000);
  const middle = (place) => curve.start + (place + 0.5) * curve.step;
  const ends = known(curve);
  const text = (time) => curveText(curve, placeOf(curve, time), formats, clockTime);
  const limits = [middle(0), middle(places(curve) - 1)];
  keyboard(element, chart, { limits, range: () => ends && ends.map(middle), text }, readOut);
  return { text: (place) => curveText(curve, place, formats, clockTime) };
}

function placeOf({ start, step }, time) {
  return Math.floor((time - start) / step);
}

function option(element, curve) {
  const colours = themeColours(element);
  const text = labelText(colours);
  const narrow = element.clientWidth < 560;
  const power = curve.format === "kw";
  const axis = power ? { min: 0 } : { scale: true, splitNumber: 3, axisLabel: { ...text, formatter: formats.signed_axis } };
  const now = curve.now === null ? null : serverNow();
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left: 44, right: 16, top: 28, bottom: hasDoubledHour(curve) ? 60 : 28 },
    xAxis: timeAxis(curve, narrow, text, colours),
    yAxis: valueAxis(curve.unit, text, colours, axis),
    tooltip: tooltip(colours, (items) => curveText(curve, placeOf(curve, [items].flat()[0]?.axisValue), formats, clockTime)),
    series: [
      ...curve.lines.filter(({ band }) => band).map((line) => band(curve, line, colours)),
      ...curve.lines.map((line, i) => ({ ...stroke(curve, line, colours), ...(i === 0 && { markLine: lineAt(now, say("now"), text, colours) }) })),
    ],
  };
}

/** A step's mean stands in the middle of it. */
function points({ start, step }, values) {
  return values.map((value, place) => [start + (place + 0.5) * step, value]);
}

function stroke(curve, { key, label, values }, colours) {
  const { lineStyle, ...more } = STROKES[key](colours);
  const data = points(curve, values);
  return { type: "line", id: key, name: label, data, showSymbol: false, connectNulls: false, lineStyle, itemStyle: { color: lineStyle.color }, emphasis: { disabled: true }, ...more };
}

/** Each run of known steps is one shape, drawn with the first of them. */
function band(curve, { key, band: [low, high] }, colours) {
  const lows = points(curve, low);
  const highs = points(curve, high);
  const shapes = new Map(runs(low, high).map(([first, last]) => [first, last]));
  return {
    type: "custom",
    id: `${key}-band`,
    silent: true,
    clip: true,
    z: 2,
    tooltip: { show: false },
    data: highs.flatMap((point, i) => [point, lows[i]]),
    renderItem: ({ dataIndex }, api) => {
      const last = dataIndex % 2 === 0 ? shapes.get(dataIndex / 2) : undefined;
      if (last === undefined) return null;
      const first = dataIndex / 2;
      const outline = [...highs.slice(first, last + 1), ...lows.slice(first, last + 1).reverse()];
      return { type: "polygon", shape: { points: outline.map((point) => api.coord(point)) }, style: { fill: colours.before, opacity: 0.35 } };
    },
  };
}
