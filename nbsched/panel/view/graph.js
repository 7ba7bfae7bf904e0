// The picture of a pipeline; where its boxes stand is said by the kernel.

import { draw, keepKeys, make, put, say, sign } from "./elements.js";
import { moments } from "./rows.js";
import { oneLine, took } from "./words.js";

const BOX = { w: 156, h: 40, column: 204, row: 56, pad: 6 };

// the edges of cards below a mapped step, a mark that a pipeline has a picture of its own
const CARDS = [2.5, 5].map(at => `M${BOX.w + at} ${at + 4}V${BOX.h + at - 5}a5 5 0 0 1-5 5H${at + 4}`).join("");
const DEEPER = `M${BOX.w - 15} ${BOX.h / 2 - 5}l5 5l-5 5`;

export class Graph {
  constructor(panel) {
    this.panel = panel;
    this.node = make("div", "graph");
    this.boxes = new Map();
    this.node.addEventListener("scroll", () => this.view && this.paint(), { passive: true });
  }

  show(view) {
    if (this.view !== view) {
      this.view = view;
      const key = JSON.stringify([view.run.name, view.nodes.map(n => [n.name, n.layer, n.height]), view.edges]);
      if (this.key !== key) this.build(view, key);
    }
    const chosen = view.nodes.find(node => node.run != null && node.run === this.panel.chosen?.run);
    if (chosen && this.chosen !== chosen.run) this.reveal(chosen);
    this.chosen = chosen?.run;
    this.paint();
  }

  // boxes that can be seen exist, and the one that has the focus
  paint() {
    const [from, to] = this.seen();
    for (const node of this.view.nodes) {
      const [x, y] = corner(node), box = this.boxes.get(node.name);
      if (x + BOX.w >= from[0] && x <= to[0] && y + BOX.h >= from[1] && y <= to[1]) {
        const { known } = this.panel;
        this.update(box ?? this.added(node), known.rows.get(node.run), staleness(node));
      } else if (box && !box.group.contains(document.activeElement)) {
        box.group.remove();
        this.boxes.delete(node.name);
      }
    }
  }

  // the corners of what is scrolled to, and a margin around it
  seen() {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.node, scale = 1 / this.scale();
    const margin = 240, far = [scrollLeft + clientWidth, scrollTop + clientHeight].map(at => at * scale + margin);
    return [[scrollLeft * scale - margin, scrollTop * scale - margin], clientHeight ? far : [2000, 1200]];
  }

  scale() {
    return (this.svg.getBoundingClientRect().width || this.size[0]) / this.size[0];
  }

  reveal(node) {
    const { clientWidth, clientHeight } = this.node, scale = this.scale();
    const [x, y] = corner(node).map(at => at * scale), { scrollLeft, scrollTop } = this.node;
    if (x < scrollLeft || x + BOX.w > scrollLeft + clientWidth) this.node.scrollLeft = x - clientWidth / 2;
    if (y < scrollTop || y + BOX.h > scrollTop + clientHeight) this.node.scrollTop = y - clientHeight / 2;
  }

  build(view, key) {
    this.key = key;
    this.boxes.clear();
    const width = view.nodes.reduce((most, n) => Math.max(most, n.layer), 0) * BOX.column + BOX.w + 2 * BOX.pad;
    const lowest = [...view.nodes.map(n => n.height), ...view.edges.flat().map(point => point[1])].reduce((most, at) => Math.max(most, at), 0);
    const height = lowest * BOX.row + BOX.h + 2 * BOX.pad;
    const edges = draw("g", { class: "edges" }, draw("path", { d: view.edges.map(curve).join("") }));
    this.size = [width, height];
    this.svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `graph of ${view.run.name}` }, edges);
    this.svg.style.width = `clamp(${Math.round(width * 0.62)}px, 100%, ${width}px)`;
    this.node.replaceChildren(this.svg);
  }

  // in the order of the steps, which is that of the keyboard too
  added(node) {
    const group = this.box(node), order = this.view.nodes.indexOf(node);
    const next = [...this.svg.children].find(one => one.order > order);
    group.order = order;
    this.svg.insertBefore(group, next ?? null);
    return this.boxes.get(node.name);
  }

  box(node) {
    const at = `translate(${corner(node).join(" ")})`;
    const title = draw("title"), name = draw("text", { x: 13, y: 17, class: "label" }), about = draw("text", { x: 28, y: 31, class: "about" });
    const icon = sign(), fill = draw("rect", { class: "fill", y: BOX.h - 3, x: 4, height: 3, width: BOX.w - 4 });
    for (const [key, value] of [["x", 12], ["y", 21.5], ["width", 12], ["height", 12]]) icon.setAttribute(key, value);
    name.textContent = oneLine(node.name);
    const words = draw("svg", { width: BOX.w - 6, height: BOX.h }, name, icon, about);
    const holds = draw("path", { class: "holds" });
    const group = draw("g", { transform: at, tabindex: 0, role: "button", class: "box wait" }, title,
      draw("rect", { class: "card", width: BOX.w, height: BOX.h, rx: 5 }), fill,
      draw("path", { class: "edge", d: `M4.5 .5H5V${BOX.h - 0.5}H4.5A4.5 4.5 0 0 1 .5 ${BOX.h - 5}V5A4.5 4.5 0 0 1 4.5 .5z` }), holds, words);
    keepKeys(group);
    const choose = () => group.run != null && this.panel.choose({ run: group.run });
    group.addEventListener("click", choose);
    group.addEventListener("keydown", event => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), choose()));
    this.boxes.set(node.name, { group, title, icon, about, fill, holds, name: node.name });
    return group;
  }

  update({ group, title, icon, about, fill, holds, name }, row, stale) {
    const { known, around } = this.panel;
    group.run = row?.id;
    put(group, "class", `box ${row?.tone ?? "wait"}${row && around.has(row.id) ? " chosen" : ""}${stale ? " stale" : ""}`);
    put(holds, "d", row?.items ? CARDS : row?.pipeline ? DEEPER : "");
    icon.show(row?.sign ?? "○", row?.tone ?? "wait");
    const text = row ? this.about(row) : "waits";
    say(about, text.length <= 24 ? text : row.state === "pending" ? "waits" : `${text.slice(0, 23)}…`);
    fill.style.transform = `scaleX(${row?.progress ? Math.min(1, row.progress[0] / row.progress[1]) : 0})`;
    const lines = row ? [`${name}: ${row.state}`, row.detail, known.why(row), stale, moments(row)] : [name];
    say(title, lines.filter(Boolean).join("\n"));
    put(group, "aria-label", `${name}, ${row?.state ?? "not there yet"}, ${text}${stale ? `, ${stale}` : ""}`);
  }

  about(row) {
    const { known } = this.panel;
    if (row.state === "running") {
      const expected = known.expected(row), left = expected && expected - known.elapsed(row);
      const part = row.progress ? `${row.progress[0]}/${row.progress[1]} · ` : "", failed = row.items?.failed;
      if (failed) return `${part}${failed} failed`;
      return left > 0 ? `${part}${took(left)} left` : `${part}${took(known.elapsed(row))}`;
    }
    const items = row.items && row.detail ? ` · ${row.detail}` : "";
    if (row.state === "succeeded") return row.started_ms == null ? row.why || "done" : `${took(known.elapsed(row))}${items}`;
    const wrong = row.items?.failed ? `${row.items.failed} failed` : row.why;
    return row.state === "failed" ? `${took(known.elapsed(row))} · ${wrong}` : known.why(row) || row.state;
  }
}

function corner(node) {
  return [BOX.pad + node.layer * BOX.column, BOX.pad + node.height * BOX.row];
}

function staleness(node) {
  return node.stale ? node.changed || "an input has changed since" : "";
}

function curve(points) {
  const half = (BOX.column - BOX.w) / 2;
  let path = "";
  for (let at = 0; at + 1 < points.length; at++) {
    const x = BOX.pad + points[at][0] * BOX.column + BOX.w;
    const [y, end] = [points[at][1], points[at + 1][1]].map(h => BOX.pad + h * BOX.row + BOX.h / 2);
    path += `${path ? `H${x}` : `M${x} ${y}`}C${x + half} ${y} ${x + half} ${end} ${x + 2 * half} ${end}`;
  }
  return path;
}
