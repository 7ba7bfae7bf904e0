// What is said of a run beside its row: what a person may want next, and what an event tells.

// [{ does, label, run }]: `cell` its failed cell, `notebook` that in the notebook, `compare` with the run named,
// `retry-with` changes the run named (a step's is its pipeline's), `whole` from the beginning
export function nextSteps(row, details, ticks) {
  const steps = [], failed = row.state === "failed", whole = row.pipeline || row.items != null, ended = row.ended_ms != null;
  if (failed && !whole && details?.error?.cell != null) steps.push({ does: "cell", label: "Show cell", run: row.id }, { does: "notebook", label: "Show in notebook", run: row.id });
  const success = ticks.filter(([id, tone]) => tone === "ok" && id < row.id).at(-1)?.[0];
  if (ended && !whole && row.started_ms != null && success != null) steps.push({ does: "compare", label: `Compare with ${success}`, run: success });
  const top = details?.path[0] ?? row, again = top.ended_ms != null && top.state !== "skipped";
  if (again) steps.push({ does: "retry-with", label: row.parent == null ? "Retry with changes…" : "Rerun from a step…", run: top.id });
  if (again && failed && row.pipeline && row.parent == null) steps.push({ does: "whole", label: "Run all again", run: row.id });
  return steps;
}

// what every event of a run repeats
const REPEATED = new Set(["id", "run", "name", "state", "schedule", "pipeline", "step", "index", "parent", "scheduled_at", "started_at", "ended_at", "key"]);

// what this event tells and the others do not
export function eventFacts(data) {
  const told = Object.entries(data).filter(([name, value]) => !REPEATED.has(name) && value != null && value !== "");
  return told.map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`).join(" · ");
}
