// The panel: head, tabs, and what stands under them. `mount` shows it wherever it is fed.

import { Aside } from "./aside.js";
import { make } from "./elements.js";
import { Head } from "./head.js";
import { Known } from "./known.js";
import { runList, scheduleList } from "./lists.js";
import { Log } from "./log.js";
import { Notice } from "./notice.js";
import { Pipeline } from "./pipeline.js";
import { Timeline } from "./timeline.js";

const NARROW_PX = 600;
const ROWS = { wide: 11, narrow: 7, least: 7 };
const STORE_TABS = [["Runs", "Runs"], ["Schedules", "Schedules"], ["Graph", "Graph"], ["Timeline", "Timeline"], ["Log", "Log"]];
const RUN_TABS = [["Runs", "Steps"], ["Graph", "Graph"], ["Timeline", "Timeline"], ["Log", "Log"]];

export class Panel {
  constructor(el, options) {
    const { focus = null, chosen = null, send, known = new Known(focus) } = options;
    this.options = options;
    this.send = send;
    this.known = known;
    this.chosen = null;
    this.listed = [];
    this.around = new Set();  // the chosen run and all that it is in
    this.opened = new Set();
    this.first = chosen;
    this.tab = "Runs";
    this.root = make("div", "nbs");
    this.build();
    el.append(this.root);
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this.root);
    this.ticking = setInterval(() => document.hidden || this.ask(), 1000);
  }

  build() {
    this.head = new Head(this, this.tabs());
    this.notice = new Notice();
    this.aside = this.newAside();
    this.pipeline = new Pipeline(this);
    this.timeline = new Timeline(this);
    this.log = new Log(this);
    this.runs = this.newRuns();
    this.schedules = scheduleList(this);
    this.main = make("div", "main");
    this.main.setAttribute("role", "tabpanel");
    this.graphPage = make("div", "page");
    this.graphEmpty = make("div", "empty", "Choose a pipeline's run to see its graph.");
    this.graphPage.append(this.graphEmpty);
    this.root.append(this.head.node, this.notice.node, this.body());
    this.root.addEventListener("keydown", event => event.key === "Escape" && this.chosen && this.choose(null));
    this.runs.scroll.addEventListener("keydown", event => this.foldByKey(event));
    this.open("Runs");
  }

  // ---- what a whole page does differently

  tabs() {
    return this.known.focus == null ? STORE_TABS : RUN_TABS;
  }

  newAside() {
    return new Aside(this);
  }

  newRuns() {
    return runList(this);
  }

  body() {
    const body = make("div", "body");
    body.append(this.main, this.aside.node);
    this.below = this.root;  // what belongs to the chosen run stands there
    return body;
  }

  sift(ids) {
    return ids;
  }

  waiting() {
    return "Waiting for the kernel…";
  }

  nothing() {
    return this.filter ? "Nothing matches the filter." : "No runs yet.";
  }

  filterBy(word) {
    this.head.search.value = this.filter === word ? "" : word;
    this.open("Runs");
  }

  // ---- what a person does

  open(name) {
    this.tab = name;
    this.head.tabs.opened(name);
    const page = { Runs: this.runs.node, Schedules: this.schedules.node, Timeline: this.timeline.node, Log: this.log.node }[name] ?? this.graphPage;
    this.main.setAttribute("aria-label", name);
    this.main.replaceChildren(page);
    (page === this.graphPage ? page : this.below).append(this.pipeline.node);
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
    this.heard(news.notices);
  }

  // the news are known already
  heard(notices = []) {
    if (this.first != null) this.choose({ run: this.first });
    this.first = null;
    for (const one of notices) this.notice.tell(one);
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
    this.listed = this.sift(this.known.matching(this.filter, this.opened));
    this.stand();
    this.head.show();
    this.paintPage();
    this.graphEmpty.hidden = this.pipeline.show();
    this.aside.show();
  }

  paintPage() {
    const { known, filter } = this, waiting = known.loaded ? null : this.waiting();
    this.runs.chosen = [...this.around].findLast(id => this.listed.includes(id)) ?? null;
    if (this.tab === "Runs") this.runs.set(this.listed, waiting ?? this.nothing());
    if (this.tab === "Schedules") this.schedules.set(known.matchingSchedules(filter), waiting ?? (filter ? "Nothing matches the filter." : "No schedules yet."));
    if (this.tab === "Timeline") this.timeline.show();
    if (this.tab === "Log") this.log.show();
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
    const narrow = this.below.clientWidth < NARROW_PX;
    this.root.classList.toggle("narrow", this.root.clientWidth < NARROW_PX);
    if (narrow !== this.isNarrow) {
      this.isNarrow = narrow;
      this.main.classList.toggle("narrow", narrow);
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
