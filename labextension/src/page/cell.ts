// One cell of an output notebook: its source and what it showed, never trusted.

import type { ICell, ICodeCell, IOutput, MultilineString } from '@jupyterlab/nbformat';
import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import { MimeModel } from '@jupyterlab/rendermime';
import { Panel, Widget } from '@lumino/widgets';

import { keepKeys, make, put, say, sign } from '../../../nbsched/panel/view/elements.js';
import { outputChanges, shownOutputs, standing } from '../../../nbsched/panel/view/outputs.js';
import { took } from '../../../nbsched/panel/view/words.js';
import { highlight } from './highlight';
import type { Tools } from './tools';

const SIGNS = { done: ['', 'ok'], running: ['◐', 'run'], failed: ['✕', 'bad'], waiting: ['○', 'wait'] } as const;

export class CellView extends Panel {
  constructor(private readonly tools: Tools) {
    super();
    this.addClass('nbs-cell');
    this.node.setAttribute('role', 'group');
    const head = make('div', 'about');
    head.append(this.icon, this.prompt, this.spent);
    keepKeys(this.source).tabIndex = 0;  // long lines scroll by keyboard too
    this.addWidget(new Widget({ node: head }));
    this.addWidget(new Widget({ node: this.source }));
  }

  // The cell is shown as it is now.
  bring(cell: ICell, ended: boolean): void {
    const stands = standing(cell, ended), [shape, tone] = SIGNS[stands];
    const count = (cell as ICodeCell).execution_count, source = text(cell.source);
    put(this.node, 'data-standing', stands);
    put(this.node, 'data-type', cell.cell_type);
    this.icon.show(shape || '○', tone);
    this.icon.style.visibility = shape ? '' : 'hidden';
    say(this.prompt, cell.cell_type === 'code' ? `[${count ?? (stands === 'running' ? '*' : ' ')}]` : '');
    say(this.spent, cell.cell_type === 'code' ? duration(cell) : '');
    put(this.node, 'aria-label', `${cell.cell_type} cell ${count ?? ''} ${stands}`);
    if (this.shown !== source) this.showSource(cell, source);
    this.shown = source;
    if (cell.cell_type === 'code') this.showOutputs(shownOutputs((cell as ICodeCell).outputs));
  }

  private showSource(cell: ICell, source: string): void {
    if (cell.cell_type === 'markdown') return this.showMarkdown(source);
    void highlight(cell.cell_type === 'code' ? this.tools.languages : null, source, this.source);
  }

  private showMarkdown(source: string): void {
    const { rendermime } = this.tools, renderer = rendermime.createRenderer('text/markdown');
    for (const widget of this.widgets.slice(1)) widget.dispose();
    renderer.addClass('nbs-foreign');
    this.addWidget(renderer);
    void renderer.renderModel(new MimeModel({ data: { 'text/markdown': source }, trusted: false }));
  }

  private showOutputs(outputs: IOutput[]): void {
    if (!outputs.length && !this.area) return;
    this.area ??= this.newArea();
    const { model } = this.area, { clear, set, add } = outputChanges(this.outputs, outputs);
    if (clear) model.clear();
    for (const [at, output] of set) model.set(at, output);
    for (const output of add) model.add(output);
    this.outputs = outputs;
  }

  private newArea(): OutputArea {
    const model = new OutputAreaModel({ trusted: false });
    const area = new OutputArea({ model, rendermime: this.tools.rendermime, contentFactory: OutputArea.defaultContentFactory, maxNumberOutputs: 100 });
    area.addClass('nbs-foreign');
    this.addWidget(area);
    return area;
  }

  private readonly icon = sign();
  private readonly prompt = make('span', 'prompt');
  private readonly spent = make('span', 'num');
  private readonly source = make('pre', 'source');
  private area: OutputArea | null = null;
  private outputs: IOutput[] = [];
  private shown: string | null = null;
}

export function text(value: MultilineString): string {
  return Array.isArray(value) ? value.join('') : value;
}

function duration(cell: ICell): string {
  const seconds = (cell.metadata as { papermill?: { duration?: number } }).papermill?.duration;
  return typeof seconds === 'number' ? took(Math.round(seconds * 1000)) : '';
}
