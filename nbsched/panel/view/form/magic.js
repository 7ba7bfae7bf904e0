// The line that makes a cell a schedule.

import { zonedText } from "./trigger.js";

// `%%schedule '0 2 * * * tz UTC' --name report --retries 2`
export function scheduleLine(trigger, zone, options) {
  const given = Object.entries(options).map(([name, value]) => ` --${name.replaceAll("_", "-")} ${word(String(value))}`);
  return `%%schedule ${word(zonedText(trigger, zone), true)}${given.join("")}`;
}

// One word of the line; nothing in it is expanded.
function word(text, quoted = false) {
  const plain = text.replaceAll("$", "$$$$").replace(/\{(?!\s*")(.*?)\}/g, "{{$1}}");
  if (!quoted && /^[\w.:@/+-]+$/.test(plain)) return plain;
  return plain.includes("'") ? plain.split("'").map(part => `'${part}'`).join(`"'"`) : `'${plain}'`;
}

// The cell with this first line, in the place of one it had.
export function withLine(source, line) {
  const rest = source.replace(/^\s*%%schedule\b[^\n]*\n?/, "");
  return `${line}\n${rest}`;
}

// Whether the cell is one for nbsched: no other cell magic stands on its top.
export function mayBeScheduled(source) {
  return !/^\s*%%(?!schedule\b)/.test(source);
}
