// The trigger builder: its fields as the text of a trigger, and back.

import { instantOf, knows, wallIn } from "./zoned.js";

// kind, how it is called
export const KINDS = [
  ["hour", "Every hour"], ["day", "Every day"], ["weekdays", "Monday to Friday"], ["week", "Every week"], ["month", "Every month"],
  ["every", "At an interval"], ["once", "Once"], ["event", "On an event"], ["after", "After another run"],
  ["text", "Cron or trigger text"],
];
export const UNITS = [["s", "seconds"], ["m", "minutes"], ["h", "hours"], ["d", "days"], ["w", "weeks"]];
export const STATES = ["succeeded", "failed", "cancelled", "skipped"];
// as cron counts them: Sunday is 0 and stands last
export const WEEK = [
  [1, "Monday"], [2, "Tuesday"], [3, "Wednesday"], [4, "Thursday"], [5, "Friday"], [6, "Saturday"], [0, "Sunday"],
];
// kinds that have no times to be shown
export const TOLD = new Set(["event", "after"]);

export const USUAL = Object.freeze({
  kind: "day", minute: "0", time: "02:00", days: [1], day: "1", amount: "15", unit: "m", from: "", at: "",
  event: "", where: "", name: "", state: "succeeded", within: "", text: "",
});

// The trigger's text, or which field says why there is none.
export function triggerText(when, zone) {
  return WRITERS[when.kind](when, zone);
}

const WRITERS = {
  hour: ({ minute }) => number(minute, 0, 59, "minute", found => `${found} * * * *`),
  day: when => clock(when, "* * *"),
  weekdays: when => clock(when, "* * 1-5"),
  week: when => when.days.length ? clock(when, `* * ${[...when.days].sort().join()}`) : { field: "days", error: "choose a day of the week" },
  month: when => /^(L|[1-9]|[12]\d|3[01])$/.test(when.day) ? clock(when, `${when.day} * *`) : { field: "day", error: "choose a day of the month" },
  every: ({ amount, unit, from }) => number(amount, 1, 1_000_000, "amount", found => `every ${found}${unit}${from && ` from ${from}`}`),
  once: ({ at }, zone) => {
    const found = instantOf(at, zone);
    return "error" in found ? { field: "at", error: found.error } : { text: `at ${found.iso}` };
  },
  event: ({ event, where }) => {
    if (!event.trim()) return { field: "event", error: "give the event's name, such as data.available" };
    if (/\s/.test(event.trim())) return { field: "event", error: "an event's name has no blanks: join its parts by dots" };
    return { text: `on ${event.trim()}${where.trim() && ` where ${where.trim()}`}` };
  },
  after: ({ name, state, within }) => {
    if (!name.trim()) return { field: "name", error: "give the name of a notebook, pipeline or schedule" };
    const ending = state === "succeeded" ? "" : ` ${state}`;
    return { text: `after ${nameText(name.trim())}${ending}${within.trim() && ` within ${within.trim()}`}` };
  },
  text: ({ text }) => text.trim() ? { text: text.trim() } : { field: "text", error: "write a trigger, such as 0 2 * * * or every 5m" },
};

function number(text, least, most, field, write) {
  const found = Number(text);
  const fits = /^\d+$/.test(text.trim()) && found >= least && found <= most;
  return fits ? { text: write(found) } : { field, error: `give a whole number from ${least} to ${most.toLocaleString("en")}` };
}

function clock({ time }, rest) {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  return hour ? { text: `${Number(minute)} ${Number(hour)} ${rest}` } : { field: "time", error: "give a time, such as 02:00" };
}

function said(found) {
  return "text" in found ? found.text : "";
}

// The name as it stands in a trigger: quoted when it could be misread.
function nameText(name) {
  return /^[^\s;()[\]{}"']+$/.test(name) ? name : JSON.stringify(name);
}

// ---- back

const ALIASES = { "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *" };

// The builder's fields for a trigger, and the zone that it names; `zone` is where its instants are shown else.
export function whenOf(trigger, zone) {
  const { text, zone: named } = withoutZone(trigger.trim());
  const shown = named || zone;
  for (const read of READERS) {
    const found = read(text, shown);
    if (!found) continue;
    const when = { ...USUAL, ...found };
    if (same(said(triggerText(when, shown)), aliased(text))) return { when, zone: shown };
  }
  return { when: { ...USUAL, kind: "text", text }, zone: shown };
}

// Two texts of one trigger; an instant may be written with any offset.
function same(one, other) {
  const [at, too] = [one, other].map(text => (text.startsWith("at ") ? Date.parse(text.slice(3)) : NaN));
  return one === other || at === too;
}

function aliased(text) {
  return ALIASES[text] ?? text;
}

function withoutZone(trigger) {
  const found = isCron(trigger) ? /^(.*?)\s+tz\s+(\S+)(.*)$/s.exec(trigger) : null;
  return found ? { text: found[1] + found[3], zone: found[2] } : { text: trigger, zone: "" };
}

// A cron expression or alias, with or without its zone.
export function isCron(trigger) {
  return !/^(every|at|on|after)\s|^(any|all)\s*\(/i.test(trigger);
}

// The trigger as it means the same wherever it is written: a cron names its zone.
export function zonedText(trigger, zone) {
  return isCron(trigger) && !/\stz\s/.test(trigger) ? `${trigger} tz ${zone}` : trigger;
}

const READERS = [
  text => {
    const [, minute, hour, day, weekday] = /^(\d+) (\d+|\*) (\d+|L|\*) \* ([\d,*-]+)$/.exec(aliased(text)) ?? [];
    if (!minute) return null;
    if (hour === "*") return { kind: "hour", minute };
    const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
    if (day !== "*") return { kind: "month", time, day };
    if (weekday === "*") return { kind: "day", time };
    if (weekday === "1-5") return { kind: "weekdays", time };
    return /^[0-6](,[0-6])*$/.test(weekday) ? { kind: "week", time, days: weekday.split(",").map(Number) } : null;
  },
  text => {
    const [, amount, unit, from] = /^every (\d+)([smhdw])(?: from (\S+))?$/.exec(text) ?? [];
    return amount ? { kind: "every", amount, unit, from: from ?? "" } : null;
  },
  (text, zone) => {
    const at = /^at (\S+)$/.exec(text), ms = at ? Date.parse(at[1]) : NaN;
    return Number.isNaN(ms) || !knows(zone) ? null : { kind: "once", at: wallIn(ms, zone) };
  },
  text => {
    const [, event, where] = /^on (\S+)(?: where (.+))?$/s.exec(text) ?? [];
    return event ? { kind: "event", event, where: where ?? "" } : null;
  },
  text => {
    const [, quoted, state, within] = /^after ("(?:\\.|[^"\\])*"|\S+)(?: (?!within\b)(\S+))?(?: within (.+))?$/.exec(text) ?? [];
    return quoted ? { kind: "after", name: unquoted(quoted), state: state ?? "succeeded", within: within ?? "" } : null;
  },
];

function unquoted(name) {
  try {
    return name.startsWith('"') ? String(JSON.parse(name)) : name;
  } catch {
    return name;
  }
}
