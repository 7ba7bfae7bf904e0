// The line between the list and the details, which is dragged, or moved by the arrow keys.

import { keepKeys, make, put } from "./elements.js";

const NARROWEST_PX = 300, NUDGE_PX = 24;

export class Splitter {
  constructor(body) {
    this.body = body;
    this.node = keepKeys(make("div", "splitter"));
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "separator");
    this.node.setAttribute("aria-orientation", "vertical");
    this.node.setAttribute("aria-label", "Width of the details");
    this.node.setAttribute("aria-valuenow", "41");
    this.node.addEventListener("pointerdown", event => this.drag(event));
    this.node.addEventListener("keydown", event => this.onKey(event));
    this.node.addEventListener("dblclick", () => this.set(null));
  }

  drag(event) {
    event.preventDefault();
    this.node.setPointerCapture(event.pointerId);
    const move = ({ clientX }) => this.set(this.body.getBoundingClientRect().right - clientX);
    this.node.addEventListener("pointermove", move);
    this.node.addEventListener("lostpointercapture", () => this.node.removeEventListener("pointermove", move), { once: true });
  }

  onKey(event) {
    const step = { ArrowLeft: NUDGE_PX, ArrowRight: -NUDGE_PX }[event.key];
    if (!step) return;
    event.preventDefault();
    this.set(this.body.lastElementChild.clientWidth + step);
  }

  // null: as wide as it is from the start
  set(px) {
    const most = this.body.clientWidth - NARROWEST_PX, wanted = px == null ? null : Math.round(Math.max(NARROWEST_PX, Math.min(most, px)));
    this.body.style.setProperty("--aside", wanted == null ? "" : `${wanted}px`);
    put(this.node, "aria-valuenow", String(Math.round((100 * this.body.lastElementChild.clientWidth) / this.body.clientWidth)));
  }
}
