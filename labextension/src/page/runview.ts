// A run from all its sides: what its details say, its output, log and events, and another run beside it.

import { Widget } from '@lumino/widgets';

import '../../style/page.css';
import { Aside } from '../../../nbsched/panel/view/aside.js';
import type { Around } from '../../../nbsched/panel/view/aside.js';
import { make } from '../../../nbsched/panel/view/elements.js';
import { Tabs } from '../../../nbsched/panel/view/tabs.js';
import { ComparePane } from './compare';
import { EventsPane } from './events';
import { LogPane } from './log';
import { NotebookPane } from './notebook';
import { PANES, offered } from './panes';
import type { Pane, PaneName } from './panes';
import type { Tools } from './tools';

export class RunView {
  constructor(
    private readonly around: Around,
    private readonly tools: Tools
  ) {
    this.aside = new Aside(around);
    this.node = this.aside.node;
    this.node.classList.add('runview');
    this.box.setAttribute('role', 'tabpanel');
    this.aside.top.after(this.tabs.node);
    this.box.append(this.aside.rest);
    this.node.append(this.box);
    this.open('Details');
  }

  readonly node: HTMLElement;

  show(): void {
    this.aside.show();
    const run = this.around.chosen?.run, row = run === undefined ? undefined : this.around.known.rows.get(run);
    this.tabs.node.hidden = !row;
    if (run !== this.run) this.turnTo(run);
    if (!row) return this.put('Details');
    for (const [name, tab] of this.tabs.buttons) tab.hidden = !offered(name as PaneName, row);
    const name = offered(this.wanted, row) ? this.wanted : 'Details';
    this.put(name);
    if (name !== 'Details') this.pane(name, row.id).look(row, this.around.known.details.get(row.id));
  }

  // That side of the run is in front, also of the next ones.
  open(name: PaneName): void {
    this.wanted = name;
    this.put(name);
    this.around.ask();
  }

  showFailed(): void {
    if (this.run === undefined) return;
    this.open('Output');
    (this.pane('Output', this.run) as NotebookPane).reveal();
  }

  compare(other: number): void {
    if (this.run === undefined) return;
    this.open('Compare');
    (this.pane('Compare', this.run) as ComparePane).against(other);
  }

  dispose(): void {
    this.turnTo(undefined);
  }

  private turnTo(run: number | undefined): void {
    for (const pane of this.panes.values()) pane.dispose();
    this.panes.clear();
    this.run = run;
  }

  private pane(name: PaneName, run: number): Pane {
    const pane = this.panes.get(name) ?? new MADE[name as keyof typeof MADE](this.tools, run);
    this.panes.set(name, pane);
    if (!pane.isAttached && this.box.isConnected) Widget.attach(pane, this.box);
    return pane;
  }

  private put(name: PaneName): void {
    this.tabs.opened(name);
    this.box.setAttribute('aria-label', name);
    this.aside.rest.hidden = name !== 'Details';
    for (const [one, pane] of this.panes) {
      if (one !== name) pane.leave();
      pane.setHidden(one !== name);
    }
  }

  private readonly aside: Aside;
  private readonly tabs = new Tabs(PANES, name => this.open(name as PaneName));
  private readonly box = make('div', 'pane');
  private readonly panes = new Map<PaneName, Pane>();
  private wanted: PaneName = 'Details';
  private run: number | undefined;
}

const MADE = { Output: NotebookPane, Log: LogPane, Events: EventsPane, Compare: ComparePane };
