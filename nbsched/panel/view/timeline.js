// What ran when, in lanes.

import { button, draw, make } from "./elements.js";
import { label } from "./path.js";
import { moments } from "./rows.js";
import { clock, exact, took } from "./words.js";

const RANGES = [["15 min", 900e3], ["1 h", 3600e3], ["6 h", 6 * 3600e3], ["24 h", 86400e3]];
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map(s => s * 1000);

export class Timeline {
  constructor(panel) {
    this.panel = panel;
    this.range = RANGES[1][1];
    this.node = make("div", "timeline");
    this.ranges = make("div", "ranges");
    this.ranges.setAttribute("role", "group");
    this.ranges.setAttribute("aria-label", "Span of time");
    for (const [name, ms] of RANGES) this.ranges.append(button(name, () => { this.range = ms; this.key = ""; panel.ask(); }));
    this.body = make("div", "lanes");
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

  show() {
    const { known, chosen } = this.panel;
    [...this.ranges.children].forEach((one, at) => one.setAttribute("aria-pressed", String(RANGES[at][1] === this.range)));
    const all = known.matching(this.panel.filter, this.panel.opened).map(id => known.rows.get(id)).slice(0, known.focus == null ? 3000 : undefined);
    const [from, to] = this.window(all), now = known.now();
    const spans = all.map(row => [row, row.started_ms ?? row.scheduled_ms, row.ended_ms ?? row.until_ms ?? (row.started_ms == null ? row.scheduled_ms : now)]);
    const seen = spans.filter(([row, start, end]) => end >= from && start <= to && (row.started_ms != null || row.state === "skipped"));
    const lanes = new Map();
    for (const span of seen) {
      const key = [...known.path(span[0]).filter(one => one.id !== known.focus), span[0]].map(label).join(" › ");
      lanes.set(key, [...(lanes.get(key) ?? []), span]);
    }
    this.draw(lanes, from, to, now, chosen);
  }

  draw(lanes, from, to, now, chosen) {
    const width = Math.max(320, this.body.clientWidth || 700), height = 22;
    const left = Math.min(180, width * 0.3, 24 + 6.8 * Math.max(6, ...[...lanes.keys()].map(name => name.length)));
    const x = at => left + ((Math.min(to, Math.max(from, at)) - from) / (to - from)) * (width - left - 8);
    const names = [...lanes.keys()].slice(0, 60), bottom = names.length * height + 4;
    const svg = draw("svg", { width, height: bottom + 20, role: "group", "aria-label": "timeline" });
    svg.append(draw("defs", {}, stripes()));
    this.axis(svg, from, to, x, bottom, now);
    names.forEach((name, at) => this.lane(svg, name, lanes.get(name), at * height + 2, x, { left, width, chosen, to }));
    if (!names.length) svg.append(labelled(draw("text", { x: left, y: 14, class: "dim" }), "Nothing ran in this span."));
    this.body.replaceChildren(svg);
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

  lane(svg, name, spans, y, x, { left, width, chosen, to }) {
    const short = Math.floor((left - 14) / 6.6);
    svg.append(labelled(draw("text", { x: left - 10, y: y + 14, class: "lane" }), name.length <= short ? name : `${name.slice(0, short - 1)}…`));
    svg.append(draw("line", { x1: left, x2: width - 8, y1: y + 20, y2: y + 20, class: "grid" }));
    for (const [row, start, end] of spans) svg.append(this.span(row, x(start), x(end), y, chosen));
    const next = this.panel.known.schedules.find(one => one.name === name)?.next_ms;
    if (next != null && next <= to) svg.append(draw("circle", { cx: x(next), cy: y + 10, r: 3.5, class: "next" }, labelled(draw("title"), `next ${exact(next)}`)));
  }

  span(row, from, to, y, chosen) {
    const title = labelled(draw("title"), `${row.id} ${row.name}: ${row.state}\n${this.panel.known.why(row)}\n${moments(row)}`);
    const mark = draw("rect", { x: from, y: y + 3, width: Math.max(3, to - from), height: 13, rx: 2, class: `span ${row.tone}${chosen?.run === row.id ? " chosen" : ""}` }, title);
    mark.addEventListener("click", () => this.panel.choose({ run: row.id }));
    return mark;
  }
}

function labelled(node, content) {
  node.textContent = content;
  return node;
}

function stripes() {
  return draw("pattern", { id: "nbs-stripes", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    draw("rect", { width: 8, height: 8, class: "stripe-low" }), draw("rect", { width: 4, height: 8, class: "stripe-high" }));
}
