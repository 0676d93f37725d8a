// From points to the two lines of the graph. Pure.

/** One line above zero, one below. Each rests on zero only beside its own values; a gap is a null in both. */
export function curves(all, gaps) {
  const imported = [];
  const injected = [];
  let gap = 0;
  const put = (time, up, down) => {
    imported.push([time, up]);
    injected.push([time, down]);
  };
  all.forEach(([time, w], i) => {
    while (gap < gaps.length && gaps[gap][0] < time) {
      put(gaps[gap][0] + 0.5, null, null);
      gap += 1;
    }
    const before = all[i - 1]?.[1] ?? 0;
    const after = all[i + 1]?.[1] ?? 0;
    put(time, w > 0 || before > 0 || after > 0 ? Math.max(0, w) : null, w < 0 || before < 0 || after < 0 ? Math.min(0, w) : null);
  });
  return { imported, injected };
}
