// What the chosen run has written.

import { keepKeys, make, say } from "./elements.js";

export class Log {
  constructor(panel) {
    this.panel = panel;
    this.node = keepKeys(make("pre", "log"));
    this.node.tabIndex = 0;
  }

  show() {
    const { known, chosen } = this.panel, id = chosen?.run ?? known.focus, row = known.rows.get(id);
    const atEnd = this.node.scrollTop + this.node.clientHeight >= this.node.scrollHeight - 4;
    const part = row?.pipeline ? "a step" : row?.items ? "an item" : "";
    const silent = part ? `Choose ${part} to read its log.` : "This run has not written anything.";
    say(this.node, id == null ? "Choose a run to read its log." : known.details.get(id)?.log || silent);
    if (atEnd) this.node.scrollTop = this.node.scrollHeight;
  }
}
