// One run alone, as a widget of the main area.

import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import type { Around, Chosen } from '../../../nbsched/panel/view/aside.js';
import type { Details, PanelRow, Verb } from '../../../nbsched/panel/view/data';
import { told } from '../acting';
import { Commands } from '../commands';
import { icon } from '../icons';
import { Repair } from './repair';
import { RunView } from './runview';
import type { Tools } from './tools';

export class RunWidget extends Widget implements Around {
  constructor(
    private readonly tools: Tools,
    readonly run: number
  ) {
    super();
    this.id = `nbsched-run-${run}`;
    this.title.label = `Run ${run}`;
    this.title.icon = icon;
    this.title.closable = true;
    this.addClass('nbs');
    this.addClass('nbs-alone');
    this.repair = new Repair(tools.app.commands, tools.server, () => this.view);
    this.chosen = { run };
    this.view = new RunView(this, tools);
    this.node.append(this.view.node);
    tools.server.news.connect(this.ask, this);
    this.ticking = window.setInterval(() => this.isVisible && this.ask(), 1000);
    tools.server.look(run);
    this.ask();
  }

  readonly roomy = true;
  readonly chosen: { run: number };
  readonly view: RunView;

  get known(): Around['known'] {
    return this.tools.server.known;
  }

  // Another run has a place of its own; the cross closes this one.
  choose(chosen: Chosen): void {
    if (!chosen) this.close();
    else if ('run' in chosen) void this.tools.app.commands.execute(Commands.openRun, chosen);
    else void this.tools.app.commands.execute(Commands.openPage, chosen);
  }

  act(verb: Verb, target: number | string, value?: string): Promise<void> {
    return told(this.tools.server.act(verb, target, value));
  }

  more({ row, details }: { row?: PanelRow; details?: Details }): HTMLElement[] {
    return row ? this.repair.ofRun(row, details) : [];
  }

  ask = (): void => {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (!this.isDisposed) this.paint();
    });
  };

  override dispose(): void {
    if (this.isDisposed) return;
    window.clearInterval(this.ticking);
    this.view.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.ask();
  }

  private paint(): void {
    const row = this.known.rows.get(this.run);
    if (row) this.title.label = `${row.name} · ${this.run}`;
    this.view.show();
  }

  private readonly repair: Repair;
  private readonly ticking: number;
  private frame: number | undefined;
}
