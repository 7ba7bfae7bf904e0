// The attempts of a run, each with how it ended, and where its error says so.

import { make, sign } from "./elements.js";
import { exact, took } from "./words.js";

const SIGNS = { succeeded: ["✓", "ok"], failed: ["✕", "bad"], cancelled: ["■", "skip"] };

// `opened(attempt)` gives what else is offered of one, or nothing
export function tries(attempts, opened = () => null) {
  const list = make("ol", "tries");
  for (const one of attempts) list.append(attempt(one, opened(one)));
  return list;
}

function attempt(one, more) {
  const node = make("li"), icon = sign(), line = make("div", "try");
  const [shape, tone] = one.ended_at ? SIGNS[one.outcome] ?? ["✕", "warn"] : ["◐", "run"];
  icon.show(shape, tone);
  line.append(icon, make("span", "", `attempt ${one.number}`), make("span", "num", spentOn(one)), make("span", "how", one.ended_at ? one.outcome ?? "" : "running"));
  line.title = [`started ${exact(Date.parse(one.started_at))}`, one.ended_at && `ended ${exact(Date.parse(one.ended_at))}`, `host ${one.host}`].filter(Boolean).join("\n");
  if (more) line.append(more);
  node.append(line);
  if (one.error) node.append(make("div", "said", one.error));
  return node;
}

function spentOn(one) {
  return one.ended_at ? took(Date.parse(one.ended_at) - Date.parse(one.started_at)) : "";
}
