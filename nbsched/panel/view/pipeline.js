// What belongs to the chosen run beside itself: its pipeline's graph, and the runs before it, step by step.

import { ofPipeline, ofSeries } from "./columns.js";
import { make, put, say } from "./elements.js";
import { Path, label } from "./path.js";
import { Graph } from "./graph.js";
import { Matrix } from "./matrix.js";

// the tabs on which it stands, and what of it
export const PARTS = { Runs: "both", Schedules: "matrix", Graph: "both", Matrix: "matrix" };

export class Pipeline {
  constructor(panel) {
    this.panel = panel;
    this.graph = new Graph(panel);
    this.matrix = new Matrix(panel);
    this.node = make("div", "pipeline");
    this.path = new Path(panel);
    this.name = make("span");
    const title = make("h4");
    title.append(this.path.node, this.name);
    this.matrixTitle = make("h4");
    this.left = make("div", "ofgraph");
    this.right = make("div", "ofmatrix");
    this.left.append(title, this.graph.node);
    this.right.append(this.matrixTitle, this.matrix.node);
    this.node.append(this.left, this.right);
  }

  // the run to show: the chosen one's, else the one in focus, else on a page of its own the newest
  wanted() {
    const { known, chosen, tab } = this.panel;
    if (chosen?.run != null) return known.root(chosen.run) ?? chosen.run;
    if (chosen?.schedule) return known.newestOf(chosen.schedule);
    if (known.focus != null || (tab !== "Graph" && tab !== "Matrix")) return known.focus;
    return known.order.find(id => known.rows.get(id).pipeline);
  }

  // until what is wanted is there, what stands stays
  present() {
    const { known } = this.panel, id = this.wanted();
    if (id == null || known.pipelines.has(id) || known.rows.get(id)?.pipeline === false) return (this.id = id);
    if (this.asked !== id) this.panel.look((this.asked = id));
    return this.id;
  }

  // true when there is something to show
  show() {
    const { known, tab, parts = PARTS } = this.panel, id = this.present(), view = known.pipelines.get(id), row = known.rows.get(id);
    const part = parts[tab], data = view ? ofPipeline(view, known, id) : this.series(row);
    this.node.hidden = !part || !data || (part === "graph" && !view);
    if (this.node.hidden) return false;
    put(this.node, "data-show", view ? part : "matrix");
    if (view) this.showGraph(view, row);
    const title = `${view?.run.name ?? row.schedule} · last ${data.runs.length} runs`;
    say(this.matrixTitle, data.runs.length > 1 ? title : "");
    this.matrix.show(data, title, durations(view, known, row), tab === "Matrix");
    return true;
  }

  showGraph(view, row) {
    this.path.show(row ?? view.run, around => around.pipeline);
    say(this.name, `${label(view.run)} · run ${view.run.id}`);
    this.graph.show(view);
  }

  // of what is no pipeline: the runs of its schedule
  series(row) {
    const { known } = this.panel;
    if (!row?.schedule || row.parent != null) return null;
    const rows = known.runsOf(row.schedule);
    return rows.length > 1 ? ofSeries(rows, known, row.id) : null;
  }
}

// milliseconds by run, as far as they are known from the last ones of each step
function durations(view, known, row) {
  const lists = view ? Object.values(view.history) : [known.history.get(row.series) ?? []];
  return new Map(lists.flat().map(([id, , ms]) => [id, ms]));
}
