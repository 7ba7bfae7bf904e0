// The output notebook of a run, also while it runs: the cell that runs is followed.

import type { ICell } from '@jupyterlab/nbformat';
import { Panel, Widget } from '@lumino/widgets';

import { button, keepKeys, make, put, say } from '../../../nbsched/panel/view/elements.js';
import type { Details, PanelRow } from '../../../nbsched/panel/view/data';
import { focusOf, standing, written } from '../../../nbsched/panel/view/outputs.js';
import { CellView } from './cell';
import { openCopy } from './copying';
import type { Pane } from './panes';
import { Tail } from './tail';
import type { Part } from './tail';
import type { Tools } from './tools';

interface NotebookPart extends Part {
  path: string | null;
  all?: boolean;
  cells: { index: number; cell: ICell }[];
}

export class NotebookPane extends Panel implements Pane {
  constructor(
    private readonly tools: Tools,
    private readonly run: number
  ) {
    super();
    this.addClass('nbs-notebook');
    this.follows = button('Follow', () => this.setFollowing(!this.following), 'follow');
    this.copies = button('Open as notebook', () => void openCopy(this.tools, this.run, this.name, this.cells));
    this.bar.append(this.state, this.follows, this.copies);
    this.addWidget(new Widget({ node: this.bar }));
    this.addWidget(this.page);
    this.page.addClass('nbs-cells');
    keepKeys(this.page.node).tabIndex = 0;
    this.page.node.setAttribute('aria-label', 'Output notebook');
    this.page.node.setAttribute('role', 'region');
    this.page.node.addEventListener('wheel', event => event.deltaY < 0 && this.setFollowing(false), { passive: true });
    this.page.node.addEventListener('keydown', event => ['ArrowUp', 'PageUp', 'Home'].includes(event.key) && this.setFollowing(false));
    this.setFollowing(true);
    this.paint('Waiting for the server…');
  }

  look(row: PanelRow, details: Details | undefined): void {
    if (details !== this.details) this.tail.nudge();
    this.details = details;
    this.name = row.name;
    this.tail.follow(row.state === 'running');
  }

  leave(): void {
    this.tail.leave();
  }

  // The failed cell is in view, once it is there.
  reveal(): void {
    this.setFollowing(false);
    this.wanted = true;
    this.scroll();
  }

  override dispose(): void {
    this.tail.leave();
    super.dispose();
  }

  private take({ all, ended, cells }: NotebookPart): void {
    if (all && cells.length < this.views.length) this.forget();
    const first = !this.cells.length;
    for (const { index, cell } of cells) this.place(index, cell, ended);
    if (ended !== this.ended) this.cells.forEach((cell, at) => this.views[at]?.bring(cell, ended));
    this.ended = ended;
    this.paint('');
    if (cells.length && (this.following || this.wanted || first)) requestAnimationFrame(() => this.scroll());
  }

  private place(index: number, cell: ICell, ended: boolean): void {
    while (this.views.length <= index) {
      const view = new CellView(this.tools);
      this.views.push(view);
      this.page.addWidget(view);
    }
    this.cells[index] = cell;
    this.views[index].setHidden(!written(cell));
    this.views[index].bring(cell, ended);
  }

  private forget(): void {
    for (const view of this.views) view.dispose();
    this.views = [];
    this.cells = [];
  }

  private paint(waiting: string): void {
    const run = this.cells.filter(cell => cell.cell_type === 'code' && cell.execution_count != null).length;
    const whole = this.cells.filter(cell => cell.cell_type === 'code' && written(cell)).length;
    say(this.state, waiting || (whole ? `${run} of ${whole} cells run` : this.ended ? 'This run has left no notebook.' : 'Nothing yet: the notebook comes with the first cell.'));
    this.follows.hidden = this.ended;
    this.copies.disabled = !this.cells.length;
  }

  private fail(error: unknown): void {
    this.paint(error instanceof Error ? error.message : String(error));
  }

  private setFollowing(on: boolean): void {
    this.following = on;
    put(this.follows, 'aria-pressed', String(on));
    if (on) this.scroll();
  }

  // What failed is in view; else what runs, and of that the end, where its newest output stands.
  private scroll(): void {
    const at = focusOf(this.cells, this.ended), node = this.views[at]?.node, box = this.page.node;
    if (!node || !this.isVisible) return;
    const failed = standing(this.cells[at], this.ended) === 'failed', top = node.offsetTop - box.offsetTop;
    if (failed) this.wanted = false;
    else if (this.ended || this.wanted) return;
    const high = !failed && node.offsetHeight > box.clientHeight;
    box.scrollTop = Math.max(0, high ? top + node.offsetHeight - box.clientHeight + 12 : top - 40);
  }

  private readonly bar = make('div', 'bar-of-notebook');
  private readonly state = make('span', 'said');
  private readonly follows: HTMLButtonElement;
  private readonly copies: HTMLButtonElement;
  private readonly page = new Panel();
  private readonly tail = new Tail<NotebookPart>(
    since => this.tools.server.ask<NotebookPart>(`/runs/${this.run}/notebook?since=${since}`),
    part => this.take(part),
    error => this.fail(error)
  );
  private views: CellView[] = [];
  private cells: ICell[] = [];
  private details: Details | undefined;
  private name = '';
  private ended = false;
  private following = true;
  private wanted = false;
}
