// Marks on the runs of a page, and what is done to all that are marked.

import { button, make, put, say } from "./elements.js";
import { Marked, can, outcome } from "./marked.js";
import { grouped } from "./words.js";

const BULK = [["cancel", "Cancel"], ["retry", "Retry"]];
const AT_ONCE = 6;

export class Bulk {
  constructor(panel) {
    this.panel = panel;
    this.marked = new Marked();
    this.node = make("div", "bulk");
    this.node.setAttribute("role", "toolbar");
    this.node.setAttribute("aria-label", "Marked runs");
    this.every = button("", () => this.change(() => this.marked.all(this.panel.listed)), "mark");
    this.every.setAttribute("role", "checkbox");
    this.every.setAttribute("aria-label", "Mark all that are listed");
    this.text = make("span", "marked");
    this.verbs = new Map(BULK.map(([verb, label]) => [verb, button(label, () => this.act(verb))]));
    this.none = button("Clear marks", () => this.change(() => this.marked.none()), "plain");
    this.node.append(this.every, this.text, ...this.verbs.values(), this.none);
  }

  // the row with a mark before it; with Ctrl a click marks it, with Shift all from the last mark
  markable(row) {
    const mark = make("span", "mark"), show = row.show;
    mark.setAttribute("aria-hidden", "true");
    row.prepend(mark);
    row.addEventListener("click", event => {
      if (event.target !== mark && !event.shiftKey && !event.ctrlKey && !event.metaKey) return;
      event.stopImmediatePropagation();
      this.change(() => (event.shiftKey ? this.marked.reach(row.item, this.panel.listed) : this.marked.toggle(row.item)));
    });
    row.addEventListener("mousedown", event => event.shiftKey && event.preventDefault());
    row.show = item => {
      show(item);
      put(row, "aria-checked", String(this.marked.ids.has(item)));
    };
    return row;
  }

  onKey(event) {
    const { listed, runs } = this.panel, id = runs.chosen;
    if (event.target !== runs.scroll) return;
    if (event.key === " " && id != null) this.change(() => (event.shiftKey ? this.marked.reach(id, listed) : this.marked.toggle(id)));
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.change(() => this.marked.all(listed));
    else return;
    event.preventDefault();
  }

  change(act) {
    act();
    this.panel.ask();
  }

  rows() {
    return this.marked.among(this.panel.listed).map(id => this.panel.known.rows.get(id));
  }

  show() {
    const rows = this.rows(), all = this.panel.listed.length;
    this.node.classList.toggle("on", rows.length > 0);
    say(this.text, rows.length ? `${grouped(rows.length)} marked` : `${grouped(all)} run${all === 1 ? "" : "s"}`);
    put(this.every, "aria-checked", !rows.length ? "false" : rows.length === all ? "true" : "mixed");
    this.every.disabled = !all;
    this.none.hidden = !rows.length;
    for (const [verb, label] of BULK) {
      const node = this.verbs.get(verb), count = can(rows, verb).length;
      node.hidden = !rows.length;
      node.disabled = !count || this.busy;
      say(node, this.busy === verb ? `${label}…` : count ? `${label} ${grouped(count)}` : label);
    }
  }

  async act(verb) {
    const rows = this.rows(), asked = can(rows, verb), refused = [];
    this.busy = verb;
    this.show();
    for (let at = 0; at < asked.length; at += AT_ONCE)
      await Promise.all(asked.slice(at, at + AT_ONCE).map(row => this.panel.order(verb, row.id).catch(error => refused.push([row.id, error.message]))));
    this.busy = "";
    this.marked.ids = new Set(refused.map(([id]) => id));
    this.panel.notice.tell(outcome(verb, asked.length - refused.length, refused, rows.length - asked.length));
    this.panel.ask();
  }
}
