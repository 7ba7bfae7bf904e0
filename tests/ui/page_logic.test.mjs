// What the page decides, without a page.

import assert from "node:assert/strict";
import { test } from "node:test";

const VIEW = "../../nbsched/panel/view/";
const { moved, MOST_COLUMNS, ofPipeline, ofSeries } = await import(`${VIEW}columns.js`);
const { belongs, owners, recent, sift } = await import(`${VIEW}filters.js`);
const { Known } = await import(`${VIEW}known.js`);
const { Marked, can, outcome } = await import(`${VIEW}marked.js`);
const { eventFacts, nextSteps } = await import(`${VIEW}nextsteps.js`);
const { focusOf, outputChanges, shownOutputs, standing, written } = await import(`${VIEW}outputs.js`);
const { folded } = await import(`${VIEW}pairs.js`);

const NOW = 1_000_000_000;
const row = (id, facts = {}) => ({
  id, name: "work", state: "succeeded", tone: "ok", schedule: null, pipeline: false, parent: null, items: null, series: "work",
  scheduled_ms: NOW - 5000, started_ms: NOW - 4000, ended_ms: NOW - 1000, actions: ["retry"], ...facts,
});
const rows = (...all) => new Map(all.map(one => [one.id, one]));
const sifted = (all, set) => sift([...all.keys()], all, { kinds: new Set(), of: "", span: null, ...set }, NOW);

test("filters count every kind but list only those that are wanted", () => {
  const all = rows(row(1), row(2, { state: "failed" }), row(3, { state: "queued", ended_ms: null }), row(4, { state: "pending", ended_ms: null }));
  assert.deepEqual(sifted(all, {}).ids, [1, 2, 3, 4]);
  const { ids, counts } = sifted(all, { kinds: new Set(["waiting", "failed"]) });
  assert.deepEqual(ids, [2, 3, 4]);
  assert.deepEqual(counts, { running: 0, waiting: 2, failed: 1, succeeded: 1, cancelled: 0, skipped: 0 });
});

test("a span of time leaves what has not ended", () => {
  assert.equal(recent(row(1, { ended_ms: NOW - 7200e3 }), 3600e3, NOW), false);
  assert.equal(recent(row(1, { ended_ms: null }), 3600e3, NOW), true);
  assert.equal(recent(row(1), null, NOW), true);
});

test("an owner is a schedule, or a pipeline by its name", () => {
  assert.ok(belongs(row(1, { schedule: "nightly" }), "nightly"));
  assert.ok(belongs(row(1, { name: "training", pipeline: true }), "training"));
  assert.ok(!belongs(row(1, { name: "training" }), "training"));
  assert.deepEqual(owners([{ name: "b" }], [row(1, { schedule: "c" }), row(2, { name: "a", pipeline: true })]), ["a", "b", "c"]);
});

test("marks reach from the last one, and nothing is done to what is not listed", () => {
  const marked = new Marked(), listed = [9, 8, 7, 6, 5];
  marked.toggle(8);
  marked.reach(6, listed);
  assert.deepEqual(marked.among(listed), [8, 7, 6]);
  assert.deepEqual(marked.among([9, 7]), [7]);
  marked.toggle(7);
  assert.deepEqual(marked.among(listed), [8, 6]);
  marked.all(listed);
  assert.equal(marked.ids.size, 5);
  marked.all(listed);
  assert.equal(marked.ids.size, 0);
  marked.none();
  marked.reach(5, listed);
  assert.deepEqual(marked.among(listed), [5]);
});

test("what was refused is summed up by its reason", () => {
  assert.deepEqual(can([row(1), row(2, { actions: ["cancel"] })], "cancel").map(one => one.id), [2]);
  assert.equal(outcome("cancel", 2, [], 0), "2 cancelled");
  assert.equal(outcome("cancel", 1, [[7, "no"], [8, "no"], [9, "gone"]], 2), "1 cancelled · 2 had ended already · refused: 2 runs: no · refused: run 9: gone");
});

const pipeline = (id, tones, past = []) => ({
  run: row(id, { name: "training", pipeline: true }), past, edges: [], history: {},
  nodes: Object.keys(tones).map(name => ({ name, run: id + 1 })),
  steps: Object.entries(tones).map(([step, tone], at) => row(id + 1 + at, { step, tone, parent: id })),
});
const view = (...views) => {
  const known = new Known(null);
  known.take({ all: true, rows: views.map(one => one.run), pipelines: Object.fromEntries(views.map(one => [one.run.id, one])) });
  return known;
};

test("a pipeline's columns stay when an older one of them is chosen", () => {
  const old = pipeline(10, { a: "ok", b: "bad" }), older = { id: 5, tone: "ok", took_ms: 9, scheduled_ms: 1, cells: [["ok", 6], null] };
  const now = pipeline(20, { a: "ok", c: "run" }, [{ id: 10, tone: "bad", took_ms: 5, scheduled_ms: 1, cells: [["ok", 11], null] }]);
  const known = view(now, { ...old, past: [older] }), { names, runs } = ofPipeline(known.pipelines.get(20), known, 20);
  assert.deepEqual(names, ["a", "c"]);
  assert.deepEqual(runs.map(run => run.id), [5, 10, 20]);
  assert.deepEqual(runs[1].cells, [["ok", 11], null]);
  assert.deepEqual(ofPipeline(known.pipelines.get(10), known, 10).runs.map(run => run.id), [5, 10, 20]);
});

test("a series shows its newest runs, or those from the chosen one on", () => {
  const known = new Known(null), all = Array.from({ length: 60 }, (_, at) => row(at + 1, { schedule: "s" }));
  known.take({ all: true, rows: all });
  assert.deepEqual(ofSeries(known.runsOf("s"), known, 60).runs.map(run => run.id).slice(-2), [59, 60]);
  const { runs } = ofSeries(known.runsOf("s"), known, 3);
  assert.equal(runs.length, MOST_COLUMNS);
  assert.equal(runs[0].id, 3);
  assert.equal(known.newestOf("s"), 60);
});

test("arrows move in the matrix and stay in it", () => {
  assert.deepEqual(moved([0, 0], "ArrowUp", 3, 4), [-1, 0]);
  assert.deepEqual(moved([-1, 0], "ArrowUp", 3, 4), [-1, 0]);
  assert.deepEqual(moved([2, 3], "ArrowRight", 3, 4), [2, 3]);
  assert.deepEqual(moved([1, 2], "Home", 3, 4), [1, 0]);
  assert.equal(moved([0, 0], "a", 3, 4), null);
});

const printed = (text, name = "stdout") => ({ output_type: "stream", name, text });

test("a text printed in pieces is one, as a terminal leaves it", () => {
  assert.deepEqual(shownOutputs([printed("a"), printed(["b", "\n"]), printed("c", "stderr")]), [printed("ab\n"), printed("c", "stderr")]);
  assert.deepEqual(shownOutputs([printed("10%\r50%\r100%\ndone")])[0].text, "100%\ndone");
  assert.deepEqual(shownOutputs([printed("50%\r")])[0].text, "50%");
  assert.ok(shownOutputs([printed("x".repeat(300_000))])[0].text.length < 200_100);
});

test("outputs that have not changed are left alone", () => {
  const [a, b, c] = ["a", "b", "c"].map(text => ({ output_type: "display_data", data: { "text/plain": text } }));
  assert.deepEqual(outputChanges([a, b], [a, c]), { clear: false, set: [[1, c]], add: [] });
  assert.deepEqual(outputChanges([a], [a, b]), { clear: false, set: [], add: [b] });
  assert.deepEqual(outputChanges([a, b], [c]), { clear: true, set: [], add: [c] });
});

const cell = (status, facts = {}) => ({ cell_type: "code", execution_count: null, outputs: [], metadata: { papermill: { status } }, ...facts });

test("the cell to be looked at failed, runs, or was run last", () => {
  const done = cell("completed", { execution_count: 1 }), running = cell("running"), waiting = cell("pending");
  const failed = cell("failed", { execution_count: 2 });
  assert.equal(focusOf([done, running, waiting], false), 1);
  assert.equal(focusOf([failed, running], false), 0);
  assert.equal(focusOf([done, waiting], false), 0);
  assert.equal(focusOf([waiting], false), -1);
  assert.equal(standing(running, true), "failed", "the host of a run that has ended has left it so");
  assert.equal(written({ metadata: { tags: ["papermill-error-cell-tag"] } }), false);
});

test("cells that are the same are folded together", () => {
  const pairs = ["same", "same", "source", "outputs", "same"].map(verdict => ({ verdict }));
  assert.deepEqual(folded(pairs).map(group => [group.same, group.pairs.length]), [[true, 2], [false, 1], [false, 1], [true, 1]]);
});

test("the next steps of a failed run begin with its cell", () => {
  const failed = row(7, { state: "failed" }), details = { error: { cell: 3 }, path: [] };
  assert.deepEqual(nextSteps(failed, details, [[3, "ok"], [5, "bad"], [9, "ok"]]).map(step => [step.does, step.run]),
    [["cell", 7], ["notebook", 7], ["compare", 3], ["retry-with", 7]]);
  const step = row(8, { parent: 2, step: "fit" }), around = row(2, { name: "training", pipeline: true });
  assert.deepEqual(nextSteps(step, { error: null, path: [around] }, []).map(one => [one.does, one.run]), [["retry-with", 2]]);
  assert.deepEqual(nextSteps({ ...step, ended_ms: null }, { error: null, path: [{ ...around, ended_ms: null }] }, []), []);
  assert.deepEqual(nextSteps(row(2, { state: "failed", pipeline: true }), { error: null, path: [] }, []).map(one => one.does), ["retry-with", "whole"]);
});

test("an event tells what the others do not", () => {
  assert.equal(eventFacts({ id: 1, name: "work", state: "failed", reason: null, attempt: 2, key: null, progress: [1, 3] }), "attempt = 2 · progress = [1,3]");
});
