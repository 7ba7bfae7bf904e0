// Wall clocks: what the clocks of a zone show at an instant, and which instant they mean.

const FORMATS = new Map();
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS = 86_400_000;

function format(zone) {
  const known = FORMATS.get(zone);
  if (known) return known;
  const numeric = "numeric";
  const fresh = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric,
  });
  FORMATS.set(zone, fresh);
  return fresh;
}

// Whether the browser has the zone's rules.
export function knows(zone) {
  try {
    return Boolean(format(zone));
  } catch {
    return false;
  }
}

// What the zone's clocks show, as if it were UTC.
function shown(ms, zone) {
  const found = Object.fromEntries(format(zone).formatToParts(ms).map(part => [part.type, Number(part.value)]));
  return Date.UTC(found.year, found.month - 1, found.day, found.hour, found.minute, found.second);
}

// Minutes that the zone is ahead of UTC at the instant.
function ahead(ms, zone) {
  return Math.round((shown(ms, zone) - ms) / 60_000);
}

function offsetText(minutes) {
  const two = n => String(n).padStart(2, "0"), size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

// `2026-12-01T09:00` on the zone's clocks in this instant.
export function wallIn(ms, zone) {
  return new Date(shown(ms, zone)).toISOString().slice(0, 16);
}

// The instant when the zone's clocks show `2026-12-01T09:00`, with its offset; the first, if they show it twice.
export function instantOf(wall, zone) {
  const plain = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(wall) ? Date.parse(`${wall}Z`) : NaN;
  if (Number.isNaN(plain)) return { error: "give a day and a time" };
  if (!knows(zone)) return { error: `this browser does not know the zone ${zone}: choose another` };
  const offsets = [ahead(plain - DAY_MS, zone), ahead(plain + DAY_MS, zone)];
  const real = offsets.filter(offset => ahead(plain - offset * 60_000, zone) === offset);
  if (real.length) return { iso: wall + offsetText(Math.max(...real)) };
  const [day, time] = wall.split("T");
  return { error: `${time} does not exist on ${day} in ${zone}, where the clocks go forward: choose another time` };
}

// The parts of an ISO instant as its own offset shows it; weekday 0 is Monday.
export function partsOf(iso) {
  const [, date, time, offset] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(.*)$/.exec(iso) ?? ["", iso, "", ""];
  return { date, time: time.replace(/:00$/, (end, at) => (at > 2 ? "" : end)), offset: offset === "Z" ? "+00:00" : offset, weekday: weekdayOf(date) };
}

// 0 is Monday.
export function weekdayOf(date) {
  return (new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7;
}

// `2026-11-27` and so many days.
export function daysAfter(date, count) {
  return new Date(Date.parse(`${date}T00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

// `Fri 27 Nov 2026`.
export function dayText(date) {
  const [year, month, day] = date.split("-").map(Number);
  return `${DAYS[weekdayOf(date)]} ${day} ${MONTHS[month - 1]} ${year}`;
}

// `Nov`.
export function monthText(date) {
  return MONTHS[Number(date.slice(5, 7)) - 1];
}
