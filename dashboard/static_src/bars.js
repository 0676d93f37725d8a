// Bars of a period: what came in goes up, what went out goes down. Missing slots are hatched, never a zero.

import { BarChart } from "echarts/charts";
import { init, use } from "echarts/core";

import { barText, extent } from "./bartext.js";
import { formats } from "./figures.js";
import { hatch, stripes, themeColours } from "./paint.js";

use([BarChart]);

const FILLS = {
  import: ({ import: blue }) => blue,
  night: ({ import: blue, importSoft }) => stripes(blue, importSoft),
  export: ({ export: purple, exportSoft }) => hatch(purple, exportSoft),
  solar: ({ solar }) => solar,
  battery: ({ battery, batterySoft }) => stripes(battery, batterySoft),
  gas: ({ gas }) => gas,
  water: ({ water }) => water,
};

/** Draws one chart of the answer of /data/energy/. Returns {text(place)} for tests. `readOut` gets what the keyboard is on. */
export function createBars(element, answer, chart, readOut) {
  const canvas = init(element, null, { renderer: "canvas" });
  const draw = () => canvas.setOption(option(element, answer, chart), { notMerge: true });
  draw();
  document.addEventListener("themechange", draw);
  new ResizeObserver(() => {
    canvas.resize();
    draw();
  }).observe(element);
  canvas.on("click", ({ dataIndex }) => follow(answer.links?.[dataIndex]));
  keyboard(element, canvas, answer, chart, readOut);
  return { text: (place) => barText(answer, chart, place, formats) };
}

function follow(link) {
  if (link) location.assign(link);
}

function option(element, answer, chart) {
  const colours = themeColours(element);
  const text = { color: colours.ink3, fontFamily: colours.font, fontSize: 12 };
  const [least, most] = extent(chart);
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left: 52, right: 8, top: 28, bottom: answer.rows ? 60 : 28 },
    xAxis: [xAxis(element, answer, text, colours), { type: "category", data: answer.axis, show: false }],
    yAxis: [
      {
        type: "value",
        min: least < 0 ? undefined : 0,
        max: least === 0 && most === 0 ? 1000 : undefined,
        name: chart.unit,
        nameTextStyle: { ...text, align: "right", padding: [0, 8, 0, 0] },
        nameGap: 12,
        splitNumber: element.clientHeight < 200 ? 3 : 4,
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: { ...text, formatter: chart.format === "whole" ? (value) => formats.whole(Math.abs(value)) : formats.axis },
        splitLine: { lineStyle: { color: colours.line } },
      },
      { type: "value", min: 0, max: 1, show: false },
    ],
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      transitionDuration: 0,
      backgroundColor: colours.ink,
      borderWidth: 0,
      padding: [8, 12],
      textStyle: { color: colours.onInk, fontFamily: colours.font, fontSize: 13, lineHeight: 20 },
      axisPointer: { type: "shadow", shadowStyle: { color: colours.lineStrong, opacity: 0.16 } },
      formatter: (items) => barText(answer, chart, [items].flat()[0].dataIndex, formats),
    },
    series: [missing(answer, chart, colours), ...before(chart, colours), ...lines(chart, colours, text)],
  };
}

/** Both 02:00 hours of October stand below the axis on lines of their own. */
function xAxis(element, { axis, rows, links }, text, colours) {
  const width = (element.clientWidth - 60) / Math.max(1, axis.length);
  const clock = links === undefined;
  const hour = axis.length > 30 ? 4 : 1;
  const every = clock ? hour * (width * hour < 16 ? 6 : width * hour < 40 ? 3 : 1) : Math.max(1, Math.ceil(Math.max(...axis.map((one) => one.length)) * 8 / width));
  const first = rows?.findIndex((row) => row > 0) ?? -1;
  return {
    type: "category",
    data: axis,
    axisLine: { lineStyle: { color: colours.lineStrong } },
    axisTick: { show: false },
    axisLabel: {
      ...text,
      lineHeight: 16,
      hideOverlap: false,
      interval: (place, label) => (clock ? onAxis(place, label, rows, first, every / hour) : place % every === 0),
      formatter: (label, place) => "\n".repeat(rows?.[place] ?? 0) + label,
    },
  };
}

/** Round hours, each so many; of a doubled hour its beginning in either season. */
function onAxis(place, label, rows, first, every) {
  if (rows?.[place]) return place === first || rows[place - 1] !== rows[place];
  return label.endsWith(":00") && Number(label.slice(0, 2)) % every === 0;
}

function missing(answer, chart, colours) {
  const gone = new Set(chart.missing);
  return {
    type: "bar",
    xAxisIndex: 1,
    yAxisIndex: 1,
    silent: true,
    barWidth: "100%",
    itemStyle: { color: hatch(colours.hatch) },
    data: answer.axis.map((_, place) => (gone.has(place) ? 1 : null)),
    tooltip: { show: false },
    z: 0,
  };
}

/** The period before, paler, behind: its own pair of stacks, which the newer ones cover in part. */
function before(chart, colours) {
  return chart.before.map(({ key, down, values }) => ({
    type: "bar",
    stack: "before",
    barGap: "-62%",
    barCategoryGap: "24%",
    itemStyle: { color: colours.before, opacity: key === "solar" ? 0.25 : 0.45 },
    emphasis: { disabled: true },
    data: values.map((value) => signed(value, down)),
    z: 1,
  }));
}

function lines(chart, colours, text) {
  const recovered = new Set(chart.recovered);
  const corrected = new Set(chart.corrected);
  const ups = chart.lines.filter(({ down }) => !down);
  return chart.lines.map(({ key, label, values, down }) => {
    const top = key === ups.at(-1)?.key;
    return {
      type: "bar",
      id: key,
      name: label,
      stack: "now",
      barCategoryGap: chart.before.length > 0 ? "24%" : "28%",
      barMaxWidth: 56,
      itemStyle: { color: FILLS[key](colours) },
      emphasis: { disabled: true },
      data: values.map((value, place) => ({
        value: signed(value, down),
        ...(recovered.has(place) && { itemStyle: { opacity: 0.55, borderColor: colours.ink2, borderWidth: 1, borderType: "dashed" } }),
        ...(top && corrected.has(place) && { label: { show: true, position: "top", formatter: "*", ...text, color: colours.ink, fontSize: 16 } }),
      })),
      z: 2,
    };
  });
}

const signed = (value, down) => (value === null ? null : down ? -value : value);

/** Arrow keys walk along the bars, Home and End go to the ends, Enter opens the one under them, Escape leaves. */
function keyboard(element, canvas, answer, chart, readOut) {
  let at = null;
  const last = answer.axis.length - 1;
  const go = (place) => {
    at = Math.min(Math.max(place, 0), last);
    canvas.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: at });
    readOut(barText(answer, chart, at, formats).replaceAll("\n", ", "));
  };
  const leave = () => {
    at = null;
    canvas.dispatchAction({ type: "hideTip" });
    readOut("");
  };
  const keys = {
    ArrowLeft: () => go((at ?? last + 1) - 1),
    ArrowRight: () => go((at ?? -1) + 1),
    Home: () => go(0),
    End: () => go(last),
    Enter: () => follow(at === null ? null : answer.links?.[at]),
    Escape: leave,
  };
  element.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    if (event.key !== "Escape") event.preventDefault();
    keys[event.key]();
  });
  element.addEventListener("blur", leave);
}
