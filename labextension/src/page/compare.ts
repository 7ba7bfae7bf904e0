// A run beside another one: the parameters that differ, and the cells side by side.

import type { ICell } from '@jupyterlab/nbformat';
import { Panel, Widget } from '@lumino/widgets';

import type { PanelRow } from '../../../nbsched/panel/view/data';
import { button, keepKeys, make, say } from '../../../nbsched/panel/view/elements.js';
import { toneWord } from '../../../nbsched/panel/view/columns.js';
import { folded } from '../../../nbsched/panel/view/pairs.js';
import type { Verdict } from '../../../nbsched/panel/view/pairs.js';
import { exact } from '../../../nbsched/panel/view/words.js';
import type { IServer } from '../server';
import { CellView } from './cell';
import type { Pane } from './panes';
import type { Tools } from './tools';

interface Pair {
  verdict: Verdict;
  this: ICell | null;
  other: ICell | null;
}

interface Comparison {
  params: { name: string; this: unknown; other: unknown }[];
  cells: Pair[];
}

interface Beside {
  id: number;
  state: string;
  at: number | null;
}

const MOST = 50;
const WORDS: Record<Verdict, string> = {
  same: 'the same', source: 'other source', outputs: 'other outputs', added: 'only here', removed: 'only there'
};

export class ComparePane extends Panel implements Pane {
  constructor(
    private readonly tools: Tools,
    private readonly run: number
  ) {
    super();
    this.addClass('nbs-compare');
    const label = make('label', '', 'Compare with ');
    label.append(this.choice);
    keepKeys(this.choice).addEventListener('change', () => void this.load());
    const bar = make('div', 'bar-of-notebook');
    bar.append(label, this.said);
    this.said.setAttribute('role', 'status');
    this.addWidget(new Widget({ node: bar }));
    this.body.addClass('nbs-cells');
    keepKeys(this.body.node).tabIndex = 0;
    this.addWidget(this.body);
  }

  look(row: PanelRow): void {
    const runs = others(this.tools.server, row), key = runs.map(one => one.id).join();
    if (key !== this.key) this.offer(runs);
    this.key = key;
  }

  leave(): void {}

  // That run is beside it.
  against(run: number): void {
    this.wanted = run;
    if ([...this.choice.options].some(one => one.value === String(run))) this.choice.value = String(run);
    void this.load();
  }

  private offer(runs: Beside[]): void {
    const before = this.wanted ?? (Number(this.choice.value) || undefined);
    this.choice.replaceChildren(...runs.map(one => new Option(`${one.id} · ${one.state}${one.at === null ? '' : ` · ${exact(one.at).slice(0, 16)}`}`, String(one.id))));
    this.choice.disabled = !runs.length;
    const best = runs.find(one => one.id === before) ?? runs.find(one => one.state === 'succeeded' && one.id < this.run) ?? runs[0];
    if (!best) return say(this.said, 'There is no other run to compare with.');
    this.choice.value = String(best.id);
    if (best.id !== this.other) void this.load();
  }

  private async load(): Promise<void> {
    const other = (this.other = Number(this.choice.value));
    if (!other) return;
    say(this.said, 'Comparing…');
    try {
      const found = await this.tools.server.ask<Comparison>(`/runs/${this.run}/compare/${other}`);
      if (this.other === other && !this.isDisposed) this.fill(found, other);
    } catch (error) {
      this.clear();
      say(this.said, error instanceof Error ? error.message : String(error));
    }
  }

  private clear(): void {
    for (const widget of [...this.body.widgets]) widget.dispose();
  }

  private fill({ params, cells }: Comparison, other: number): void {
    this.clear();
    const differ = cells.filter(one => one.verdict !== 'same').length;
    say(this.said, cells.length ? `${differ} of ${cells.length} cells differ` : 'Neither has left a notebook.');
    this.body.addWidget(new Widget({ node: table(params, this.run, other) }));
    for (const group of folded(cells)) this.body.addWidget(group.same ? this.fold(group.pairs as Pair[]) : this.pair((group.pairs as Pair[])[0], other));
  }

  // Equal cells in a row are one line, which opens.
  private fold(pairs: Pair[]): Widget {
    const whole = new Panel(), text = `${pairs.length} cell${pairs.length > 1 ? 's' : ''} the same`;
    const open = button(text, () => {
      const shown = open.getAttribute('aria-expanded') !== 'true';
      open.setAttribute('aria-expanded', String(shown));
      if (shown) for (const one of pairs) whole.addWidget(this.cell(one.this));
      else for (const widget of whole.widgets.slice(1)) widget.dispose();
    }, 'fold-line');
    open.setAttribute('aria-expanded', 'false');
    whole.addClass('nbs-same');
    whole.addWidget(new Widget({ node: open }));
    return whole;
  }

  private pair(pair: Pair, other: number): Widget {
    const whole = new Panel(), sides = new Panel();
    whole.addClass('nbs-pair');
    whole.node.dataset.verdict = pair.verdict;
    whole.addWidget(new Widget({ node: make('div', 'verdict', WORDS[pair.verdict]) }));
    sides.addClass('sides');
    for (const [side, id] of [['this', this.run], ['other', other]] as const) sides.addWidget(this.cell(pair[side], `run ${id}`));
    whole.addWidget(sides);
    return whole;
  }

  private cell(cell: ICell | null, side = ''): Widget {
    if (!cell) {
      const none = new Widget({ node: make('div', 'none', side ? `not in ${side}` : '') });
      return none;
    }
    const view = new CellView(this.tools);
    view.bring(cell, true);
    if (side) view.node.dataset.side = side;
    return view;
  }

  private readonly choice = make('select');
  private readonly said = make('span', 'said');
  private readonly body = new Panel();
  private key: string | null = null;
  private wanted: number | undefined;
  private other = 0;
}

// Runs that can stand beside it: ended, of the same series, the newest first.
function others({ known }: IServer, { id, series }: PanelRow): Beside[] {
  const past = (known.history.get(series) ?? []).map(([run, tone]): Beside => ({ id: run, state: toneWord(tone), at: null }));
  const rows = known.order.map(run => known.rows.get(run) as PanelRow).filter(one => one.series === series && one.ended_ms !== null && one.started_ms !== null);
  const all = new Map([...past, ...rows.map((one): Beside => ({ id: one.id, state: one.state, at: one.scheduled_ms }))].map(one => [one.id, one]));
  all.delete(id);
  return [...all.values()].sort((one, two) => two.id - one.id).slice(0, MOST);
}

function table(params: Comparison['params'], run: number, other: number): HTMLElement {
  if (!params.length) return make('p', 'said', 'All parameters are the same.');
  const node = make('table', 'params'), head = make('tr');
  head.append(...['parameter', `run ${run}`, `run ${other}`].map(name => heading(name, 'col')));
  node.append(head);
  for (const one of params) {
    const line = make('tr');
    line.append(heading(one.name, 'row'), make('td', '', value(one.this)), make('td', '', value(one.other)));
    node.append(line);
  }
  return node;
}

function heading(name: string, scope: string): HTMLElement {
  const node = make('th', '', name);
  node.scope = scope;
  return node;
}

function value(given: unknown): string {
  return given === null || given === undefined ? '—' : JSON.stringify(given);
}
