// One line of a list: a run, a schedule.

import { draw, make, push, put, say, sign } from "./elements.js";
import { label } from "./path.js";
import { exact, left, took, when } from "./words.js";

function spark() {
  const node = make("span", "spark");
  node.setAttribute("role", "img");
  node.show = ticks => {
    const key = ticks.map(tick => tick.join()).join(" ");
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    const most = Math.max(1, ...ticks.map(tick => tick[2] ?? 0));
    node.replaceChildren(...ticks.map(([, tone, ms]) => {
      const bar = make("i", tone);
      bar.style.height = `${ms == null ? 3 : 4 + Math.round((14 * ms) / most)}px`;
      return bar;
    }));
    put(node, "aria-label", ticks.length ? `last ${ticks.length}: ${ticks.filter(t => t[1] === "bad").length} failed` : "no runs yet");
    put(node, "title", ticks.map(([id, , ms]) => `${id}: ${took(ms)}`).join("\n"));
  };
  return node;
}

export function bar() {
  const node = make("span", "bar"), fill = make("i");
  node.append(fill);
  node.setAttribute("role", "progressbar");
  node.show = progress => {
    node.classList.toggle("off", !progress);
    if (!progress) return;
    const part = Math.min(1, progress[0] / progress[1]);
    fill.style.transform = `scaleX(${part})`;
    put(node, "aria-valuenow", String(Math.round(part * 100)));
    put(node, "title", `${progress[0]} of ${progress[1]}`);
  };
  return node;
}

// the likeliest thing to do, where the pointer is; an approval's always
function quickButton(panel) {
  const node = push("", () => panel.act(node.dataset.verb, node.target), "quick");
  node.show = (row, target) => {
    const verb = row.actions[0] ?? "";
    node.target = target;
    if (node.dataset.verb === verb) return;
    node.dataset.verb = verb;
    say(node, words(verb)[0]);
    node.hidden = !verb || verb === "answer" || (verb === "retry" && row.tone === "ok");
    node.classList.toggle("asked", verb === "approve");
  };
  return node;
}

// a button for each thing that can be done
export function actButtons(panel) {
  const node = make("span", "acts");
  node.show = ({ actions }, target) => {
    const key = actions.join();
    node.target = target;
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    const verbs = actions.filter(verb => verb !== "answer");
    node.replaceChildren(...verbs.map(verb => push(words(verb)[0], () => panel.act(verb, node.target))));
    node.classList.toggle("asked", actions.includes("approve"));
  };
  return node;
}

export function runRow(panel, newButtons = quickButton) {
  const node = make("div", "row"), icon = sign(), id = make("span", "id"), name = make("b"), detail = make("small");
  const what = make("span", "name"), why = make("span", "why"), progress = bar(), last = spark();
  const fold = foldButton(panel), took_ = make("span", "num took"), spent = make("span"), usual = make("small"), time = make("span", "num when");
  const buttons = newButtons(panel);
  what.append(fold, name, detail);
  took_.append(spent, usual);
  node.append(icon, id, what, why, progress, last, took_, time, buttons);
  node.show = item => {
    const { known } = panel, row = known.rows.get(item), expected = row.state === "running" ? known.expected(row) : null;
    const reason = known.why(row), at = row.ended_ms ?? row.started_ms ?? row.scheduled_ms;
    icon.show(row.sign, row.tone);
    say(id, String(row.id));
    say(name, row.name);
    const far = [row.detail, left(row, known.now())].filter(Boolean).join(" · ");
    say(detail, far);
    put(what, "style", `padding-left: ${16 * known.depth(row)}px`);
    fold.show(row);
    put(what, "title", `${row.name} ${far}`.trim());
    say(why, reason);
    put(why, "class", `why ${row.tone === "bad" || row.tone === "warn" ? row.tone : ""}`);
    put(why, "title", reason);
    progress.show(row.progress);
    last.show(known.history.get(row.series) ?? []);
    say(spent, took(known.elapsed(row)));
    say(usual, expected ? ` / ${took(expected)}` : "");
    say(time, when(at, known.now()));
    put(time, "title", moments(row));
    buttons.show(row, row.id);
    put(node, "aria-label", `${row.id} ${label(row)} ${row.state}, ${reason}`);
  };
  return node;
}

export function moments(row) {
  const lines = [`due ${exact(row.scheduled_ms)}`];
  if (row.started_ms != null) lines.push(`started ${exact(row.started_ms)}`);
  if (row.ended_ms != null) lines.push(`ended ${exact(row.ended_ms)}`);
  return lines.join("\n");
}

export function scheduleRow(panel) {
  const node = make("div", "row"), icon = sign(), name = make("span", "name"), bold = make("b"), trigger = make("span", "why");
  const policy = make("span", "why policy"), last = spark(), next = make("span", "num when"), acts = actButtons(panel);
  name.append(bold);
  node.append(icon, name, trigger, policy, last, next, acts);
  node.show = item => {
    const { known } = panel;
    icon.show(item.paused ? "‖" : "◷", item.paused ? "warn" : "run");
    say(bold, item.name);
    put(name, "title", item.name);
    say(trigger, item.trigger);
    put(trigger, "title", item.tz ? `${item.trigger} (${item.tz})` : item.trigger);
    say(policy, `${item.overlap} · ${item.missed}`);
    put(policy, "title", `overlap ${item.overlap}, missed ${item.missed}`);
    last.show(known.history.get(item.name) ?? []);
    say(next, item.paused ? "paused" : item.next_ms == null ? "—" : when(item.next_ms, known.now()));
    put(next, "title", item.paused ?? (item.next_ms == null ? "" : exact(item.next_ms)));
    put(node, "aria-label", `${item.name}, ${item.trigger}, ${next.textContent} ${item.paused ?? ""}`.trim());
    acts.show(item, item.name);
  };
  return node;
}

// Opens and closes what a pipeline among the steps holds.
function foldButton(panel) {
  const node = push("", () => panel.fold(node.run), "fold");
  node.append(draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, draw("path", { d: "M6 4l4 4l-4 4" })));
  node.show = row => {
    node.run = row.id;
    node.hidden = panel.known.focus == null || !row.pipeline;
    put(node, "aria-expanded", String(panel.opened.has(row.id)));
    put(node, "aria-label", `${panel.opened.has(row.id) ? "Close" : "Open"} ${row.name}`);
  };
  return node;
}

const VERBS = {
  cancel: ["Cancel", "cancelling…"],
  retry: ["Retry", "starting again…"],
  approve: ["Approve", "approving…"],
  reject: ["Reject", "rejecting…"],
  answer: ["Answer", "answering…"],
  trigger: ["Trigger", "starting…"],
  pause: ["Pause", "pausing…"],
  resume: ["Resume", "resuming…"],
};

// what stands on a verb's button, and what it says once it is pressed
export function words(verb) {
  return VERBS[verb] ?? [verb.charAt(0).toUpperCase() + verb.slice(1).replaceAll("_", " "), "asked…"];
}
