// The running quarter: where it will end, and what may be added. The server counts the same for the first HTML (dashboard/quarter.py).

export const QUARTER_S = 900;
export const FLOOR_W = 2500;

/** `now` is the moment on the meter's clock. Null where the meter tells no quarter or the frame's quarter is over. */
export function quarterOf(frame, now, connection_w) {
  const { time, quarter_w, import_w } = frame;
  if (quarter_w === undefined || import_w === undefined) return null;
  const start = Math.floor(time / QUARTER_S) * QUARTER_S;
  const end = start + QUARTER_S;
  if (now >= end) return null;
  const left_s = end - time;
  const expected_w = Math.round(quarter_w + (import_w * left_s) / QUARTER_S);
  const peak_w = frame.month_peak_w ?? 0;
  const limit_w = Math.max(peak_w, FLOOR_W);
  let room_w = ((limit_w - expected_w) * QUARTER_S) / left_s;
  if (connection_w) room_w = Math.min(room_w, connection_w - import_w);
  return { start, end, quarter_w, expected_w, peak_w, limit_w, room_w: Math.floor(room_w), left_s: end - now };
}
