// The outputs of a cell as they are shown, and how those on the screen come to be the new ones with as little as possible.

const LONGEST_TEXT = 200_000;

function joined(value) {
  return Array.isArray(value) ? value.join("") : value ?? "";
}

// what follows a carriage return is written over its line
function overwritten(text) {
  if (!text.includes("\r")) return text;
  return text.split("\n").map(line => line.replace(/\r+$/, "").split("\r").reduce((shown, part) => part + shown.slice(part.length), "")).join("\n");
}

function shortText(text) {
  const left = text.length - LONGEST_TEXT;
  return left > 0 ? `… ${left} characters before\n${text.slice(-LONGEST_TEXT)}` : text;
}

// the outputs, in which a text that was printed in pieces is one
export function shownOutputs(outputs = []) {
  const found = [];
  for (const one of outputs) {
    const last = found.at(-1);
    if (one.output_type !== "stream") found.push(one);
    else if (last?.output_type === "stream" && last.name === one.name) last.text += joined(one.text);
    else found.push({ ...one, text: joined(one.text) });
  }
  return found.map(one => (one.output_type === "stream" ? { ...one, text: overwritten(shortText(one.text)) } : one));
}

// { clear, set: [[index, output]], add: [output] }: what has to be done to `before`
export function outputChanges(before, after) {
  if (after.length < before.length) return { clear: true, set: [], add: after };
  const set = [];
  before.forEach((one, at) => JSON.stringify(one) !== JSON.stringify(after[at]) && set.push([at, after[at]]));
  return { clear: false, set, add: after.slice(before.length) };
}

// how far a cell has come: `done`, `running`, `failed`, `waiting`
export function standing(cell, ended) {
  const status = cell.metadata?.papermill?.status, failed = (cell.outputs ?? []).some(one => one.output_type === "error");
  if (failed || status === "failed") return "failed";
  if (status === "running") return ended ? "failed" : "running";
  return cell.cell_type !== "code" || cell.execution_count != null || status === "completed" ? "done" : "waiting";
}

// what a run's notebook says about itself and no person wrote
export function written(cell) {
  return !(cell.metadata?.tags ?? []).includes("papermill-error-cell-tag");
}

// the cell to be looked at: what failed, else what runs, else the last that was run
export function focusOf(cells, ended) {
  const stands = cells.map(cell => standing(cell, ended));
  for (const wanted of ["failed", "running"]) if (stands.includes(wanted)) return stands.indexOf(wanted);
  return cells.findLastIndex((cell, at) => cell.cell_type === "code" && stands[at] === "done");
}
