// A pipeline's run as a whole: its graph, and its last runs beside it.

import { make, say } from "./elements.js";
import { Path, label } from "./path.js";
import { Graph } from "./graph.js";
import { Matrix } from "./matrix.js";

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
    const left = make("div"), right = make("div");
    left.append(title, this.graph.node);
    right.append(this.matrixTitle, this.matrix.node);
    this.node.append(left, right);
  }

  // the run to show: the chosen one's, else the one in focus, else on the graph's own page the newest
  wanted() {
    const { known, chosen, tab } = this.panel;
    if (chosen?.run != null) return known.root(chosen.run);
    if (known.focus != null || tab !== "Graph") return known.focus;
    return known.order.find(id => known.rows.get(id).pipeline);
  }

  // true when a pipeline is shown
  show() {
    const { known, tab } = this.panel, id = this.wanted(), view = known.pipelines.get(id);
    if (id != null && !view && this.asked !== id) this.panel.look((this.asked = id));
    this.node.hidden = !view || (tab !== "Runs" && tab !== "Graph");
    if (this.node.hidden) return false;
    this.path.show(known.rows.get(id) ?? view.run, around => around.pipeline);
    say(this.name, `${label(view.run)} · run ${view.run.id}`);
    say(this.matrixTitle, view.past.length ? `${view.run.name} · last ${view.past.length + 1} runs` : "");
    this.graph.show(view);
    this.matrix.show(view);
    return true;
  }
}
