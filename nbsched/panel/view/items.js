// What is in a mapped step: how many items by state, and those to be seen first, each a way to its details.

import { button, make, put, say, sign } from "./elements.js";
import { grouped, took } from "./words.js";

// states, tone, how they are called
const KINDS = [
  [["failed"], "bad", "failed"], [["running"], "run", "running"], [["queued", "pending"], "wait", "waiting"],
  [["succeeded"], "ok", "ok"], [["cancelled"], "skip", "cancelled"], [["skipped"], "skip", "skipped"],
];
// in the bar what has ended stands first
const ENDED_FIRST = [3, 0, 4, 5, 1, 2];

export class Items {
  constructor(panel) {
    this.panel = panel;
    this.tally = make("div", "tally");
    this.whole = make("div", "whole");
    this.counts = make("div", "counts");
    this.tally.append(this.whole, this.counts);
    this.node = make("section", "items");
    this.node.setAttribute("aria-label", "Items");
    this.list = make("div", "few");
    this.list.setAttribute("role", "list");
    this.more = make("div", "more");
    this.node.append(this.list, this.more);
    this.lines = [];
  }

  show(items) {
    const found = KINDS.map(([states, tone, name]) => [states.reduce((sum, state) => sum + (items.counts[state] ?? 0), 0), tone, name]);
    this.count(found);
    while (this.lines.length < items.first.length) this.lines.push(this.line());
    while (this.list.children.length > items.first.length) this.list.lastChild.remove();
    for (const { node } of this.lines.slice(this.list.children.length, items.first.length)) this.list.append(node);
    this.list.style.setProperty("--index", `${2 + Math.max(0, ...items.first.map(item => String(item.row.index).length))}ch`);
    items.first.forEach((item, at) => this.lines[at].show(item));
    say(this.more, items.more ? `and ${grouped(items.more)} more` : "");
  }

  count(found) {
    const key = found.map(one => one[0]).join();
    if (this.key === key) return;
    this.key = key;
    this.whole.replaceChildren(...ENDED_FIRST.map(at => found[at]).filter(([count]) => count).map(([count, tone]) => {
      const part = make("i", tone);
      part.style.flexGrow = count;
      return part;
    }));
    this.counts.replaceChildren(...found.filter(([count]) => count).map(([count, tone, name]) => {
      const one = make("span", tone);
      one.append(make("em", "", grouped(count)), ` ${name}`);
      return one;
    }));
    put(this.whole, "title", found.filter(([count]) => count).map(([count, , name]) => `${count} ${name}`).join(" · "));
  }

  line() {
    const icon = sign(), index = make("span", "index"), about = make("span", "about"), spent = make("span", "num");
    const { known } = this.panel;
    const node = button("", () => this.panel.choose({ run: node.run }), "item");
    node.append(icon, index, about, spent);
    const entry = make("div");
    entry.setAttribute("role", "listitem");
    entry.append(node);
    const show = ({ row, given }) => {
      const reason = known.why(row), said = row.tone === "bad" || row.tone === "warn" ? reason : given || reason;
      node.run = row.id;
      icon.show(row.sign, row.tone);
      say(index, `[${row.index}]`);
      say(about, said);
      put(about, "class", `about ${row.tone === "bad" || row.tone === "warn" ? row.tone : ""}`);
      put(node, "title", [given, reason].filter(Boolean).join("\n"));
      say(spent, known.elapsed(row) == null ? "" : took(known.elapsed(row)));
      put(node, "aria-label", `${row.name} [${row.index}] ${row.state}, ${said}`);
    };
    return { node: entry, show };
  }
}
