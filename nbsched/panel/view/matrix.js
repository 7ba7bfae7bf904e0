// A pipeline's last runs, step by step.

import { button, make } from "./elements.js";
import { exact, oneLine, took } from "./words.js";

export class Matrix {
  constructor(panel) {
    this.panel = panel;
    this.node = make("div", "matrix");
  }

  show(view) {
    const { known } = this.panel, live = this.live(view);
    const runs = [...view.past.filter(run => run.id !== view.run.id), live];
    const key = JSON.stringify([runs, ...this.panel.around]);
    if (this.key === key) return;
    this.key = key;
    const table = make("table"), most = Math.max(1, ...runs.map(run => run.took_ms ?? 0));
    table.append(this.line("duration", "h", runs.map(run => this.duration(run, most))));
    view.nodes.forEach((node, at) => table.append(this.line(node.name, "", runs.map(run => this.cell(run, node.name, run.cells[at])))));
    this.node.replaceChildren(table);
    this.node.scrollLeft = this.node.scrollWidth;
  }

  live(view) {
    const { known } = this.panel, run = known.rows.get(view.run.id) ?? view.run;
    const steps = new Map(view.steps.map(step => [step.step, known.rows.get(step.id) ?? step]));
    const cells = view.nodes.map(node => steps.get(node.name)).map(step => step && [step.tone, step.id]);
    const spent = known.elapsed(run);
    return { id: run.id, tone: run.tone, took_ms: run.ended_ms == null ? spent && Math.ceil(spent / 1000) * 1000 : spent, scheduled_ms: run.scheduled_ms, cells };
  }

  line(name, className, cells) {
    const line = make("tr", className), head = make("th", "", oneLine(name));
    head.scope = "row";
    head.title = name;
    line.append(head, ...cells);
    return line;
  }

  duration(run, most) {
    const cell = make("td"), mark = button("", () => this.panel.choose({ run: run.id }), run.tone);
    mark.style.height = `${3 + Math.round((30 * (run.took_ms ?? 0)) / most)}px`;
    mark.title = `run ${run.id} · ${took(run.took_ms)}\n${exact(run.scheduled_ms)}`;
    mark.setAttribute("aria-label", mark.title);
    cell.append(mark);
    return cell;
  }

  cell(run, name, found) {
    const cell = make("td");
    if (!found) return cell;
    const [tone, id] = found, mark = button(tone === "bad" ? "✕" : "", () => this.panel.choose({ run: id }), tone);
    if (this.panel.around.has(id)) mark.classList.add("chosen");
    mark.title = `${name} in run ${run.id}: ${{ ok: "succeeded", bad: "failed", run: "running", wait: "waiting", warn: "retrying", skip: "not run" }[tone]}`;
    mark.setAttribute("aria-label", mark.title);
    cell.append(mark);
    return cell;
  }
}
