// The line of filters over a page's runs: states with their counts, whose runs, how far back.

import { button, keepKeys, make, put, say, sign } from "./elements.js";
import { CHIPS, SPANS, owners, sift } from "./filters.js";
import { grouped } from "./words.js";

export class FilterBar {
  constructor(panel) {
    this.panel = panel;
    this.set = { kinds: new Set(), of: "", span: null };
    this.node = make("div", "filters");
    this.node.setAttribute("role", "toolbar");
    this.node.setAttribute("aria-label", "Filters");
    this.chips = new Map(CHIPS.map(kind => [kind[0], this.chip(kind)]));
    this.of = this.select("Schedule or pipeline", value => { this.set.of = value; });
    this.span = this.select("Span of time", value => { this.set.span = SPANS[value][1]; });
    SPANS.forEach(([name], at) => this.span.append(new Option(name, at)));
    this.clear = button("Clear filters", () => this.reset(), "plain");
    this.node.append(...this.chips.values(), this.of, this.span, this.clear);
  }

  chip([name, , shape, tone]) {
    const node = button("", () => this.toggle(name), "chip"), icon = sign();
    node.number = make("em");
    icon.show(shape, tone);
    node.append(icon, name, node.number);
    return node;
  }

  select(label, take) {
    const node = keepKeys(make("select"));
    node.setAttribute("aria-label", label);
    node.addEventListener("change", () => { take(node.value); this.panel.ask(); });
    return node;
  }

  toggle(name) {
    if (!this.set.kinds.delete(name)) this.set.kinds.add(name);
    this.panel.ask();
  }

  // just this kind, or all again
  only(name) {
    const same = this.set.kinds.size === 1 && this.set.kinds.has(name);
    this.set.kinds = new Set(same ? [] : [name]);
    this.panel.open("Runs");
  }

  reset() {
    this.set = { kinds: new Set(), of: "", span: null };
    this.span.value = "0";
    this.panel.head.search.value = "";
    this.panel.ask();
  }

  get active() {
    return this.set.kinds.size > 0 || this.set.of !== "" || this.set.span != null;
  }

  // the ids that pass, counted again only when there is something new
  sift(ids) {
    const { known, filter } = this.panel, { kinds, of, span } = this.set;
    const key = JSON.stringify([known.version, filter, [...kinds], of, span, span && Math.floor(known.now() / 1000)]);
    if (this.key === key) return this.found.ids;
    this.key = key;
    this.found = sift(ids, known.rows, this.set, known.now());
    this.show();
    return this.found.ids;
  }

  show() {
    for (const [name, chip] of this.chips) {
      const count = this.found.counts[name], pressed = this.set.kinds.has(name);
      say(chip.number, grouped(count));
      chip.classList.toggle("none", !count && !pressed);
      put(chip, "aria-pressed", String(pressed));
    }
    this.owners();
    this.clear.hidden = !this.active && !this.panel.filter;
  }

  owners() {
    const { known } = this.panel, names = owners(known.schedules, known.order.map(id => known.rows.get(id)));
    if (this.set.of && !names.includes(this.set.of)) names.push(this.set.of);
    const key = names.join("\n");
    if (this.of.dataset.key !== key) {
      this.of.dataset.key = key;
      this.of.replaceChildren(new Option("all schedules and pipelines", ""), ...names.map(name => new Option(name, name)));
    }
    this.of.value = this.set.of;
  }
}
