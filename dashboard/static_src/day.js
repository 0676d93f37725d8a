// The day's curve: means from the server, then every live reading; after a cut the missing readings are fetched.

import { clockTime, serverNow } from "./clock.js";
import { formats } from "./figures.js";
import { say } from "./house.js";
import { netPower, setScale } from "./now.js";
import { DayPoints } from "./points.js";
import { startSlow } from "./slow.js";
import { dayTable } from "./table.js";

const REDRAW_MS = 1000;
const CALL_S = 7200;
const RETRY_MS = 1000;
const PATIENT_MS = 10000;
const EAGER_TRIES = 30;
// The past may still arrive: a batch on its way, an import, a history being written.
const ASK_PAST_AGAIN_MS = [15000, 30000, 60000, 300000];

async function getJson(url, parameters, signal) {
  const response = await fetch(`${url}?${new URLSearchParams(parameters)}`, { signal });
  if (!response.ok) throw new Error(`${response.status} ${url}`);
  return response.json();
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export async function startDay(root, config, link) {
  const day = new Day(root, config);
  if (link !== null && config.isToday) {
    day.follow(link);
    startSlow(link, config.meter, () => day.newest());
  }
  window.energysite = {
    chartPoints: () => day.points?.points() ?? [],
    chartGaps: () => day.points?.gaps(day.until()) ?? [],
  };
  await day.load();
  if (link !== null && config.isToday) day.keepPast(link);
}

class Day {
  constructor(root, config) {
    Object.assign(this, { root, config, points: null, chart: null, early: [], filling: null, drawn: 0, timer: null });
  }

  async load() {
    try {
      this.points = new DayPoints(await this.fetchDay());
    } catch (error) {
      this.say(say("day_failed"));
      throw error;
    }
    this.points.add(this.early);
    this.draw();
    this.widenBars();
    if (this.target !== undefined) this.fill(this.target);
    const { createDayChart } = await import(this.config.chartUrl);
    this.chart = createDayChart(this.root.querySelector("[data-chart]"), this.points, (text) => this.readOut(text));
    this.draw();
  }

  async fetchDay() {
    const { series, ...day } = await getJson(this.config.dayUrl, { date: this.config.date });
    return { ...day, means: series.find(({ meter }) => meter === this.config.meter)?.w ?? [] };
  }

  /** Asks for the past again from time to time. Where it now begins earlier the totals are others too: then the whole page is read anew. */
  async keepPast(link, tries = 0) {
    await pause(ASK_PAST_AGAIN_MS[Math.min(tries, ASK_PAST_AGAIN_MS.length - 1)]);
    if (link.up) {
      try {
        const { means } = await this.fetchDay();
        const totalsCame = document.querySelector("[data-no-totals]") !== null && begins(means) < Infinity;
        if (totalsCame || begins(means) < begins(this.points.stepMeans())) location.reload();
        this.points.means = means;
        this.soon();
      } catch (error) {
        console.warn("the past could not be read again:", error.message);
      }
    }
    this.keepPast(link, tries + 1);
  }

  /** The bars above hold the day's highest power from the start, so that their scale does not jump. */
  widenBars() {
    const scale = this.root.ownerDocument.querySelector("[data-scale]");
    const highest = Math.max(0, ...this.points.means.map(Math.abs));
    if (scale !== null && highest > Number(scale.dataset.scale)) setScale(scale, highest);
  }

  follow(link) {
    let first = true;
    link.addEventListener("up", () => (first = true));
    link.addEventListener("frame", ({ detail }) => {
      if (detail.source !== this.config.meter) return;
      if (first) {
        first = false;
        this.target = detail.time;
        if (this.points !== null) this.fill(detail.time);
      }
      const w = netPower(detail);
      if (w === undefined) return;
      if (this.points === null) this.early.push([detail.time, w]);
      else this.points.push(detail.time, w);
      this.soon();
    });
    link.addEventListener("down", () => this.filling?.abort());
    setInterval(() => this.midnight(link), 1000);
  }

  /** Fetches what is missing between the last point before `target` and `target`, until the store has got that far. */
  async fill(target) {
    this.filling?.abort();
    this.filling = new AbortController();
    const { signal } = this.filling;
    let since = this.lastBefore(target);
    for (let tries = 1; !signal.aborted && since < target; tries += 1) {
      try {
        const last = await this.fetchReadings(since, Math.min(target, since + CALL_S), signal);
        if (since + CALL_S < target) since += CALL_S;
        else if (last >= target) return;
      } catch (error) {
        if (signal.aborted) return;
        console.warn("gap not filled yet:", error.message);
      }
      await pause(tries < EAGER_TRIES ? RETRY_MS : PATIENT_MS);
    }
  }

  /** Stored readings into the graph; returns the time of the last one, 0 where there is none. */
  async fetchReadings(since, until, signal) {
    const answer = await getJson(this.config.readingsUrl, { since, until }, signal);
    const found = answer.series.find(({ meter }) => meter === this.config.meter)?.points ?? [];
    this.points.add(found);
    this.soon();
    return found.at(-1)?.[0] ?? 0;
  }

  /** The live bus is away but the pages are not: the newest stored reading, or null. */
  async newest() {
    if (this.points === null) return null;
    const now = Math.floor(serverNow());
    await this.fetchReadings(Math.max(this.lastBefore(now), now - CALL_S), now, AbortSignal.timeout(5000));
    return this.points.raw.at(-1) ?? null;
  }

  lastBefore(target) {
    const { start, step, means, raw } = this.points;
    const known = raw.filter(([time]) => time < target).at(-1);
    const lastMean = means.findLastIndex((w) => w !== null);
    const fromMeans = lastMean < 0 ? start : start + lastMean * step;
    return Math.max(start, known?.[0] ?? 0, fromMeans);
  }

  soon() {
    if (this.points === null || this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.draw();
    }, Math.max(0, this.drawn + REDRAW_MS - performance.now()));
  }

  draw() {
    this.drawn = performance.now();
    const until = this.until();
    this.chart?.draw(until, this.config.isToday);
    const { sentence, rows } = dayTable(this.points, until);
    this.say(sentence || say(this.config.isToday ? "day_waiting" : "day_empty"));
    this.fillTable(rows);
  }

  until() {
    return this.config.isToday ? Math.min(serverNow(), this.points.end) : this.points.end;
  }

  say(text) {
    const element = this.root.querySelector("[data-sentence]");
    if (element.textContent !== text) element.textContent = text;
  }

  readOut(text) {
    this.root.querySelector("[data-readout]").textContent = text;
  }

  fillTable(rows) {
    const body = this.root.querySelector("[data-table]");
    if (!body.closest("details").open && body.childElementCount > 0) return;
    body.replaceChildren(
      ...rows.map(({ hour, import_w, export_w, missing_s }) => {
        const row = document.createElement("tr");
        const head = document.createElement("th");
        head.scope = "row";
        head.textContent = clockTime(hour);
        row.append(head);
        for (const text of [kw(import_w), kw(export_w), missing_s >= 60 ? say("minutes", { n: Math.round(missing_s / 60) }) : ""]) {
          const cell = document.createElement("td");
          cell.className = "num";
          cell.textContent = text;
          row.append(cell);
        }
        return row;
      }),
    );
  }

  /** A page that stays open goes on with the new day, once the house answers. */
  midnight(link) {
    if (this.points !== null && link.up && serverNow() >= this.points.end) location.reload();
  }
}

/** The place of the first step with a reading. */
function begins(means) {
  const first = means.findIndex((w) => w !== null && w !== undefined);
  return first < 0 ? Infinity : first;
}

const kw = (w) => (w === null ? "–" : formats.kw(w));
