// Two runs' cells side by side, those that are the same folded.

// [{ same, pairs }]: equal ones in a row are one group, every other pair its own
export function folded(pairs) {
  const groups = [];
  for (const pair of pairs) {
    const same = pair.verdict === "same", last = groups.at(-1);
    if (same && last?.same) last.pairs.push(pair);
    else groups.push({ same, pairs: [pair] });
  }
  return groups;
}
