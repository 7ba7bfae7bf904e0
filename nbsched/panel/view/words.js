// Numbers and times as people read them.

const two = n => String(n).padStart(2, "0");

export function took(ms) {
  if (ms == null) return "—";
  if (ms < 100) return `${ms} ms`;
  const tenths = Math.floor((ms + 50) / 100);
  if (ms < 9950) return `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  const s = Math.floor((ms + 500) / 1000), days = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24;
  const m = Math.floor(s / 60) % 60;
  if (days) return `${days} d ${h} h`;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export function when(at, now) {
  if (at == null) return "";
  const s = Math.abs(at - now) / 1000;
  if (s < 1) return "now";
  const [size, unit] = s < 60 ? [1, "s"] : s < 3600 ? [60, "min"] : s < 172800 ? [3600, "h"] : [86400, "d"];
  const amount = `${Math.floor(s / size)} ${unit}`;
  return at > now ? `in ${amount}` : `${amount} ago`;
}

// how long a row still needs, by its last runs; empty where that is not known, or was wrong
export function left({ ends_ms, rest_ms }, now) {
  const ms = ends_ms == null ? 0 : Math.max(ends_ms - now, rest_ms);
  if (ms <= 0) return "";
  const [size, unit] = ms <= 90000 ? [1000, "s"] : ms <= 5400000 ? [60000, "min"] : [3600000, "h"];
  return `about ${Math.ceil(ms / size)} ${unit} left`;
}

export function clock(at) {
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}`;
}

export function exact(at) {
  if (at == null) return "—";
  const d = new Date(at), offset = -d.getTimezoneOffset();
  const zone = `${offset < 0 ? "−" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${clock(at)}:${two(d.getSeconds())} ${zone}`;
}

// without what would turn or break the line
export function oneLine(text) {
  return text.replace(/\p{C}/gu, " ");
}

// 12 345
export function grouped(count) {
  return count.toLocaleString("en").replaceAll(",", "\u202f");
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length >> 1] : null;
}
