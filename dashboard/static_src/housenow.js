// Where the house's power comes from and where it goes, and what it made and used today, with each balance that is told.

import { barsOf, partsOf, todayOf } from "./balance.js";
import { clockTime, serverNow, sinceTime } from "./clock.js";
import { show } from "./figures.js";
import { say } from "./house.js";

// A balance may come late by this much.
const GRACE_S = 2;
const TIMED = ["meter_silent", "solar_silent", "battery_silent"];
const SHARES = { use: "self_sufficient", solar: "used_here" };
// What a battery did with today's energy is counted by the quarter, by the server.
const REFRESH_MS = 300000;

export function startHouse(page, link) {
  const card = page.querySelector("[data-house]");
  if (card === null) {
    awaitInverter(link);
    return;
  }
  const totals = page.querySelector("[data-house-totals]");
  const today = readToday(totals);
  let last = JSON.parse(card.dataset.frame || "{}");
  const showFrame = (frame) => {
    last = frame;
    showMoment(card, frame);
    card.querySelector("[data-house-state]").textContent = sentence(frame);
    if (frame.time >= Number(page.dataset.dayStart) && frame.time < Number(page.dataset.dayEnd)) today?.count(frame);
  };
  link.addEventListener("frame:balance", ({ detail }) => showFrame(detail));
  setInterval(() => {
    if (!(link.up || link.slow) || last.until === undefined || serverNow() <= last.until + GRACE_S || last.overdue) return;
    showMoment(card, { import_w: undefined });
    last = { ...last, overdue: true };
    card.querySelector("[data-house-state]").textContent = whyOverdue(page, link);
  }, 1000);
  if (today === null && totals !== null) setInterval(() => refresh(totals), REFRESH_MS);
}

/** The first inverter spoke after this page was made: made anew it has room for the sun. Once a visit. */
function awaitInverter(link) {
  link.addEventListener("frame:inverter", () => {
    if (sessionStorage.getItem("reloaded for solar") !== null) return;
    sessionStorage.setItem("reloaded for solar", "yes");
    location.reload();
  });
}

function showMoment(card, frame) {
  const values = { solar_w: frame.solar_w, use_w: frame.use_w };
  const sides = partsOf(frame);
  for (const [name, side] of Object.entries(sides)) for (const [key, w] of side) values[`${name}_${key}`] = w;
  const bars = barsOf(frame);
  for (const [name, segments] of Object.entries(bars)) values[`${name}_unknown`] = segments.at(-1).w || undefined;
  for (const element of card.querySelectorAll("[data-house-field]")) show(element, values[element.dataset.houseField]);
  for (const part of card.querySelectorAll("[data-house-gap]")) part.hidden = values[part.dataset.houseGap] === undefined;
  for (const side of card.querySelectorAll("[data-house-side]")) {
    const drawn = new Map(bars[side.dataset.houseSide].map((segment) => [segment.key, segment]));
    for (const rect of side.querySelectorAll("[data-segment]")) {
      const { x, width } = drawn.get(rect.dataset.segment) ?? { x: 0, width: 0 };
      rect.setAttribute("x", `${x}%`);
      rect.setAttribute("width", `${width}%`);
    }
  }
}

function sentence({ unknown, of, since, asleep, dawn }) {
  if (unknown === undefined) {
    if (!asleep) return "";
    return dawn === undefined ? say("solar_asleep") : say("solar_asleep_until", { time: clockTime(dawn) });
  }
  if (!TIMED.includes(unknown)) return say(`use_${unknown}`, { device: of });
  return since === undefined ? say(`use_${unknown}_never`, { device: of }) : say(`use_${unknown}`, { device: of, time: sinceTime(since) });
}

/** No balance came: either the meter is silent, which the page says already, or the inverters are. */
function whyOverdue(page, link) {
  const frames = [...link.frames.values()];
  const meter = link.frames.get(page.dataset.source);
  const heard = frames.filter(({ kind }) => kind === "inverter").map(({ received }) => received);
  if (meter !== undefined && ["silent", "old"].includes(page.dataset.age)) {
    return say("use_meter_silent", { device: meter.source, time: sinceTime(meter.received) });
  }
  return heard.length > 0 ? say("use_solar_silent", { time: sinceTime(Math.min(...heard)) }) : say("use_waiting");
}

/** Today counts on from where the counters stood at midnight; null where the server could not tell that. */
function readToday(totals) {
  const { bases, parts } = JSON.parse(totals?.dataset.houseTotals || "{}");
  if (bases === undefined) return null;
  return {
    count(frame) {
      for (const name of Object.keys(parts)) if (frame[name] !== undefined && frame[name] >= bases[name]) parts[name] = frame[name] - bases[name];
      const found = todayOf(parts);
      const battery = parts.charge_wh + parts.discharge_wh > 0;
      for (const element of totals.querySelectorAll("[data-house-total]")) show(element, found[element.dataset.houseTotal]);
      if (battery) return;
      for (const element of totals.querySelectorAll("[data-house-share]")) {
        const name = SHARES[element.dataset.houseShare];
        element.textContent = found[name] === null ? "" : say(name, { share: `${found[name]} %` });
      }
    },
  };
}

/** The items as the server tells them now. */
async function refresh(totals) {
  try {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    for (const item of totals.querySelectorAll("[data-house-item]")) {
      const fresh = page.querySelector(`[data-house-item="${item.dataset.houseItem}"]`);
      if (fresh !== null) item.replaceWith(fresh);
    }
  } catch (error) {
    console.warn("today's use could not be read again:", error.message);
  }
}
