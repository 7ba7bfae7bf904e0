// Where a run is: `training › score ›`, each a way back.

import { button, make, put } from "./elements.js";

export function label(row) {
  return row.index == null ? row.name : `${row.name} [${row.index}]`;
}

// Shows what `row` is in; with `only` just what that holds of.
export class Path {
  constructor(panel) {
    this.panel = panel;
    this.node = make("nav", "path");
    this.node.setAttribute("aria-label", "What the run is in");
  }

  show(row, only = () => true) {
    const around = this.panel.known.path(row).filter(only), key = around.map(one => `${one.id}${label(one)}`).join();
    this.node.hidden = !around.length;
    if (this.key === key) return;
    this.key = key;
    this.node.replaceChildren(...around.flatMap(one => [this.way(one), make("span", "", "›")]));
  }

  way(row) {
    const way = button(label(row), () => this.panel.choose({ run: row.id }));
    put(way, "title", `Back to run ${row.id}`);
    return way;
  }
}
