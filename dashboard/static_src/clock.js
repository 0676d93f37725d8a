// The server's clock and the house's zone. A browser's own clock and zone are never believed.

import { lang, say, zone } from "./house.js";

let offset_s = 0;

export function setServerNow(epoch) {
  offset_s = epoch - Date.now() / 1000;
}

export function serverNow() {
  return Date.now() / 1000 + offset_s;
}

const minutes = new Intl.DateTimeFormat(lang, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const hours = new Intl.DateTimeFormat("en", { timeZone: zone, hour: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(lang, {
  timeZone: zone,
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const date = new Intl.DateTimeFormat(lang, { timeZone: zone, dateStyle: "medium" });
const day = new Intl.DateTimeFormat("en", { timeZone: zone, dateStyle: "short" });

/** Which of October's two runs of the same hour this is: "summer_time", "winter_time"; null at any other time. */
export function inDoubledHour(epoch) {
  const time = minutes.format(epoch * 1000);
  if (minutes.format((epoch + 3600) * 1000) === time) return "summer_time";
  return minutes.format((epoch - 3600) * 1000) === time ? "winter_time" : null;
}

/** "14:02"; in October's doubled hour "02:10 summer time" and "02:10 winter time". */
export function clockTime(epoch) {
  const time = minutes.format(epoch * 1000);
  const run = inDoubledHour(epoch);
  return run === null ? time : say(run, { time });
}

/** "14:02" today, with the date before it on any other day. */
export function sinceTime(epoch) {
  const today = day.format(serverNow() * 1000) === day.format(epoch * 1000);
  return today ? clockTime(epoch) : `${date.format(epoch * 1000)} ${clockTime(epoch)}`;
}

export function clockSeconds(epoch) {
  return seconds.format(epoch * 1000);
}

export function localHour(epoch) {
  return Number(hours.format(epoch * 1000));
}

/** "12 s", "4 min", "3 h". */
export function duration(s) {
  const n = Math.max(0, Math.floor(s));
  if (n < 100) return say("seconds", { n });
  if (n < 5400) return say("minutes", { n: Math.floor(n / 60) });
  return say("hours", { n: Math.floor(n / 3600) });
}
