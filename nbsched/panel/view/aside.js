// One run or schedule in full: the error first, then what can be done, then the facts.

import { SHAPES, button, draw, keepKeys, make, say } from "./elements.js";
import { copy, errorBlock, facts, pairs } from "./facts.js";
import { Items } from "./items.js";
import { Path, label } from "./path.js";
import { moments, words } from "./rows.js";
import { tries } from "./tries.js";
import { exact, left, when } from "./words.js";

export class Aside {
  constructor(panel) {
    this.panel = panel;
    this.node = make("aside");
    this.top = make("div", "top");
    this.rest = make("div", "rest");
    this.node.append(this.top, this.rest);
    this.node.hidden = true;
    this.node.setAttribute("aria-label", "Details");
    this.path = new Path(panel);
    this.items = new Items(panel);
  }

  show() {
    const { known, chosen } = this.panel;
    const schedule = chosen?.schedule && known.schedules.find(one => one.name === chosen.schedule);
    const row = chosen?.run != null && known.rows.get(chosen.run);
    if (chosen?.run != null && !row) return;  // until it is there, what stands stays
    this.node.hidden = !schedule && !row;
    if (schedule) this.fill(`s${JSON.stringify(schedule)}`, () => this.schedule(schedule));
    if (row) this.showRun(row, known.details.get(row.id));
  }

  showRun(row, details) {
    const { items, log, ...rest } = details ?? {};
    this.path.show(row);
    this.fill(`r${row.id}${JSON.stringify([row, rest, !!items])}`, () => this.run(row, details));
    say(this.meta, this.moment(row));
    if (items) this.items.show(items);
  }

  // `parts()` gives what stands on top, and the rest
  fill(key, parts) {
    if (this.key === key) return;
    this.key = key;
    const open = this.node.querySelector("details")?.open ?? this.panel.roomy, focused = document.activeElement, at = [this.node.scrollTop, this.rest.scrollTop];
    const within = this.node.contains(focused), same = this.shown === this.panel.chosen?.run;
    this.shown = this.panel.chosen?.run;
    const [top, rest] = parts();
    this.top.replaceChildren(...top);
    this.rest.replaceChildren(...rest);
    [this.node.scrollTop, this.rest.scrollTop] = same ? at : [0, 0];
    const trace = this.node.querySelector("details");
    if (trace && same) trace.open = open;
    if (within) (this.node.contains(focused) ? focused : [...this.node.querySelectorAll("button")].find(one => one.textContent === focused.textContent))?.focus();
  }

  title(text, state, tone) {
    const head = make("h3"), close = button("", () => this.panel.choose(null), "close");
    close.setAttribute("aria-label", "Close details");
    close.append(draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, draw("path", { d: SHAPES["✕"][0] })));
    head.append(make("span", "title", text), make("span", `state ${tone}`, state), close);
    return head;
  }

  moment(row) {
    const { known } = this.panel;
    const at = row.ended_ms ?? row.started_ms ?? row.scheduled_ms;
    const verb = row.ended_ms != null ? "ended" : row.started_ms != null ? "started" : "due";
    const today = new Date(at).toDateString() === new Date(known.now()).toDateString();
    this.meta.title = moments(row);
    return [`${verb} ${exact(at).slice(today ? 11 : 0, 19)}`, when(at, known.now()), left(row, known.now())].filter(Boolean).join(" · ");
  }

  run(row, details) {
    this.meta = make("div", "meta");
    const parts = [], reason = this.panel.known.why(row), counted = details?.items && row.items && Object.keys(row.items).length;
    if (counted) parts.push(this.items.tally);
    if (details?.error && !row.items?.failed) parts.push(errorBlock(details.error, this.panel.roomy));
    else if (reason && row.tone !== "run" && (row.reason || (row.tone !== "ok" && !counted))) parts.push(make("div", `reason ${row.tone}`, reason));
    const acts = this.runActs(row, details), schedule = this.panel.known.schedules.find(one => one.name === row.schedule);
    if (acts.children.length) parts.push(acts);
    if (details?.attempts.length > 1) parts.push(tries(details.attempts));
    if (details) parts.push(facts(details, schedule));
    if (counted) parts.push(this.items.node);
    return [[this.path.node, this.title(`${row.id} · ${label(row)}`, row.state, row.tone), this.meta], parts];
  }

  runActs(row, details) {
    const acts = make("div", "acts");
    for (const verb of row.actions) {
      if (verb === "answer") { if (details?.asks) acts.append(...this.answering(row, details.asks)); continue; }
      const label = verb === "retry" && row.pipeline && row.tone === "bad" ? "Retry from failed" : words(verb)[0];
      acts.append(button(label, event => this.press(event, verb, row.id), verb === "approve" ? "primary" : ""));
    }
    acts.append(...this.panel.more?.({ row, details }) ?? []);
    const schedule = this.panel.known.schedules.find(one => one.name === row.schedule);
    for (const verb of schedule?.actions ?? [])
      acts.append(button(`${words(verb)[0]} ${verb === "trigger" ? "now" : "schedule"}`, event => this.press(event, verb, schedule.name)));
    if (details?.run.output) acts.append(button("Copy output path", event => copy(event.target, details.run.output)));
    return acts;
  }

  // where an answer is typed or chosen, and the button that gives it
  answering(row, { kind, choices }) {
    const field = keepKeys(make(choices.length ? "select" : "input")), give = button(words("answer")[0], () => this.panel.act("answer", row.id, field.value), "primary");
    for (const choice of choices) field.append(make("option", "", choice));
    if (!choices.length) field.placeholder = kind;
    field.setAttribute("aria-label", "Answer");
    field.addEventListener("keydown", event => event.key === "Enter" && give.click());
    return [field, give];
  }

  press(event, verb, target) {
    event.target.disabled = true;
    say(event.target, words(verb)[1]);
    this.panel.act(verb, target);
    setTimeout(() => { this.key = ""; this.panel.ask(); }, 3000);
  }

  schedule(one) {
    this.meta = make("div", "meta", one.trigger);
    const acts = make("div", "acts");
    for (const verb of one.actions) acts.append(button(words(verb)[0], event => this.press(event, verb, one.name)));
    acts.append(...this.panel.more?.({ schedule: one }) ?? []);
    if (one.last_run != null) acts.append(button(`Show run ${one.last_run}`, () => this.panel.choose({ run: one.last_run })));
    const state = one.paused ? `paused ${one.paused}` : "armed";
    return [[this.title(one.name, state, one.paused ? "warn" : "run"), this.meta], [
      acts,
      pairs([["next", one.next_ms == null ? "—" : exact(one.next_ms)], ["zone", one.tz ?? "the machine's"], ["overlap", one.overlap], ["missed", one.missed]]),
    ]];
  }
}
