// A row of tabs, which the arrow keys turn.

import { button, make } from "./elements.js";

export class Tabs {
  // `names` are [name, label]; `open(name)` is called for the one that is wanted
  constructor(names, open) {
    this.node = make("div", "tabs");
    this.node.setAttribute("role", "tablist");
    this.buttons = new Map(names.map(([name, label]) => [name, button(label, () => open(name), "tab")]));
    for (const tab of this.buttons.values()) tab.setAttribute("role", "tab");
    this.node.append(...this.buttons.values());
    this.node.addEventListener("keydown", event => this.turn(event, open));
  }

  turn(event, open) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = [...this.buttons.keys()].filter(name => !this.buttons.get(name).hidden), at = names.indexOf(this.name) + step;
    const name = names[(at + names.length) % names.length];
    open(name);
    this.buttons.get(name).focus();
  }

  opened(name) {
    this.name = name;
    for (const [one, tab] of this.buttons) {
      tab.setAttribute("aria-selected", String(one === name));
      tab.tabIndex = one === name ? 0 : -1;
    }
  }
}
