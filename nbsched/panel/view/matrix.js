// Runs side by side: a column per run, as high as it took long, and a row per step. Only what can be seen exists.

import { button, make, put, say } from "./elements.js";
import { moved, toneWord } from "./columns.js";
import { exact, oneLine, took } from "./words.js";

const LINE_PX = 18, LARGE_PX = 26;
const MARKS = { bad: "✕", warn: "↻" };

export class Matrix {
  constructor(panel) {
    this.panel = panel;
    this.node = make("div", "matrix");
    this.grid = make("div", "columns");
    this.grid.setAttribute("role", "grid");
    this.head = this.row("duration", "h");
    this.pad = make("div", "steps");
    this.pad.setAttribute("role", "rowgroup");
    this.grid.append(this.head, this.pad);
    this.node.append(this.grid);
    this.rows = new Map();
    this.line = LINE_PX;
    this.at = null;  // what the keyboard is on: step (-1: the durations) and column
    this.node.addEventListener("scroll", () => this.data && this.paint(), { passive: true });
    this.grid.addEventListener("click", event => this.choose(event.target.closest("button")));
    this.grid.addEventListener("keydown", event => this.onKey(event));
    this.grid.addEventListener("focusin", event => { this.at = event.target.at ?? this.at; });
  }

  // `large` where it has a page of its own
  show(data, title, ticks, large = false) {
    this.line = large ? LARGE_PX : LINE_PX;
    this.grid.style.setProperty("--line-px", `${this.line}px`);
    const before = this.data?.runs.at(-1)?.id, last = data.runs.at(-1)?.id;
    this.data = data;
    this.took = ticks;
    this.most = Math.max(1, ...data.runs.map(run => run.took_ms ?? 0));
    this.pad.style.height = `${data.names.length * this.line}px`;
    this.grid.style.setProperty("--name", `${Math.min(22, Math.max(8, ...data.names.map(name => name.length)))}ch`);
    put(this.grid, "aria-label", title);
    put(this.grid, "aria-rowcount", String(data.names.length + 1));
    if (!this.at || this.at[0] >= data.names.length || this.at[1] >= data.runs.length) this.at = [-1, data.runs.length - 1];
    this.paint();
    if (before !== last) this.node.scrollLeft = this.node.scrollWidth;
  }

  paint() {
    const { names, runs } = this.data, first = Math.floor(this.node.scrollTop / this.line), seen = Math.ceil((this.node.clientHeight || 400) / this.line) + 2;
    for (const [at, row] of this.rows) if ((at < first || at > first + seen || at >= names.length) && !row.contains(document.activeElement)) this.drop(at, row);
    runs.forEach((run, column) => this.duration(this.cell(this.head, -1, column), run));
    this.trim(this.head);
    for (let at = first; at < Math.min(names.length, first + seen + 1); at += 1) this.step(at);
  }

  step(at) {
    const row = this.rows.get(at) ?? this.added(at), name = this.data.names[at];
    row.style.transform = `translateY(${at * this.line}px)`;
    say(row.firstChild, oneLine(name));
    put(row.firstChild, "title", name);
    this.data.runs.forEach((run, column) => this.state(this.cell(row, at, column), run, name, run.cells[at]));
    this.trim(row);
  }

  added(at) {
    const row = this.row("", "");
    put(row, "aria-rowindex", String(at + 2));
    this.rows.set(at, row);
    this.pad.append(row);
    return row;
  }

  drop(at, row) {
    this.rows.delete(at);
    row.remove();
  }

  row(name, className) {
    const row = make("div", `line ${className}`), head = make("span", "step", name);
    row.setAttribute("role", "row");
    head.setAttribute("role", "rowheader");
    row.append(head);
    return row;
  }

  cell(row, at, column) {
    if (row.children.length === column + 1) {
      const made = button("", () => {});
      made.setAttribute("role", "gridcell");
      made.at = [at, column];
      made.append(make("i"));
      row.append(made);
    }
    return row.children[column + 1];
  }

  trim(row) {
    while (row.children.length > this.data.runs.length + 1) row.lastChild.remove();
  }

  duration(cell, run) {
    cell.firstChild.style.height = `${3 + Math.round((30 * (run.took_ms ?? 0)) / this.most)}px`;
    this.mark(cell, run.id, run.tone, `run ${run.id}: ${run.state} · ${took(run.took_ms)}\n${exact(run.scheduled_ms)}`);
  }

  state(cell, run, name, found) {
    const [tone, id] = found ?? ["none", null], row = this.panel.known.rows.get(id);
    say(cell.firstChild, MARKS[tone] ?? "");
    const spent = row ? this.panel.known.elapsed(row) : this.took.get(id), lasted = spent == null ? "" : ` · ${took(spent)}`;
    this.mark(cell, id, tone, found ? `${name} in run ${run.id}: ${row?.state ?? toneWord(tone)}${lasted}\n${exact(run.scheduled_ms)}` : `${name}: not in run ${run.id}`);
  }

  mark(cell, id, tone, words) {
    const chosen = id != null && this.panel.around.has(id);
    cell.run = id;
    put(cell, "class", `${tone}${chosen ? " chosen" : ""}`);
    put(cell, "aria-selected", String(chosen));
    put(cell, "title", words);
    put(cell, "aria-label", words);
    put(cell, "tabindex", cell.at[0] === this.at[0] && cell.at[1] === this.at[1] ? "0" : "-1");
  }

  choose(cell) {
    if (cell?.run != null) this.panel.choose({ run: cell.run });
  }

  onKey(event) {
    const to = event.target.at && moved(event.target.at, event.key, this.data.names.length, this.data.runs.length);
    if (!to) return;
    event.preventDefault();
    this.at = to;
    this.reveal(to[0]);
    this.paint();
    (to[0] < 0 ? this.head : this.rows.get(to[0]))?.children[to[1] + 1]?.focus();
  }

  reveal(step) {
    const top = Math.max(0, step) * this.line, room = this.node.clientHeight - this.head.offsetHeight - this.line;
    if (top < this.node.scrollTop) this.node.scrollTop = top;
    else if (top > this.node.scrollTop + room) this.node.scrollTop = top - room;
  }
}
