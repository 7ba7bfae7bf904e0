// The attempts of a run, each with how it ended, its error and its output.

import { make, sign } from "./elements.js";
import { exact, took } from "./words.js";

const SIGNS = { succeeded: ["✓", "ok"], failed: ["✕", "bad"], cancelled: ["■", "skip"] };

export function tries(attempts) {
  const list = make("ol", "tries");
  list.append(...attempts.map(attempt));
  return list;
}

function attempt(one) {
  const node = make("li"), icon = sign(), line = make("div", "try");
  const [shape, tone] = one.ended_at ? SIGNS[one.outcome] ?? ["✕", "warn"] : ["◐", "run"];
  icon.show(shape, tone);
  line.append(icon, make("span", "", `attempt ${one.number}`), make("span", "num", spentOn(one)), make("span", "how", one.ended_at ? one.outcome ?? "" : "running"));
  line.title = [`started ${exact(Date.parse(one.started_at))}`, one.ended_at && `ended ${exact(Date.parse(one.ended_at))}`, `host ${one.host}`].filter(Boolean).join("\n");
  node.append(line);
  for (const text of [one.error, one.output]) if (text) node.append(make("div", "said", text));
  return node;
}

function spentOn(one) {
  return one.ended_at ? took(Date.parse(one.ended_at) - Date.parse(one.started_at)) : "";
}
