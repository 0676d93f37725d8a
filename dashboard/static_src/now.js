// The numbers of the Now page: each live frame is in the page before the next picture is drawn.

import { clockTime, serverNow } from "./clock.js";
import { formats, show } from "./figures.js";
import { say } from "./house.js";
import { FLOOR_W, quarterOf } from "./quarter.js";

const SCALES_W = [2500, 5000, 10000, 15000, 20000, 30000, 50000, 100000];
const MUCH_W = 10000;
// After this nothing may be promised for the quarter: nobody knows what the house does.
const SILENT_S = 30;
const NOT_SHOWN = ["source", "received"];
const RELOAD_AGAIN_MS = 30000;

export function netPower({ import_w, export_w }) {
  return import_w === undefined && export_w === undefined ? undefined : (import_w ?? 0) - (export_w ?? 0);
}

export function startNow(root, link) {
  const source = root.dataset.source;
  const connection_w = Number(root.dataset.connectionW) || null;
  const fields = [...root.querySelectorAll("[data-field]")];
  const totals = [...root.querySelectorAll("[data-total]")];
  let last = null;

  const showFrame = (frame) => {
    if (last === null) reloadWhenMore(frame, fields);
    last = frame;
    const values = { ...frame, power_w: netPower(frame) };
    for (const element of fields) show(element, values[element.dataset.field]);
    if (frame.time >= Number(root.dataset.dayStart) && frame.time < Number(root.dataset.dayEnd)) {
      for (const element of totals) showTotal(element, frame);
    }
    showWord(root, values.power_w);
    showFlows(root, values);
    tick();
  };
  const tick = () => {
    if (last === null) return;
    const age_s = serverNow() - last.received;
    showQuarter(root, age_s > SILENT_S ? null : quarterOf(last, last.time + age_s, connection_w));
  };
  link.addEventListener("frame", ({ detail }) => detail.source === source && showFrame(detail));
  link.addEventListener("reading", ({ detail }) => {
    const values = { power_w: detail.w };
    for (const element of fields) if (element.dataset.field === "power_w") show(element, detail.w);
    showWord(root, detail.w);
    showFlows(root.querySelector(".flow--main").parentElement, values);
  });
  setInterval(tick, 1000);
}

/** The page was made of less than the meter tells (its first telegram came later): made anew, it has room for all of it. */
function reloadWhenMore(frame, fields) {
  const shown = new Set(fields.map((element) => element.dataset.field));
  if (Object.keys(frame).every((name) => shown.has(name) || NOT_SHOWN.includes(name))) return;
  if (Date.now() - Number(sessionStorage.getItem("reloaded")) < RELOAD_AGAIN_MS) return;
  sessionStorage.setItem("reloaded", Date.now());
  location.reload();
}

/** A day's total is the counter minus where it stood when the day began. */
function showTotal(element, frame) {
  const registers = element.dataset.total.split(" ");
  const bases = element.dataset.bases.split(" ").map(Number);
  if (registers.some((name) => frame[name] === undefined)) return;
  show(element, registers.reduce((sum, name, i) => sum + frame[name] - bases[i], 0));
}

function showWord(root, power_w) {
  const state = power_w === undefined ? "unknown" : power_w > 0 ? "importing" : power_w < 0 ? "injecting" : "balanced";
  for (const element of root.querySelectorAll("[data-word]")) {
    if (element.dataset.word === state) continue;
    element.dataset.word = state;
    element.textContent = say(state);
  }
}

/** Bars with the house in the middle: to the left what goes out to the grid, to the right what comes in. */
function showFlows(root, values) {
  for (const flow of root.querySelectorAll("[data-flow]")) {
    const w = values[flow.dataset.flow];
    const group = flow.closest("[data-scale]");
    if (w !== undefined && Math.abs(w) > Number(group.dataset.scale)) setScale(group, Math.abs(w));
    const share = w === undefined ? 0 : (50 * w) / Number(group.dataset.scale);
    const bar = flow.querySelector("rect[data-bar]");
    bar.setAttribute("x", `${50 + Math.min(0, share)}%`);
    bar.setAttribute("width", `${Math.abs(share)}%`);
    bar.setAttribute("class", share < 0 ? "bar--export" : "bar--import");
  }
}

export function setScale(group, w) {
  group.dataset.scale = SCALES_W.find((scale) => scale >= w) ?? w;
  for (const label of group.querySelectorAll("[data-scale-label]")) label.textContent = formats.whole(group.dataset.scale / 1000);
}

function showQuarter(root, quarter) {
  const card = root.querySelector("[data-quarter]");
  if (card === null) return;
  card.querySelector("[data-quarter-live]").hidden = quarter === null;
  card.querySelector("[data-quarter-none]").hidden = quarter !== null;
  if (quarter === null) return;
  const part = (name) => card.querySelector(`[data-quarter-part="${name}"]`);
  const end = clockTime(quarter.end);
  part("span").textContent = `${clockTime(quarter.start)}–${end}`;
  show(part("expected_w"), quarter.expected_w);
  part("left").textContent = say("time_left", { time: minutesSeconds(quarter.left_s) });
  part("peak").textContent = peakText(quarter);
  part("room").textContent = roomText(quarter, end);
  part("room").dataset.value = quarter.room_w;
  card.dataset.over = quarter.room_w < 0;
  const full = Math.max(quarter.limit_w * 1.25, quarter.expected_w, quarter.quarter_w);
  part("so-far").setAttribute("width", `${(100 * quarter.quarter_w) / full}%`);
  part("expected").setAttribute("width", `${(100 * quarter.expected_w) / full}%`);
  for (const at of ["x1", "x2"]) part("limit").setAttribute(at, `${(100 * quarter.limit_w) / full}%`);
}

function peakText({ peak_w, limit_w }) {
  const floor = formats.kw1(FLOOR_W);
  if (peak_w === 0) return say("no_peak", { floor });
  return say(peak_w < limit_w ? "month_peak_floor" : "month_peak", { kw: formats.kw(peak_w), floor });
}

/** Room is rounded down and what has to go up: never promise more than there is. */
function roomText({ room_w, limit_w }, time) {
  if (room_w > MUCH_W) return say("can_add_much", { kw: formats.whole(MUCH_W / 1000), time });
  if (room_w >= 0) return say("can_add", { kw: formats.kw1(Math.floor(room_w / 100) * 100), time });
  return say("take_off", { kw: formats.kw1(Math.ceil(-room_w / 100) * 100), time, limit: formats.kw(limit_w) });
}

function minutesSeconds(s) {
  const whole = Math.max(0, Math.ceil(s));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
