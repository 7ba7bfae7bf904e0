// The panel as a whole page: filters over the list, marks in it, what belongs to the chosen run below, its details beside.

import { Bulk } from "./bulk.js";
import { make, say } from "./elements.js";
import { FilterBar } from "./filterbar.js";
import { runList } from "./lists.js";
import { Panel } from "./panel.js";
import { PARTS } from "./pipeline.js";
import { runRow } from "./rows.js";
import { Splitter } from "./splitter.js";

const PAGE_TABS = [["Runs", "Runs"], ["Schedules", "Schedules"], ["Matrix", "Matrix"], ["Graph", "Graph"], ["Timeline", "Timeline"]];
const FILTERED = ["Runs", "Timeline"];
const PAGE_PARTS = { ...PARTS, Graph: "graph" };

class Page extends Panel {
  build() {
    this.parts = PAGE_PARTS;
    this.roomy = true;
    this.root.classList.add("full");
    super.build();
  }

  tabs() {
    return PAGE_TABS;
  }

  newAside() {
    return this.options.aside(this);
  }

  newRuns() {
    this.filters = new FilterBar(this);
    this.bulk = new Bulk(this);
    const runs = runList(this, () => this.bulk.markable(runRow(this)));
    runs.node.prepend(this.bulk.node);
    if (this.options.remedy) runs.node.append(this.options.remedy);
    runs.scroll.setAttribute("aria-keyshortcuts", "Space Shift+Space Control+A");
    runs.scroll.addEventListener("keydown", event => this.bulk.onKey(event));
    return runs;
  }

  // what belongs to the chosen run stands under the list, its details beside both
  body() {
    this.below = make("div", "left");
    this.below.append(this.filters.node, this.main);
    const body = make("div", "body");
    this.splitter = new Splitter(body);
    body.append(this.below, this.splitter.node, this.aside.node);
    return body;
  }

  open(name) {
    this.filters.node.hidden = !FILTERED.includes(name);
    super.open(name);
  }

  sift(ids) {
    return this.filters.sift(ids);
  }

  filterBy(kind) {
    this.filters.only(kind === "queued" ? "waiting" : kind);
  }

  waiting() {
    return "Waiting for the server…";
  }

  nothing() {
    return this.filter || this.filters.active ? "Nothing matches the filters." : "No runs yet. What is run or scheduled appears here at once.";
  }

  openRun(id) {
    this.options.openRun?.(id);
  }

  // what is refused is told
  act(verb, target, value = "") {
    return this.order(verb, target, value).catch(error => this.notice.tell(error.message));
  }

  // what is refused is thrown
  order(verb, target, value = "") {
    return this.options.act(verb, target, value);
  }

  paint() {
    super.paint();
    if (this.options.remedy) this.options.remedy.hidden = this.listed.length > 0 || !this.known.loaded || this.filters.active || this.filter !== "";
    say(this.graphEmpty, this.tab === "Graph" ? "Choose a pipeline’s run, or one of its steps, to see its graph." : "Choose a schedule, or a run of one, to see its runs side by side.");
    if (this.tab === "Runs") this.bulk.show();
  }

  // the page's height is its own
  stand() {}
}

// Shows the page in `el`. Besides what `mount` takes: `act(verb, target, value)` throws what is refused; `aside(page)`
// has a `node` and `show()`; `openRun(id)` shows a run alone; `menu(id, x, y)` what else there is; `remedy` stands where
// there is nothing yet.
export function mountPage(el, options) {
  return new Page(el, options);
}
