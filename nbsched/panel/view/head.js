// The head of the panel: what it is about in numbers, the tabs, the filter.

import { button, keepKeys, make, put, say, sign } from "./elements.js";
import { bar } from "./rows.js";
import { Tabs } from "./tabs.js";
import { clock, exact, grouped, took, when } from "./words.js";

// name, what the filter shows, how it is said
const COUNTS = [["running", "running", "running"], ["queued", "queued", "queued"], ["failed", "failed", "failed today"]];

export class Head {
  // `names` are the tabs, as [name, label]
  constructor(panel, names) {
    this.panel = panel;
    this.tabs = new Tabs(names, name => panel.open(name));
    this.node = make("header");
    this.title = make("b", "brand", "nbsched");
    this.facts = make("div", "facts");
    this.node.append(this.title, this.facts, this.tabs.node, this.filter());
    if (panel.known.focus == null) this.store();
    else this.run();
  }

  store() {
    this.counts = new Map(COUNTS.map(([name, filter, label]) => [name, this.count(filter, label)]));
    const failed = this.counts.get("failed"), cross = sign();
    failed.classList.add("bad");
    failed.prepend(cross);
    cross.show("✕", "bad");
    this.next = make("span", "count");
    this.nextAt = make("em");
    this.nextIn = make("span");
    this.next.append("next", this.nextAt, this.nextIn);
    this.facts.append(this.counts.get("running"), this.counts.get("queued"), this.next, failed);
  }

  run() {
    this.state = sign();
    this.stateText = make("span", "count");
    this.whole = bar();
    this.facts.append(this.state, this.stateText, this.whole);
  }

  count(filter, label) {
    const node = button("", () => this.panel.filterBy(filter), "count");
    node.number = make("em");
    node.title = `Show only ${filter}`;
    node.append(node.number, label);
    return node;
  }

  filter() {
    this.search = keepKeys(make("input"));
    this.search.type = "search";
    this.search.placeholder = "Filter: name, state, reason…";
    this.search.setAttribute("aria-label", "Filter");
    this.search.addEventListener("input", () => this.panel.ask());
    return this.search;
  }

  show() {
    const { known } = this.panel;
    if (known.focus != null) this.showRun(known);
    else if (known.counts) this.showStore(known);
  }

  showStore(known) {
    const counts = { running: known.counts.running, queued: known.counts.queued, failed: known.failedToday() };
    for (const [name, node] of this.counts) {
      say(node.number, grouped(counts[name]));
      node.classList.toggle("none", !counts[name]);
    }
    this.counts.get("failed").hidden = !counts.failed;
    const soon = known.nextFire();
    this.next.hidden = !soon;
    say(this.nextAt, soon ? clock(soon.next_ms) : "");
    say(this.nextIn, soon ? when(soon.next_ms, known.now()) : "");
    put(this.next, "title", soon ? `${soon.name}\n${exact(soon.next_ms)}` : "");
    say(this.tabs.buttons.get("Schedules"), `Schedules ${known.schedules.length || ""}`.trim());
  }

  showRun(known) {
    const run = known.rows.get(known.focus), steps = known.order.map(id => known.rows.get(id));
    if (!run) return;
    say(this.title, run.name);
    this.state.show(run.sign, run.tone);
    say(this.stateText, `run ${run.id} · ${run.state} · ${took(known.elapsed(run))}`);
    const ended = steps.filter(step => step.ended_ms != null).length;
    this.whole.show(run.ended_ms == null && steps.length ? [ended, steps.length] : null);
  }
}
