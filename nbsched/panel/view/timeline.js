// What ran when, in lanes: a path for all that have a tone in common, so that thousands are drawn at once.

import { button, draw, make, put } from "./elements.js";
import { label } from "./path.js";
import { moments } from "./rows.js";
import { clock, exact, took } from "./words.js";

const RANGES = [["15 min", 900e3], ["1 h", 3600e3], ["6 h", 6 * 3600e3], ["24 h", 86400e3]];
const REST = 3, LANE_PX = 22;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map(s => s * 1000);

export class Timeline {
  constructor(panel) {
    this.panel = panel;
    this.range = RANGES[1][1];
    this.free = 0;
    this.node = make("div", "timeline");
    this.ranges = make("div", "ranges");
    this.ranges.setAttribute("role", "group");
    this.ranges.setAttribute("aria-label", "Span of time");
    for (const [name, ms] of RANGES) this.ranges.append(button(name, () => { this.range = ms; this.key = ""; panel.ask(); }));
    this.body = make("div", "lanes");
    this.marks = [];  // by lane what was drawn
    this.body.addEventListener("pointermove", event => this.tell(event));
    this.body.addEventListener("click", event => {
      const row = this.under(event);
      if (row) panel.choose({ run: row.id });
    });
    this.node.append(this.body);
    if (panel.known.focus == null) this.node.prepend(this.ranges);
  }

  window(rows) {
    const { known } = this.panel, now = known.now();
    if (known.focus == null) return [now - this.range, now + this.range * 0.18];
    const starts = rows.map(row => row.started_ms).filter(at => at != null);
    const ends = rows.map(row => row.ended_ms ?? (row.started_ms == null ? null : now)).filter(at => at != null);
    const from = Math.min(now, ...starts), to = Math.max(from + 1000, ...ends);
    return [from, to + (to - from) * 0.02];
  }

  // drawn at most a quarter of the time: while much happens, what was drawn stands that much longer
  show() {
    const { panel, range } = this, began = performance.now(), key = JSON.stringify([panel.chosen, panel.filter, range, this.body.clientWidth]);
    if (this.key === key && began < this.free) {
      this.later ??= setTimeout(() => { this.later = null; panel.ask(); }, this.free - began);
      return;
    }
    this.key = key;
    this.paint();
    this.free = performance.now() + REST * (performance.now() - began);
  }

  paint() {
    const { known } = this.panel;
    [...this.ranges.children].forEach((one, at) => one.setAttribute("aria-pressed", String(RANGES[at][1] === this.range)));
    const all = this.panel.listed.map(id => known.rows.get(id)).slice(0, known.focus == null ? 3000 : undefined);
    const [from, to] = this.window(all), now = known.now();
    const spans = all.map(row => [row, row.started_ms ?? row.scheduled_ms, row.ended_ms ?? row.until_ms ?? (row.started_ms == null ? row.scheduled_ms : now)]);
    const seen = spans.filter(([row, start, end]) => end >= from && start <= to && (row.started_ms != null || row.state === "skipped"));
    const lanes = new Map();
    for (const span of seen) {
      const name = [...known.path(span[0]).filter(one => one.id !== known.focus), span[0]].map(label).join(" › ");
      const lane = lanes.get(name);
      if (lane) lane.push(span);
      else lanes.set(name, [span]);
    }
    this.draw(lanes, from, to, now);
  }

  draw(lanes, from, to, now) {
    const width = Math.max(320, this.body.clientWidth || 700), height = LANE_PX;
    const left = Math.min(180, width * 0.3, 24 + 6.8 * Math.max(6, ...[...lanes.keys()].map(name => name.length)));
    const x = at => left + ((Math.min(to, Math.max(from, at)) - from) / (to - from)) * (width - left - 8);
    const names = [...lanes.keys()].slice(0, 60), bottom = names.length * height + 4;
    const svg = draw("svg", { width, height: bottom + 20, role: "group", "aria-label": "timeline" });
    svg.append(draw("defs", {}, stripes()));
    this.marks = [];
    this.axis(svg, from, to, x, bottom, now);
    names.forEach((name, at) => this.lane(svg, name, lanes.get(name), at * height + 2, x, { left, width, to }));
    if (!names.length) svg.append(labelled(draw("text", { x: left, y: 14, class: "dim" }), "Nothing ran in this span."));
    const more = lanes.size - names.length;
    this.body.replaceChildren(svg, ...(more > 0 ? [make("div", "empty", `and ${more} more: the filter makes them fewer`)] : []));
  }

  axis(svg, from, to, x, bottom, now) {
    const focus = this.panel.known.focus != null, step = STEPS.find(one => (to - from) / one <= 7) ?? STEPS.at(-1);
    const zero = focus ? from : Math.ceil(from / step) * step;
    for (let at = zero; at <= to; at += step) {
      svg.append(draw("line", { x1: x(at), x2: x(at), y1: 0, y2: bottom, class: "grid" }));
      svg.append(labelled(draw("text", { x: x(at), y: bottom + 14, class: "dim tick" }), focus ? took(at - from).replace("0 ms", "0") : clock(at)));
    }
    if (!focus || now < to) svg.append(draw("line", { x1: x(now), x2: x(now), y1: 0, y2: bottom, class: "now" }));
  }

  lane(svg, name, spans, y, x, { left, width, to }) {
    const short = Math.floor((left - 14) / 6.6);
    svg.append(labelled(draw("text", { x: left - 10, y: y + 14, class: "lane" }), name.length <= short ? name : `${name.slice(0, short - 1)}…`));
    svg.append(draw("line", { x1: left, x2: width - 8, y1: y + 20, y2: y + 20, class: "grid" }));
    const marks = spans.map(([row, start, end]) => ({ row, from: x(start), to: x(end), y }));
    for (const [tone, all] of byTone(marks)) svg.append(draw("path", { class: `span ${tone}`, d: all.map(outline).join("") }));
    const one = marks.find(mark => this.panel.around.has(mark.row.id));
    if (one) svg.append(draw("path", { class: `span ${one.row.tone} chosen`, d: outline(one) }));
    this.marks.push(marks);
    const next = this.panel.known.schedules.find(one => one.name === name)?.next_ms;
    if (next != null && next <= to) svg.append(draw("circle", { cx: x(next), cy: y + 10, r: 3.5, class: "next" }, labelled(draw("title"), `next ${exact(next)}`)));
  }

  // the newest mark under the pointer
  under({ clientX, clientY }) {
    const { left, top } = this.body.firstChild.getBoundingClientRect(), x = clientX - left, lane = this.marks[Math.floor((clientY - top - 2) / LANE_PX)] ?? [];
    const hit = mark => x >= mark.from - 2 && x <= Math.max(mark.to, mark.from + 3) + 2;
    return lane.filter(hit).reduce((best, mark) => (best && best.row.id > mark.row.id ? best : mark), null)?.row;
  }

  tell(event) {
    const row = this.under(event);
    put(this.body, "title", row ? `${row.id} ${row.name}: ${row.state}\n${this.panel.known.why(row)}\n${moments(row)}` : "");
    this.body.style.cursor = row ? "pointer" : "";
  }
}

function byTone(marks) {
  const found = new Map();
  for (const mark of marks) found.get(mark.row.tone)?.push(mark) ?? found.set(mark.row.tone, [mark]);
  return found;
}

// one mark as part of a path
function outline({ from, to, y }) {
  return `M${from.toFixed(1)} ${y + 3}h${Math.max(3, to - from).toFixed(1)}v13H${from.toFixed(1)}z`;
}

function labelled(node, content) {
  node.textContent = content;
  return node;
}

function stripes() {
  return draw("pattern", { id: "nbs-stripes", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    draw("rect", { width: 8, height: 8, class: "stripe-low" }), draw("rect", { width: 4, height: 8, class: "stripe-high" }));
}
