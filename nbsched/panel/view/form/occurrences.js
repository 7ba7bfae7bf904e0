// The instants of a schedule as a calendar: a column per week, or a row per day where a day has several.

import { dayText, daysAfter, monthText, partsOf, weekdayOf } from "./zoned.js";

// state, sign, tone, how it is called
const LOOKS = [
  ["succeeded", "✓", "ok", "succeeded"], ["failed", "✕", "bad", "failed"], ["running", "◐", "run", "running"],
  ["queued", "○", "wait", "queued"], ["pending", "○", "wait", "waiting"], ["cancelled", "■", "skip", "cancelled"],
  ["skipped", "⊘", "skip", "skipped"], [null, "", "none", "not run"],
  [null, "", "none", "not due yet"],
];
const NOT_RUN = LOOKS[7];
export const UNDONE = new Set(["running", "queued", "pending"]);
// with more a day their times are no longer written
const MOST_MARKED = 48;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

// How the occurrence looks: [state, sign, tone, words].
export function lookOf(one) {
  const looks = LOOKS.filter(([state]) => state === (one.state ?? null));
  return looks[one.reason === "not yet" ? 1 : 0] ?? NOT_RUN;
}

export function sayOf(one, will) {
  const { date, time } = partsOf(one.at), [, , , words] = lookOf(one);
  const run = one.run === null ? "" : `, run ${one.run}`, reason = one.run !== null && one.reason ? `, ${one.reason}` : "";
  return `${dayText(date)} ${time}: ${words}${run}${reason}${will ? ", will run" : ""}`;
}

// How many there are of each look, those with none left out.
export function tally(all) {
  return LOOKS.map(look => ({ look, count: all.filter(one => lookOf(one) === look).length })).filter(({ count }) => count);
}

// The calendar of occurrences, which are in their order.
export function calendar(all) {
  const days = byDay(all);
  return Math.max(0, ...[...days.values()].map(ones => ones.length)) > 1 ? dayLines(days) : weekLines(days);
}

function byDay(all) {
  const days = new Map();
  for (const one of all) {
    const { date } = partsOf(one.at), known = days.get(date);
    if (known) known.push(one);
    else days.set(date, [one]);
  }
  return days;
}

function dayLines(days) {
  const lines = [...days].map(([date, cells]) => ({ label: dayText(date).slice(0, -5), cells }));
  const full = [...days.values()].flat().every(one => partsOf(one.at).time.endsWith(":00"));
  const most = Math.max(...lines.map(({ cells }) => cells.length));
  return { kind: "days", marks: full ? "hour" : most > MOST_MARKED ? "" : "time", heads: [], lines };
}

function weekLines(days) {
  const dates = [...days.keys()], weeks = mondays(dates[0], dates[dates.length - 1]);
  const lines = WEEKDAYS.map((label, day) => ({ label, cells: weeks.map(monday => days.get(daysAfter(monday, day))?.[0] ?? null) }));
  return { kind: "weeks", marks: "day", heads: months(weeks), lines };
}

function mondays(first, last) {
  const found = [];
  for (let day = first && daysAfter(first, -weekdayOf(first)); day && last && day <= last; day = daysAfter(day, 7)) found.push(day);
  return found;
}

function months(weeks) {
  const heads = [];
  for (const monday of weeks) {
    const label = monthText(monday), last = heads[heads.length - 1];
    if (last?.label === label) last.span += 1;
    else heads.push({ label, span: 1 });
  }
  return heads;
}

// What is written into an occurrence's cell.
export function markOf(one, marks) {
  const { date, time } = partsOf(one.at);
  return { day: String(Number(date.slice(8))), hour: time.slice(0, 2), time, "": "" }[marks];
}

// The window of days to begin with, `until` the last of them: few for what is often, a month for what is daily.
export function usualWindow(following, today) {
  const [one, two] = following.map(at => Date.parse(at)), hours = two > one ? (two - one) / 3_600_000 : 24;
  const back = hours < 1 ? 1 : hours < 6 ? 6 : hours <= 30 ? 34 : 180;
  return { from: daysAfter(today, -back), until: today };
}
