// How old the numbers are, in the header, and what is wrong, in the banner: the worst first, each with the next step.

import { clockSeconds, duration, serverNow, sinceTime } from "./clock.js";
import { say } from "./house.js";

const OLD_S = 5;
const SILENT_S = 30;
const LOST_AFTER_S = 3;

/** A slow meter (one telegram in 10 s) is not old at 6 s: the limits follow its own pace. */
class Pace {
  constructor() {
    this.intervals = [];
  }

  add(seconds) {
    if (seconds > 0) this.intervals.push(seconds);
    if (this.intervals.length > 9) this.intervals.shift();
  }

  usual() {
    return this.intervals.toSorted((a, b) => a - b)[Math.floor(this.intervals.length / 2)] ?? 1;
  }
}

export function startStatus(link) {
  const pill = document.getElementById("live-age");
  const box = document.getElementById("live-problem");
  const page = document.querySelector("[data-source]");
  const paces = new Map();
  const seen = new Map();

  link.addEventListener("frame", ({ detail }) => {
    const { source, received } = detail;
    if (!paces.has(source)) paces.set(source, new Pace());
    if (seen.has(source)) paces.get(source).add(received - seen.get(source));
    seen.set(source, received);
    tick();
  });
  link.addEventListener("reading", ({ detail }) => {
    link.reading = detail.time;
    tick();
  });
  link.addEventListener("up", () => tick());
  link.addEventListener("down", () => tick());

  const tick = () => {
    const now = serverNow();
    const shown = page?.dataset.source;
    const state = linkLost(link, now) ? lost(link, seen, now) : ages(link, seen, paces, shown, now);
    set(pill, state.pill);
    pill.dataset.state = state.name;
    if (page) page.dataset.age = state.name;
    for (const element of document.querySelectorAll("[data-age-text]")) set(element, state.pill);
    for (const element of document.querySelectorAll("[data-moment]")) set(element, moment(state, seen.get(shown)));
    setProblem(box, state.problem, state.problem !== "" && state.name === "silent" ? box.dataset.healthUrl : "");
  };
  setInterval(tick, 1000);
  tick();
}

function linkLost(link, now) {
  return !link.up && link.downSince !== null && now - link.downSince > LOST_AFTER_S;
}

function lost(link, seen, now) {
  if (link.slow) return { name: "old", pill: say("last_telegram", { age: duration(Math.max(1, now - link.reading)) }), problem: say("slow") };
  const newest = Math.max(...seen.values());
  if (seen.size === 0) return { name: "lost", pill: say("connecting"), problem: say("link_lost_empty") };
  const time = sinceTime(newest);
  return { name: "lost", pill: say("lost", { time }), problem: say("link_lost", { time }) };
}

/** The header speaks of the meter on the page, elsewhere of the freshest one; the banner of every silent meter. */
function ages(link, seen, paces, shown, now) {
  if (seen.size === 0) return { name: "waiting", pill: say(link.up ? "no_telegram" : "connecting"), problem: "" };
  const ageOf = (source) => Math.max(0, now - seen.get(source));
  const limit = (source, least, times) => Math.max(least, times * paces.get(source).usual());
  const silent = [...seen.keys()].filter((source) => ageOf(source) > limit(source, SILENT_S, 3));
  const words = document.querySelector("[data-loads]") === null ? "meter_silent" : "meter_silent_loads";
  const problem = silent
    .sort((a, b) => seen.get(a) - seen.get(b))
    .map((meter) => say(words, { meter, time: sinceTime(seen.get(meter)) }))
    .join(" ");
  const source = seen.has(shown) ? shown : [...seen.keys()].sort((a, b) => seen.get(b) - seen.get(a))[0];
  const age = duration(Math.max(1, ageOf(source)));
  if (silent.includes(source)) return { name: "silent", pill: say("silent", { time: sinceTime(seen.get(source)) }), problem };
  if (ageOf(source) > limit(source, OLD_S, 2)) return { name: "old", pill: say("last_telegram", { age }), problem };
  return { name: "live", pill: say("live", { age }), problem };
}

/** Under the big number: its time while it is live, its age once it is not. */
function moment({ name, pill }, received) {
  if (received === undefined) return "";
  return name === "live" ? say("at", { time: clockSeconds(received) }) : pill;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setProblem(box, text, url) {
  if (box.dataset.text === text) return;
  box.dataset.text = text;
  const said = [...box.parentElement.querySelectorAll("[data-problem]")].some((other) => other.textContent === text);
  box.hidden = text === "" || said;
  box.textContent = text;
  if (url) {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = say("meter_silent_link");
    box.append(" ", link);
  }
}
