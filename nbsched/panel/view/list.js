// A list of which only the visible part exists.

import { keepKeys, make, put, say } from "./elements.js";

const ROW_PX = 34, NARROW_ROW_PX = 52;

export class VirtualList {
  // `columns` is the head; `newRow()` gives an element with `.show(item)`; `choose(item)` is called on selection,
  // `open(item)` on Enter and double click, `menu(item, x, y)` where a menu is asked for
  constructor({ label, className, columns = [], newRow, choose, key, open = () => {}, menu = null }) {
    this.items = [];
    this.pool = [];
    this.height = ROW_PX;
    this.key = key;
    this.newRow = newRow;
    this.choose = choose;
    this.open = open;
    this.menu = menu;
    this.chosen = null;
    this.node = make("div", `list ${className}`);
    this.head = make("div", "row head");
    this.head.setAttribute("aria-hidden", "true");
    for (const name of columns) this.head.append(make("span", name === "took" || name === "when" || name === "next" ? "num" : "", name));
    this.scroll = keepKeys(make("div", "scroll"));
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "listbox");
    this.scroll.setAttribute("aria-label", label);
    this.pad = make("div", "pad");
    this.empty = make("div", "empty");
    this.scroll.append(this.pad);
    this.node.append(this.head, this.scroll, this.empty);
    this.scroll.addEventListener("scroll", () => this.paint(false), { passive: true });
    this.scroll.addEventListener("keydown", event => this.onKey(event));
  }

  set(items, emptyText) {
    const anchor = this.scroll.scrollTop > 0 ? this.items[Math.floor(this.scroll.scrollTop / this.height)] : null;
    const before = anchor == null ? 0 : this.items.indexOf(anchor);
    this.items = items;
    say(this.empty, items.length ? "" : emptyText);
    this.scroll.hidden = !items.length;
    this.pad.style.height = `${items.length * this.height}px`;
    if (anchor != null) {
      const after = items.findIndex(item => this.key(item) === this.key(anchor));
      if (after >= 0 && after !== before) this.scroll.scrollTop += (after - before) * this.height;
    }
    this.paint();
  }

  narrow(on) {
    this.height = on ? NARROW_ROW_PX : ROW_PX;
    this.pad.style.height = `${this.items.length * this.height}px`;
    this.paint();
  }

  // Each item keeps its element while it is in sight; with `fresh` what stands there may have changed.
  paint(fresh = true) {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / this.height));
    const count = Math.min(this.items.length - first, Math.ceil((this.scroll.clientHeight || 340) / this.height) + 1);
    while (this.pool.length < count) this.pool.push(this.added());
    const size = this.pool.length, from = first - (first % size || 0);
    this.pool.forEach((node, at) => {
      const item = from + at + (from + at < first ? size : 0);
      this.place(node, item < first + count ? item : -1, fresh);
    });
  }

  added() {
    const node = this.newRow();
    node.setAttribute("role", "option");
    node.id = `nbs-${Math.random().toString(36).slice(2)}`;
    node.addEventListener("click", () => this.choose(node.item));
    node.addEventListener("dblclick", () => this.open(node.item));
    node.addEventListener("contextmenu", event => this.onMenu(event, node.item));
    this.pad.append(node);
    return node;
  }

  place(node, at, fresh) {
    if (!fresh && node.at === at) return;
    node.at = at;
    node.hidden = at < 0;
    if (at < 0) return;
    const top = `translateY(${at * this.height}px)`;
    if (node.style.transform !== top) node.style.transform = top;
    node.item = this.items[at];
    const chosen = this.chosen != null && this.key(node.item) === this.chosen;
    put(node, "aria-selected", String(chosen));
    put(node, "aria-posinset", String(at + 1));
    put(node, "aria-setsize", String(this.items.length));
    if (chosen) put(this.scroll, "aria-activedescendant", node.id);
    node.show(node.item);
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = steps[event.key], at = this.items.findIndex(item => this.key(item) === this.chosen);
    if (!this.items.length || event.target !== this.scroll) return;
    if (event.key === "Enter" && at >= 0) this.open(this.items[at]);
    if (this.menu && at >= 0 && (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey))) this.menuByKey(event, at);
    if (step === undefined) return;
    event.preventDefault();
    const to = Math.min(this.items.length - 1, Math.max(0, at < 0 ? 0 : at + step));
    this.choose(this.items[to]);
    this.reveal(to);
  }

  onMenu(event, item) {
    if (!this.menu || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose(item);
    this.menu(item, event.clientX, event.clientY);
  }

  menuByKey(event, at) {
    event.preventDefault();
    this.reveal(at);
    const { left, top } = this.scroll.getBoundingClientRect();
    this.menu(this.items[at], left + 24, top + (at + 1) * this.height - this.scroll.scrollTop - 4);
  }

  reveal(at) {
    const top = at * this.height, bottom = top + this.height, { scrollTop, clientHeight } = this.scroll;
    if (top < scrollTop) this.scroll.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.scroll.scrollTop = bottom - clientHeight;
  }
}
