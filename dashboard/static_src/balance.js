// The balance of the house: bars of a moment, and what today comes to. Pure; the server does the same for the first HTML
// (dashboard/house_bars.py, meters/balance.py).

const AGREES = 0.1;
const ROUNDING = 10;
const INACCURACY = 0.05;

/** What comes in and what goes out, [[key, W or undefined], ...]. */
export function partsOf({ solar_w, use_w, import_w, export_w, battery_w }) {
  const battery = battery_w !== undefined;
  return {
    in: [["solar", solar_w], ...(battery ? [["battery", Math.max(0, battery_w)]] : []), ["import", import_w]],
    out: [["house", use_w], ...(battery ? [["battery", Math.max(0, -battery_w)]] : []), ["export", export_w]],
  };
}

/** The same as segments {key, w, x, width}, x and width in percent; the shorter side ends in "unknown" where the two differ by more than a tenth. */
export function barsOf(frame) {
  const sides = partsOf(frame);
  const sum = (side) => side.reduce((all, [, w]) => all + (w ?? 0), 0);
  const whole = Math.max(sum(sides.in), sum(sides.out));
  const segments = (side) => {
    const gap = whole - sum(side);
    let x = 0;
    return [...side, ["unknown", gap > AGREES * whole ? gap : 0]].map(([key, w]) => {
      const width = whole > 0 ? (100 * (w ?? 0)) / whole : 0;
      x += width;
      return { key, w, x: x - width, width };
    });
  };
  return { in: segments(sides.in), out: segments(sides.out) };
}

/** Today in Wh from what each counter counted: use is null where the counters contradict each other; shares are whole percents or null. */
export function todayOf({ import_wh, export_wh, solar_wh, charge_wh, discharge_wh }) {
  const difference = import_wh + solar_wh + discharge_wh - export_wh - charge_wh;
  const agrees = difference >= -(ROUNDING + INACCURACY * (solar_wh + discharge_wh));
  const use = agrees ? Math.max(0, difference) : null;
  const share = (part, whole) => (agrees && whole > 0 ? Math.floor(100 * (part / whole) + 0.5) : null);
  const kept = Math.max(0, Math.min(solar_wh, solar_wh - export_wh));
  return { use, solar: solar_wh, used_here: share(kept, solar_wh), self_sufficient: share(use - Math.min(use, import_wh), use) };
}
