// The panel: head, tabs, and what stands under them. `mount` shows it wherever it is fed.

import { Aside } from "./aside.js";
import { button, keepKeys, make, say } from "./elements.js";
import { Head } from "./head.js";
import { Known } from "./known.js";
import { VirtualList } from "./list.js";
import { Pipeline } from "./pipeline.js";
import { runRow, scheduleRow } from "./rows.js";
import { Timeline } from "./timeline.js";

const NARROW_PX = 600;
const ROWS = { wide: 11, narrow: 7, least: 7 };
const STORE_TABS = [["Runs", "Runs"], ["Schedules", "Schedules"], ["Graph", "Graph"], ["Timeline", "Timeline"], ["Log", "Log"]];
const RUN_TABS = [["Runs", "Steps"], ["Graph", "Graph"], ["Timeline", "Timeline"], ["Log", "Log"]];

class Panel {
  constructor(el, { focus = null, chosen = null, send }) {
    this.send = send;
    this.known = new Known(focus);
    this.chosen = null;
    this.around = new Set();  // the chosen run and all that it is in
    this.opened = new Set();
    this.first = chosen;
    this.tab = "Runs";
    this.root = make("div", "nbs");
    this.build(focus == null);
    el.append(this.root);
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this.root);
    this.ticking = setInterval(() => document.hidden || this.ask(), 1000);
  }

  build(ofStore) {
    this.head = new Head(this, ofStore ? STORE_TABS : RUN_TABS);
    this.aside = new Aside(this);
    this.pipeline = new Pipeline(this);
    this.timeline = new Timeline(this);
    this.runs = this.runList(ofStore);
    this.schedules = this.scheduleList();
    this.log = keepKeys(make("pre", "log"));
    this.log.tabIndex = 0;
    this.graphPage = make("div", "page");
    this.graphEmpty = make("div", "empty", "Choose a pipeline's run to see its graph.");
    this.graphPage.append(this.graphEmpty);
    this.main = make("div", "main");
    this.main.setAttribute("role", "tabpanel");
    const body = make("div", "body");
    body.append(this.main, this.aside.node);
    this.root.append(this.head.node, this.noticeLine(), body);
    this.root.addEventListener("keydown", event => event.key === "Escape" && this.chosen && this.choose(null));
    this.runs.scroll.addEventListener("keydown", event => this.foldByKey(event));
    this.open("Runs");
  }

  runList(ofStore) {
    return new VirtualList({
      label: ofStore ? "Runs" : "Steps",
      className: "runs",
      columns: ["", "run", ofStore ? "what" : "step", "why", "progress", "last 10", "took", "when"],
      key: id => id,
      newRow: () => runRow(this),
      choose: id => this.choose({ run: id }),
    });
  }

  scheduleList() {
    return new VirtualList({
      label: "Schedules",
      className: "schedules",
      columns: ["", "name", "trigger", "overlap · missed", "last 10", "next", ""],
      key: one => one.name,
      newRow: () => scheduleRow(this),
      choose: one => this.choose({ schedule: one.name }),
    });
  }

  noticeLine() {
    this.noticeText = make("span");
    this.notice = make("div", "notice");
    this.notice.hidden = true;
    this.notice.setAttribute("role", "status");
    this.notice.append(this.noticeText, button("Dismiss", () => { this.notice.hidden = true; }));
    return this.notice;
  }

  // ---- what a person does

  open(name) {
    this.tab = name;
    this.head.opened(name);
    const pages = { Runs: this.runs.node, Schedules: this.schedules.node, Graph: this.graphPage, Timeline: this.timeline.node, Log: this.log };
    this.main.setAttribute("aria-label", name);
    this.main.replaceChildren(pages[name]);
    (name === "Graph" ? this.graphPage : this.root).append(this.pipeline.node);
    this.ask();
  }

  choose(chosen) {
    const same = JSON.stringify(chosen) === JSON.stringify(this.chosen);
    this.chosen = chosen;
    this.runs.chosen = chosen?.run ?? null;
    this.schedules.chosen = chosen?.schedule ?? null;
    if (chosen?.run != null && !same) this.look(chosen.run);
    if (this.known.rows.get(chosen?.run)?.pipeline) this.opened.add(chosen.run);
    if (!chosen) for (const list of [this.runs, this.schedules]) list.scroll.removeAttribute("aria-activedescendant");
    this.ask();
  }

  look(id) {
    for (const around of this.known.path(this.known.rows.get(id))) this.send({ t: "look", run: around.id });
    this.send({ t: "look", run: id });
  }

  // what is in the pipeline among the steps is listed, or is not any more
  fold(id) {
    if (!this.opened.delete(id)) this.opened.add(id);
    if (this.opened.has(id)) this.look(id);
    this.ask();
  }

  foldByKey({ key }) {
    const id = this.runs.chosen, open = this.opened.has(id);
    if (this.known.rows.get(id)?.pipeline && key === (open ? "ArrowLeft" : "ArrowRight")) this.fold(id);
  }

  act(verb, target, value = "") {
    this.send({ t: "act", verb, target, value });
  }

  get filter() {
    return this.head.search.value;
  }

  // ---- what is heard

  news(news) {
    this.known.take(news);
    if (this.first != null) this.choose({ run: this.first });
    this.first = null;
    for (const one of news.notices ?? []) {
      say(this.noticeText, one);
      this.notice.hidden = false;
    }
    this.ask();
  }

  // ---- what is shown, at most once a frame

  ask() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  paint() {
    const row = this.known.rows.get(this.chosen?.run);
    this.around = new Set(row ? [...this.known.path(row), row].map(one => one.id) : []);
    this.stand();
    this.head.show();
    this.paintPage();
    this.graphEmpty.hidden = this.pipeline.show();
    this.aside.show();
  }

  paintPage() {
    const { known, filter } = this, listed = known.matching(filter, this.opened), nothing = filter ? "Nothing matches the filter." : null;
    const waiting = known.loaded ? null : "Waiting for the kernel…";
    this.runs.chosen = [...this.around].findLast(id => listed.includes(id)) ?? null;
    if (this.tab === "Runs") this.runs.set(listed, waiting ?? nothing ?? "No runs yet.");
    if (this.tab === "Schedules") this.schedules.set(known.matchingSchedules(filter), waiting ?? nothing ?? "No schedules yet.");
    if (this.tab === "Timeline") this.timeline.show();
    if (this.tab === "Log") this.paintLog();
  }

  paintLog() {
    const id = this.chosen?.run ?? this.known.focus, details = this.known.details.get(id);
    const atEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 4;
    const row = this.known.rows.get(id), part = row?.pipeline ? "a step" : row?.items ? "an item" : "";
    const silent = part ? `Choose ${part} to read its log.` : "This run has not written anything.";
    say(this.log, id == null ? "Choose a run to read its log." : details?.log || silent);
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  // A store's lists keep their height and a pipeline's have room for its steps: nothing below them jumps.
  stand() {
    const most = this.isNarrow ? ROWS.narrow : ROWS.wide;
    const rows = this.known.focus == null ? most : Math.min(most, Math.max(ROWS.least, this.known.unfolded(this.opened).length));
    if (this.rows === rows) return;
    this.rows = rows;
    this.root.style.setProperty("--rows", rows);
  }

  resize() {
    const narrow = this.root.clientWidth < NARROW_PX;
    if (narrow !== this.isNarrow) {
      this.isNarrow = narrow;
      this.root.classList.toggle("narrow", narrow);
      this.runs.narrow(narrow);
      this.schedules.narrow(narrow);
    }
    this.ask();
  }

  dispose() {
    clearInterval(this.ticking);
    this.sized.disconnect();
    if (this.frame) cancelAnimationFrame(this.frame);
    this.root.remove();
  }
}

// Shows the panel in `el`. `send(message)` carries what a person does; feed it with `.news(…)`.
export function mount(el, options) {
  return new Panel(el, options);
}
