// What the forms decide, without a page.

import assert from "node:assert/strict";
import { test } from "node:test";

const FORM = "../../nbsched/panel/view/form/";
const { KINDS, USUAL, triggerText, whenOf, zonedText } = await import(`${FORM}trigger.js`);
const { changes, controlOf, fieldText, parameterOf, read } = await import(`${FORM}typed.js`);
const { instantOf, partsOf, wallIn } = await import(`${FORM}zoned.js`);
const { calendar, markOf, sayOf, tally, usualWindow } = await import(`${FORM}occurrences.js`);
const { OPTIONS, given, summary, textsOf } = await import(`${FORM}options.js`);
const { mayBeScheduled, scheduleLine, withLine } = await import(`${FORM}magic.js`);
const BERLIN = "Europe/Berlin";

const TRIGGERS = {
  "15 * * * *": { kind: "hour", minute: "15" },
  "30 2 * * *": { kind: "day", time: "02:30" },
  "0 7 * * 1-5": { kind: "weekdays", time: "07:00" },
  "5 18 * * 0,3,5": { kind: "week", time: "18:05", days: [0, 3, 5] },
  "0 4 31 * *": { kind: "month", time: "04:00", day: "31" },
  "0 4 L * *": { kind: "month", time: "04:00", day: "L" },
  "every 15m": { kind: "every", amount: "15", unit: "m" },
  "every 2w from 2026-01-01T00:00+00:00": { kind: "every", amount: "2", unit: "w", from: "2026-01-01T00:00+00:00" },
  "at 2026-12-01T09:00+01:00": { kind: "once", at: "2026-12-01T09:00" },
  "on data.available": { kind: "event", event: "data.available" },
  'on data.* where {"region": "EU", "n": 1}': { kind: "event", event: "data.*", where: '{"region": "EU", "n": 1}' },
  "after fetch": { kind: "after", name: "fetch" },
  'after "my fetch" failed within 2h': { kind: "after", name: "my fetch", state: "failed", within: "2h" },
  "0 2 * * 1#2": { kind: "text", text: "0 2 * * 1#2" },
  "any(0 2 * * *; on data.available)": { kind: "text", text: "any(0 2 * * *; on data.available)" },
};

for (const [text, fields] of Object.entries(TRIGGERS)) {
  test(`the builder writes ${text} and reads it back`, () => {
    const when = { ...USUAL, ...fields };
    assert.deepEqual(triggerText(when, BERLIN), { text });
    assert.deepEqual(whenOf(text, BERLIN), { when, zone: BERLIN });
  });
}

test("every kind that can be chosen is written by one of these triggers", () => {
  const written = new Set(Object.values(TRIGGERS).map(fields => fields.kind));
  assert.deepEqual([...written].sort(), KINDS.map(([kind]) => kind).sort());
});

test("an alias is shown as what it means, and the zone in a text is the one chosen", () => {
  assert.deepEqual(whenOf("@daily", "UTC").when, { ...USUAL, time: "00:00" });
  assert.deepEqual(whenOf("0 2 * * * tz Asia/Tokyo", "UTC"), { when: { ...USUAL }, zone: "Asia/Tokyo" });
  assert.deepEqual(whenOf("0 2 * * * tz Asia/Tokyo dst skip", "UTC"), { when: { ...USUAL, kind: "text", text: "0 2 * * * dst skip" }, zone: "Asia/Tokyo" });
});

test("what the builder has no fields for stays as its text", () => {
  for (const text of ["*/5 * * * *", "0 2 * * 7", "0 02 * * *", "every 1h30m", "at 2026-12-01T09:00:30+01:00", "0 2 1 1 *"]) {
    assert.equal(whenOf(text, BERLIN).when.text, text);
  }
});

test("what is missing is said of its field", () => {
  const refused = fields => triggerText({ ...USUAL, ...fields }, BERLIN);
  assert.equal(refused({ kind: "event" }).field, "event");
  assert.equal(refused({ kind: "event", event: "two words" }).field, "event");
  assert.equal(refused({ kind: "after" }).field, "name");
  assert.equal(refused({ kind: "week", days: [] }).field, "days");
  assert.equal(refused({ kind: "hour", minute: "60" }).field, "minute");
  assert.equal(refused({ kind: "every", amount: "0" }).field, "amount");
  assert.equal(refused({ kind: "day", time: "" }).field, "time");
  assert.equal(refused({ kind: "text", text: " " }).field, "text");
  assert.match(refused({ kind: "once", at: "2026-03-29T02:30" }).error, /02:30 does not exist on 2026-03-29 in Europe\/Berlin/);
});

test("a cron text names the zone where it is written into a cell", () => {
  assert.equal(zonedText("0 2 * * *", BERLIN), "0 2 * * * tz Europe/Berlin");
  assert.equal(zonedText("0 2 * * * tz UTC", BERLIN), "0 2 * * * tz UTC");
  assert.equal(zonedText("every 5m", BERLIN), "every 5m");
});

// ---- clocks

test("an instant has the offset of its day, and the first of two", () => {
  assert.deepEqual(instantOf("2026-07-01T09:00", BERLIN), { iso: "2026-07-01T09:00+02:00" });
  assert.deepEqual(instantOf("2026-10-25T02:30", BERLIN), { iso: "2026-10-25T02:30+02:00" });
  assert.deepEqual(instantOf("2026-01-01T09:00", "America/St_Johns"), { iso: "2026-01-01T09:00-03:30" });
  assert.match(instantOf("2026-01-01T09:00", "Mars/Olympus").error, /does not know the zone/);
  assert.equal(wallIn(Date.parse("2026-12-01T23:30+01:00"), "Asia/Tokyo"), "2026-12-02T07:30");
});

test("the parts of an instant are those that its own offset shows", () => {
  assert.deepEqual(partsOf("2026-11-27T02:00:00+01:00"), { date: "2026-11-27", time: "02:00", offset: "+01:00", weekday: 4 });
  assert.deepEqual(partsOf("2026-11-29T02:00:30Z"), { date: "2026-11-29", time: "02:00:30", offset: "+00:00", weekday: 6 });
});

// ---- parameters

const P = (type, value, more = {}) => ({ name: "p", type, default: value, ...more });

test("each type has its field", () => {
  const found = [
    [P("int", 5), "whole"], [P("int", 5, { optional: true }), "number"], [P("bool", true, { optional: true }), "switch"], [P("bool", null), "choice"],
    [P("str", "EU"), "line"], [P("str", "a\nb"), "text"], [P("date", "2026-01-01"), "date"], [P("datetime", null), "line"],
    [P("list", [1]), "json"], [P("dict", { a: 1 }), "json"], [P("str", "a", { choices: ["a", "b"] }), "choice"], [P("any", null), "line"], [P("any", [1]), "json"],
  ];
  for (const [parameter, control] of found) assert.equal(controlOf(parameter), control, JSON.stringify(parameter));
});

test("a default in its field means itself", () => {
  const values = [["int", 5], ["float", 0.5], ["bool", false], ["bool", null], ["str", " padded "], ["str", null], ["str", "5"], ["list", ["a, b", 1, null]],
    ["dict", { "a": { "b": [true] } }], ["date", "2026-01-01"], ["any", "5"], ["any", null], ["any", { a: 1 }]];
  for (const [type, value] of values) {
    const parameter = P(type, value);
    assert.deepEqual(changes([parameter], { p: fieldText(parameter, value) }), { params: {}, errors: {} }, type);
  }
});

test("only what was changed is given, in its type", () => {
  const parameters = [
    { name: "region", type: "str", default: "EU" }, { name: "limit", type: "int", default: 5 }, { name: "rate", type: "float", default: 0.5 },
    { name: "fast", type: "bool", default: false }, { name: "days", type: "list", default: [1, 2] }, { name: "day", type: "date", default: null },
    { name: "mode", type: "str", default: "a", choices: ["a", "b", null] },
  ];
  const texts = { region: "US", limit: "5", rate: "1e-3", fast: "true", days: "[1,2]", day: "2026-02-03", mode: "null" };
  assert.deepEqual(changes(parameters, texts), { params: { region: "US", rate: 0.001, fast: true, day: "2026-02-03", mode: null }, errors: {} });
  assert.deepEqual(changes(parameters, { day: "@scheduled_date" }).params, { day: "@scheduled_date" });
});

test("an empty field is the default, but for text and for what has none", () => {
  assert.deepEqual(read(P("int", 5), ""), { unset: true });
  assert.deepEqual(read(P("str", "EU"), ""), { value: "" });
  assert.match(read(P("int", null, { required: true }), " ").error, /no default/);
  assert.match(changes([P("int", null, { required: true })], {}).errors.p, /no default/);
});

test("what does not fit is said with an example", () => {
  const errors = [
    [P("int", 5), "1.5"], [P("int", 5), "9007199254740993"], [P("float", 1), "half"], [P("date", null), "2026-02-31x"],
    [P("list", []), "{}"], [P("list", []), "[1"], [P("dict", {}), "[]"], [P("any", [1]), "[1"],
  ];
  for (const [parameter, text] of errors) assert.match(read(parameter, text).error, /: (write|set) /, text);
});

test("text is never taken for something else where text is declared", () => {
  for (const text of ["5", "true", "null", "[1]", '"quoted"', " padded "]) assert.deepEqual(read(P("str", "x"), text), { value: text });
  assert.deepEqual(read(P("any", null), "[1]"), { value: [1] });
  assert.deepEqual(read(P("any", null), "plain"), { value: "plain" });
});

test("a run's own values have fields of their types", () => {
  for (const [value, control] of [[5, "number"], [0.5, "number"], [true, "switch"], ["EU", "line"], [[1], "json"], [{ a: 1 }, "json"], [null, "line"]]) {
    assert.equal(controlOf(parameterOf("p", value)), control);
  }
});

// ---- options

test("options as usual are not sent, and what is stored is shown", () => {
  assert.deepEqual(given({}), { given: {}, errors: {} });
  assert.deepEqual(given(textsOf({ retries: 3, timeout: "30m", priority: -10, overlap: "skip", catchup: null })).given, { retries: 3, timeout: "30m", priority: "high" });
  assert.deepEqual(given({ priority: "7" }).given, { priority: 7 });
  assert.equal(Object.keys(given({ retries: "many" }).errors)[0], "retries");
});

test("what is folded away is said in words", () => {
  assert.equal(summary({}), "all as usual");
  assert.equal(summary({ retries: "1", overlap: "queue_one" }), "1 retry · overlap: queue one");
  for (const { choices, usual } of OPTIONS) assert.ok(!choices || choices.some(([value]) => value === usual));
});

// ---- a cell's line

test("a cell gets its line once, and keeps its text", () => {
  const line = scheduleLine("0 2 * * *", BERLIN, { name: "refresh", retries: 2, on_failure: "data.failed" });
  assert.equal(line, "%%schedule '0 2 * * * tz Europe/Berlin' --name refresh --retries 2 --on-failure data.failed");
  assert.equal(withLine("x = 1\ny = 2", line), `${line}\nx = 1\ny = 2`);
  assert.equal(withLine("%%schedule 'every 5m' --name old\nx = 1", line), `${line}\nx = 1`);
  assert.ok(mayBeScheduled("x = 1") && mayBeScheduled("%%schedule @daily\nx") && !mayBeScheduled("%%time\nx"));
});

// ---- occurrences

const at = (day, hour = 2, state = null, run = null) => ({ at: `2026-${day}T${String(hour).padStart(2, "0")}:00:00+00:00`, run, state, reason: "" });

test("a daily schedule is shown by weeks, each day in its row", () => {
  const found = calendar(["10-30", "10-31", "11-01", "11-02"].map(day => at(day)));
  assert.equal(found.kind, "weeks");
  assert.deepEqual(found.heads, [{ label: "Oct", span: 1 }, { label: "Nov", span: 1 }]);
  const places = found.lines.map(({ cells }) => cells.map(one => one?.at.slice(5, 10) ?? ""));
  assert.deepEqual(places, [["", "11-02"], ["", ""], ["", ""], ["", ""], ["10-30", ""], ["10-31", ""], ["11-01", ""]]);
});

test("a schedule with several instants a day is shown by days, none left out", () => {
  const found = calendar([at("11-02", 1), at("11-02", 2), at("11-03", 1)]);
  assert.equal(found.kind, "days");
  assert.deepEqual(found.lines.map(({ label, cells }) => [label, cells.length]), [["Mon 2 Nov", 2], ["Tue 3 Nov", 1]]);
  assert.deepEqual(calendar([]).heads, []);
});

test("a cell is marked by what tells it from its neighbours", () => {
  const marks = all => all.map(one => markOf(one, calendar(all).marks));
  assert.deepEqual(marks([at("11-02"), at("11-03")]), ["2", "3"]);
  assert.deepEqual(marks([at("11-02", 1), at("11-02", 13)]), ["01", "13"]);
  assert.deepEqual(marks([{ at: "2026-11-02T01:30:00Z" }, { at: "2026-11-02T02:00:00Z" }]), ["01:30", "02:00"]);
});

test("each occurrence is said in words and counted by its state", () => {
  const all = [at("11-02", 2, "failed", 7), at("11-03"), at("11-04", 2, "odd", 8)];
  assert.equal(sayOf(all[0], true), "Mon 2 Nov 2026 02:00: failed, run 7, will run");
  assert.equal(sayOf(all[1], false), "Tue 3 Nov 2026 02:00: not run");
  const later = { ...at("11-05"), reason: "not yet" };
  assert.equal(sayOf(later, false), "Thu 5 Nov 2026 02:00: not due yet");
  assert.deepEqual(tally([...all, later]).map(({ look, count }) => [look[3], count]), [["failed", 1], ["not run", 2], ["not due yet", 1]]);
});

test("the window to begin with is short for what is often", () => {
  const back = (one, two) => usualWindow([one, two], "2026-11-26").from;
  assert.equal(back("2026-11-26T02:00+00:00", "2026-11-27T02:00+00:00"), "2026-10-23");
  assert.equal(back("2026-11-26T02:00+00:00", "2026-11-26T02:05+00:00"), "2026-11-25");
  assert.equal(usualWindow([], "2026-11-26").from, "2026-10-23");
});
