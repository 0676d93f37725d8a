// Runs one question of tests/dashboard/test_scripts.py against the pages' own modules: JSON in on stdin, JSON out.

import { readFileSync } from "node:fs";

import { barsOf, partsOf, todayOf } from "../../../dashboard/static_src/balance.js";
import { curves } from "../../../dashboard/static_src/curves.js";
import { DayPoints } from "../../../dashboard/static_src/points.js";
import { quarterOf } from "../../../dashboard/static_src/quarter.js";

const questions = {
  quarters: (cases) => cases.map(({ frame, now, connection }) => quarterOf(frame, now, connection)),
  balances: (frames) => frames.map((frame) => ({ parts: partsOf(frame), bars: barsOf(frame) })),
  todays: (parts) => parts.map(todayOf),
  day: ({ day, batches, until }) => {
    const points = new DayPoints(day);
    for (const batch of batches) points.add(batch);
    const gaps = points.gaps(until);
    return { points: points.points(), means: points.stepMeans(), raw: points.raw.length, gaps, lines: curves(points.points(), gaps) };
  },
};

const { question, given } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(questions[question](given)));
