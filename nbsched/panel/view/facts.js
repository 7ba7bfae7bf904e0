// The facts of a run: what went wrong, what it was given, what it gave.

import { keepKeys, make, say } from "./elements.js";
import { took } from "./words.js";

// with its traceback open where there is room for it
export function errorBlock(error, open = false) {
  const node = make("div", "err");
  node.append(make("div", "", error.text));
  if (error.line) node.append(make("div", "line", error.cell == null ? error.line : `cell ${error.cell}: ${error.line}`));
  if (error.traceback) {
    const trace = make("details"), summary = keepKeys(make("summary", "", "traceback"));
    const lines = keepKeys(make("pre", "", error.traceback));
    lines.tabIndex = 0;  // it scrolls by keyboard too
    trace.append(summary, lines);
    trace.open = open;
    node.append(trace);
  }
  return node;
}

export function facts({ run, attempts, path, cells }, schedule) {
  const show = value => (typeof value === "string" ? value : JSON.stringify(value));
  const listed = map => Object.entries(map).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join("\n");
  const lasted = attempts.map(one => (one.ended_at ? took(Date.parse(one.ended_at) - Date.parse(one.started_at)) : "running"));
  const retried = run.retry_of == null ? [] : [["retry of", String(run.retry_of)]];
  const output = run.output?.split(/[\\/]/).slice(-3).join("/") ?? "";  // the button gives the whole path
  return pairs([
    ["parameters", listed(run.params)], ["values", listed(run.values)],
    ["result", run.result == null ? "" : show(run.result)],
    ["cells", cells ?? ""],
    ["attempts", attempts.length === 1 ? `${attempts.length} · ${lasted.join(", ")}` : ""],
    ["schedule", [run.schedule, schedule?.trigger].filter(Boolean).join(" · ")],
    ["pipeline", run.pipeline && run.pipeline !== run.name && !path.length ? run.pipeline : ""],
    ["key", run.key ?? ""], ["output", output && `…/${output}`], ...retried,
  ]);
}

export function pairs(entries) {
  const list = make("dl");
  for (const [name, value] of entries) if (value) list.append(make("dt", "", name), make("dd", "", value));
  return list;
}

export async function copy(node, text) {
  const before = node.textContent;
  try {
    await navigator.clipboard.writeText(text);
    say(node, "Copied");
  } catch {
    say(node, text);
  }
  setTimeout(() => say(node, before), 1500);
}
