// The day's curve as data: means per step from the server, then every live reading by itself. No page, no chart.

const KEEP_RAW_S = 7200;
const SHORTEST_GAP_S = 30;

export class DayPoints {
  constructor({ start, end, step, means }) {
    Object.assign(this, { start, end, step, means: [...means] });
    this.raw = [];
  }

  /** Adds readings [[epoch, w], ...] in any order; one that is there already, or of another day, changes nothing. */
  add(readings) {
    let inOrder = true;
    const known = new Set(this.raw.slice(-readings.length - KEEP_RAW_S).map(([time]) => time));
    for (const [time, w] of readings) {
      if (time < this.start || time >= this.end || known.has(time) || w === null) continue;
      known.add(time);
      inOrder &&= this.raw.length === 0 || this.raw.at(-1)[0] < time;
      this.raw.push([time, w]);
    }
    if (!inOrder) this.raw.sort((a, b) => a[0] - b[0]);
    this.fold();
  }

  /** One live reading, the common case. */
  push(time, w) {
    if (this.raw.length > 0 && time <= this.raw.at(-1)[0]) this.add([[time, w]]);
    else if (time >= this.start && time < this.end) {
      this.raw.push([time, w]);
      this.fold();
    }
  }

  /** Single readings are kept for two hours; whole steps before that become means, so that a page may stay open for ever. */
  fold() {
    if (this.raw.length === 0 || this.raw.at(-1)[0] - this.raw[0][0] < KEEP_RAW_S + 10 * this.step) return;
    const until = this.stepStart(this.raw.at(-1)[0] - KEEP_RAW_S);
    this.means = this.stepMeans();
    this.raw = this.raw.filter(([time]) => time >= until);
  }

  stepStart(time) {
    return this.start + Math.floor((time - this.start) / this.step) * this.step;
  }

  /** Where the single readings begin: means from there on are not drawn. */
  rawStart() {
    return this.raw.length > 0 ? this.stepStart(this.raw[0][0]) : this.end;
  }

  /** [[epoch, w], ...] as drawn: a mean stands in the middle of its step. */
  points() {
    const rawStart = this.rawStart();
    const past = [];
    this.means.forEach((w, i) => {
      const time = this.start + i * this.step;
      if (w !== null && time < rawStart) past.push([time + this.step / 2, w]);
    });
    return past.concat(this.raw);
  }

  /** One mean a step for the whole day, the single readings worked in: what sentence and table speak of. */
  stepMeans() {
    const means = [...this.means];
    const sums = new Map();
    for (const [time, w] of this.raw) {
      const i = Math.floor((time - this.start) / this.step);
      const [sum, n] = sums.get(i) ?? [0, 0];
      sums.set(i, [sum + w, n + 1]);
    }
    for (const [i, [sum, n]] of sums) means[i] = Math.round(sum / n);
    return means;
  }

  /** [[from, to], ...]: what each value speaks for. A mean covers its step, a single reading an instant. */
  spans() {
    const rawStart = this.rawStart();
    const spans = [];
    this.means.forEach((w, i) => {
      const from = this.start + i * this.step;
      if (w !== null && from < rawStart) spans.push([from, from + this.step]);
    });
    const means = spans.length;
    for (const [time] of this.raw) spans.push([time, time]);
    return { spans, means };
  }

  /** [[from, to], ...] without readings between the day's first moment and `until`: nothing may be drawn across them. */
  gaps(until) {
    const { spans, means } = this.spans();
    const cadence = median(spans.slice(0, means).map(([from]) => from));
    // A slow source leaves steps empty between its readings; a fast one never does.
    const betweenMeans = cadence > this.step ? 3 * cadence : this.step / 2;
    const betweenReadings = Math.max(SHORTEST_GAP_S, 3 * median(this.raw.map(([time]) => time)), betweenMeans > this.step ? betweenMeans : 0);
    const gaps = [];
    let covered = this.start;
    spans.forEach(([from, to], i) => {
      if (from - covered > (i < means ? betweenMeans : betweenReadings)) gaps.push([covered, from]);
      covered = to;
    });
    if (until - covered > betweenReadings + this.step) gaps.push([covered, until]);
    return gaps;
  }
}

/** The usual distance between neighbours; 0 where there are too few to tell. */
function median(times) {
  if (times.length < 3) return 0;
  const apart = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
  return apart[Math.floor(apart.length / 2)];
}
