// A cell's schedule: the line above it that its kernel reads.

import type { Cell } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';
import { make, say } from '../../../nbsched/panel/view/elements.js';
import { mayBeScheduled, scheduleLine, withLine } from '../../../nbsched/panel/view/form/magic.js';
import type { IServer } from '../server';
import { AskingDialog } from './asking';
import { Field, focusWrong, input, select } from './fields';
import { OptionFields } from './options';
import { WhenFields } from './when';

const INSERT = 'Insert';
const AND_RUN = 'Insert and run';
const LOAD = '%load_ext nbsched';
const PLACES = [
  ['kernel', 'This kernel'],
  ['thread', 'A thread of this kernel'],
  ['process', 'A fresh process']
] as const;

// Asks when the cell runs, and puts the line for it above the cell.
export async function scheduleCell(server: IServer, panel: NotebookPanel, cell: Cell): Promise<void> {
  const zones = await server.ask<string[]>('/zones');
  const form = new CellForm(server, zones, cell.model.sharedModel.getSource());
  let chosen = '';
  const dialog = new AskingDialog(
    { title: 'Schedule this cell', body: form, does: [INSERT, AND_RUN], focus: 'select' },
    async does => {
      chosen = does;
      return form.make();
    }
  );
  await dialog.launch();
  if (form.line) await insert(panel, cell, form.line, chosen === AND_RUN);
}

// The line stands above the cell; what it needs is loaded in a cell before, unless one does so already.
async function insert(panel: NotebookPanel, cell: Cell, line: string, run: boolean): Promise<void> {
  const notebook = panel.content, shared = cell.model.sharedModel;
  shared.setSource(withLine(shared.getSource(), line));
  const cells = [cell], loads = notebook.widgets.some(one => one.model.sharedModel.getSource().includes(LOAD));
  if (!loads) {
    notebook.activeCellIndex = notebook.widgets.indexOf(cell);
    NotebookActions.insertAbove(notebook);
    notebook.activeCell!.model.sharedModel.setSource(LOAD);
    cells.unshift(notebook.activeCell!);
    notebook.activeCellIndex += 1;
  }
  if (run) {
    // the cell that loads it may not have run yet
    if (loads) await panel.sessionContext.session?.kernel?.requestExecute({ code: LOAD, silent: true, store_history: false }).done;
    await NotebookActions.runCells(notebook, cells, panel.sessionContext);
  }
}

class CellForm extends Widget {
  // What is to stand above the cell, once it was asked for.
  line = '';

  constructor(server: IServer, zones: string[], private readonly source: string) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-form');
    this.addClass('nbs-cell-form');
    this.when = new WhenFields(server, zones);
    this.when.node.prepend(make('h3', '', 'When'));
    const how = make('section', 'how'), below = make('div', 'fields');
    below.append(this.name.node, this.place.node);
    how.append(below, this.options.node);
    this.problem.setAttribute('role', 'alert');
    this.node.append(this.when.node, how, this.shown, this.problem);
    this.node.addEventListener('input', () => this.tell());
    this.tell();
  }

  // True once the line is made; what is wrong is said where it is.
  make(): boolean {
    const trigger = this.when.trigger(), options = this.options.given();
    say(this.problem, mayBeScheduled(this.source) ? '' : 'another magic stands on top of this cell: a cell can have one');
    if (!trigger || !options || this.problem.textContent) {
      focusWrong([...this.when.fields, ...this.options.fields]);
      return false;
    }
    this.line = scheduleLine(trigger, this.when.zone.text, { ...this.named(), ...options });
    return true;
  }

  override dispose(): void {
    this.when.stop();
    super.dispose();
  }

  private named(): Record<string, string> {
    const name = this.name.text.trim(), where = this.place.text;
    return { ...(name && { name }), ...(where !== 'kernel' && { where }) };
  }

  // The line is shown while it is made, without a word at the fields.
  private tell(): void {
    const trigger = this.when.peek(), options = this.options.given();
    say(this.shown, trigger && options ? scheduleLine(trigger, this.when.zone.text, { ...this.named(), ...options }) : '%%schedule …');
  }

  private readonly when: WhenFields;
  private readonly name = new Field('Name', input('text'), 'without one it is known by its cell');
  private readonly place = new Field('Runs in', select(PLACES), 'queued like your cells, beside them, or apart');
  private readonly options = new OptionFields();
  private readonly shown: HTMLElement = make('code', 'line');
  private readonly problem: HTMLElement = make('p', 'problem error');
}
