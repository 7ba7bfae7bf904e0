// What the matrix shows: runs side by side, oldest first, and a row for each step.

export const MOST_COLUMNS = 24;
const TONES = { ok: "succeeded", bad: "failed", run: "running", wait: "waiting", warn: "retrying", skip: "not run" };

// { names, runs: [{ id, tone, state, took_ms, scheduled_ms, cells: [[tone, id] | null] }] } of a pipeline's run
export function ofPipeline(view, known, chosen) {
  const names = view.nodes.map(node => node.name), past = new Map(), live = new Map();
  for (const one of [...known.pipelines.values()].filter(one => one.run.name === view.run.name)) {
    const at = new Map(one.nodes.map((node, index) => [node.name, index]));
    for (const run of one.past) past.set(run.id, { ...run, cells: names.map(name => run.cells[at.get(name)] ?? null) });
    live.set(one.run.id, current(one, names, known));
  }
  return { names, runs: ordered([...new Map([...past, ...live]).values()], chosen, known) };
}

// the runs of one schedule, or of one name
export function ofSeries(rows, known, chosen) {
  const runs = ordered(rows.map(row => ({ ...column(row, known), cells: [[row.tone, row.id]] })), chosen, known);
  return { names: [known.rows.get(runs.at(-1)?.id)?.name ?? ""], runs };
}

function current(view, names, known) {
  const steps = new Map(view.steps.map(step => [step.step, known.rows.get(step.id) ?? step]));
  const cells = names.map(name => steps.get(name)).map(step => (step ? [step.tone, step.id] : null));
  return { ...column(known.rows.get(view.run.id) ?? view.run, known), cells };
}

function column(run, known) {
  const spent = known.elapsed(run), took_ms = run.ended_ms == null ? spent && Math.ceil(spent / 1000) * 1000 : spent;
  return { id: run.id, tone: run.tone, took_ms, scheduled_ms: run.scheduled_ms };
}

// the newest, or those from the chosen one on where that is older
function ordered(runs, chosen, known) {
  const sorted = runs.sort((a, b) => a.id - b.id), at = sorted.findIndex(run => run.id === chosen), from = Math.max(0, sorted.length - MOST_COLUMNS);
  const kept = at >= 0 && at < from ? sorted.slice(at, at + MOST_COLUMNS) : sorted.slice(from);
  return kept.map(run => ({ ...run, state: known.rows.get(run.id)?.state ?? toneWord(run.tone) }));
}

export function toneWord(tone) {
  return TONES[tone] ?? tone;
}

// where an arrow leads among `rows` and `columns`; null where it leads nowhere
export function moved([row, column], key, rows, columns) {
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -columns], End: [0, columns] }[key] ?? [];
  if (down === undefined) return null;
  return [Math.min(rows - 1, Math.max(-1, row + down)), Math.min(columns - 1, Math.max(0, column + right))];
}
