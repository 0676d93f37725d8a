// The live numbers of the solar page: each inverter, each analog input, the weather. A number that is no longer of this moment is a dash.

import { duration, serverNow } from "./clock.js";
import { formats, show } from "./figures.js";
import { say } from "./house.js";

// A frame is of this moment while it is no older than this many periods of its source.
const PERIODS = 2;
const LEAST_S = 5;
const RELOAD_AGAIN_MS = 30000;

export function startSolar(root, link) {
  const inverters = new Map([...root.querySelectorAll("[data-inverter]")].map((row) => [row.dataset.inverter, row]));
  const signals = new Map([...root.querySelectorAll("[data-signal]")].map((one) => [one.dataset.signal, one]));
  const skies = new Map([...root.querySelectorAll("[data-weather]")].map((one) => [one.dataset.weather, one]));
  const frames = new Map();
  link.addEventListener("frame:inverter", ({ detail }) => {
    if (!inverters.has(detail.source)) return;
    frames.set(detail.source, detail);
    showInverter(inverters.get(detail.source), detail);
  });
  link.addEventListener("frame:analog", ({ detail }) => {
    if (!signals.has(detail.source)) return;
    frames.set(detail.source, detail);
    show(signals.get(detail.source).querySelector("[data-field]"), detail.value === undefined ? null : Math.round(1000 * detail.value));
  });
  link.addEventListener("frame:weather", ({ detail }) => {
    const fields = skies.get(detail.source)?.querySelectorAll("[data-field]") ?? [];
    for (const element of fields) show(element, detail[element.dataset.field]);
  });
  setInterval(() => age(inverters, signals, frames), 1000);
}

function showInverter(row, frame) {
  for (const element of row.querySelectorAll("[data-field]")) show(element, frame[element.dataset.field]);
  const made = row.querySelector("[data-made]");
  if (made !== null && frame.total_wh !== undefined) show(made, frame.total_wh - Number(made.dataset.base));
  const battery = row.querySelector("[data-battery]");
  if (battery !== null) battery.textContent = batteryText(frame);
  // Its state in words is the server's to say.
  if (frame.condition !== undefined && row.querySelector("[data-condition]").dataset.condition !== frame.condition) reload();
}

export function batteryText({ battery_w, battery_pct }) {
  const name = battery_w > 0 ? "battery_gives" : battery_w < 0 ? "battery_takes" : "battery_rests";
  const parts = battery_w === undefined ? [] : [say(name, { kw: formats.kw(battery_w) })];
  if (battery_pct !== undefined) parts.push(`${formats.whole(battery_pct)} %`);
  return parts.join(", ") || "–";
}

function age(inverters, signals, frames) {
  const now = serverNow();
  for (const [source, frame] of frames) {
    const old = now - frame.received > Math.max(LEAST_S, PERIODS * (frame.period_s ?? Infinity));
    const row = inverters.get(source) ?? signals.get(source);
    if (old) for (const element of row.querySelectorAll("[data-field=power_w], [data-field=milli]")) show(element, null);
    const ago = say("ago", { age: duration(now - frame.received) });
    for (const element of row.querySelectorAll("[data-answered]")) if (element.textContent !== ago) element.textContent = ago;
  }
}

function reload() {
  if (Date.now() - Number(sessionStorage.getItem("reloaded")) < RELOAD_AGAIN_MS) return;
  sessionStorage.setItem("reloaded", Date.now());
  location.reload();
}
