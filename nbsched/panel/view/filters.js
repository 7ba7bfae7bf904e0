// Which runs the filters let through, and how many there are of each state.

// name, the states it stands for, sign, tone
export const CHIPS = [
  ["running", ["running"], "◐", "run"], ["waiting", ["pending", "queued"], "○", "wait"], ["failed", ["failed"], "✕", "bad"],
  ["succeeded", ["succeeded"], "✓", "ok"], ["cancelled", ["cancelled"], "■", "skip"], ["skipped", ["skipped"], "⊘", "skip"],
];
const KIND_OF = new Map(CHIPS.flatMap(([name, states]) => states.map(state => [state, name])));

// what is said, milliseconds back from now
export const SPANS = [["any time", null], ["last hour", 3600e3], ["last 24 hours", 86400e3], ["last 7 days", 7 * 86400e3], ["last 30 days", 30 * 86400e3]];

export function kindOf(row) {
  return KIND_OF.get(row.state) ?? "waiting";
}

// `of` is the name of a schedule or of a pipeline
export function belongs(row, of) {
  return !of || row.schedule === of || (row.pipeline && row.name === of);
}

// what has not ended is there now, whenever it is due
export function recent(row, span, now) {
  return span == null || row.ended_ms == null || row.ended_ms >= now - span;
}

// The ids that pass, in their order; `counts` tells by kind what passes all filters but that of the kinds.
export function sift(ids, rows, { kinds, of, span }, now) {
  const counts = Object.fromEntries(CHIPS.map(([name]) => [name, 0])), passed = [];
  for (const id of ids) {
    const row = rows.get(id);
    if (!belongs(row, of) || !recent(row, span, now)) continue;
    const kind = kindOf(row);
    counts[kind] += 1;
    if (!kinds.size || kinds.has(kind)) passed.push(id);
  }
  return { ids: passed, counts };
}

// the names that runs can be chosen by: of schedules, and of pipelines that have run
export function owners(schedules, rows) {
  const names = new Set(schedules.map(one => one.name));
  for (const row of rows) {
    if (row.schedule) names.add(row.schedule);
    if (row.pipeline && row.parent == null) names.add(row.name);
  }
  return [...names].sort((a, b) => a.localeCompare(b));
}
