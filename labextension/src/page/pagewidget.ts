// The page of all schedules and runs, as a widget of the main area.

import { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import { button, make } from '../../../nbsched/panel/view/elements.js';
import { mountPage } from '../../../nbsched/panel/view/page.js';
import type { Page, PageTab } from '../../../nbsched/panel/view/page.js';
import { Commands } from '../commands';
import { icon } from '../icons';
import { runMenu } from '../menus';
import { Trouble } from '../trouble';
import { Repair } from './repair';
import { RunView } from './runview';
import type { Tools } from './tools';

export class PageWidget extends Panel {
  constructor(private readonly tools: Tools) {
    super();
    this.id = 'nbsched-page';
    this.title.label = 'Schedules and runs';
    this.title.icon = icon;
    this.title.closable = true;
    this.addClass('nbs-page');
    this.trouble = new Trouble(tools.server);
    this.addWidget(this.trouble);
    const body = new Widget();
    body.addClass('nbs-whole');
    this.addWidget(body);
    this.page = this.mount(body.node);
    tools.server.news.connect(this.heard, this);
    tools.server.stateChanged.connect(this.paintTrouble, this);
    this.paintTrouble();
  }

  readonly page: Page;

  // The run, or the schedule, is in front.
  choose(chosen: { run?: number; schedule?: string; tab?: PageTab }): void {
    if (chosen.schedule !== undefined) this.page.open('Schedules');
    if (chosen.tab) this.page.open(chosen.tab);
    if (chosen.run !== undefined) this.page.choose({ run: chosen.run });
    else if (chosen.schedule !== undefined) this.page.choose({ schedule: chosen.schedule });
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.view.dispose();
    this.page.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.page.ask();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
  }

  private mount(node: HTMLElement): Page {
    const { server, app } = this.tools, repair = new Repair(app.commands, server, () => this.view);
    return mountPage(node, {
      known: server.known,
      send: message => message.t === 'look' && server.look(message.run),
      act: (verb, target, value) => server.act(verb, target, value),
      aside: page => (this.view = new RunView(Object.assign(page, {
        more: (of: Parameters<NonNullable<Page['more']>>[0]) => (of.row ? repair.ofRun(of.row, of.details) : of.schedule ? repair.ofSchedule(of.schedule) : [])
      }), this.tools)),
      openRun: run => void app.commands.execute(Commands.openRun, { run }),
      remedy: this.remedy(),
      menu: (run, x, y) => runMenu(app.commands, server.known.rows.get(run)!, x, y)
    });
  }

  // Where nothing has run yet there is a way to begin.
  private remedy(): HTMLElement {
    const { commands } = this.tools.app, node = make('div', 'remedy');
    if (commands.hasCommand(Commands.schedule)) node.append(button('Schedule a notebook…', () => void commands.execute(Commands.schedule), 'primary'));
    return node;
  }

  private heard(): void {
    this.page.heard();
  }

  private paintTrouble(): void {
    const { state, known } = this.tools.server;
    this.trouble.paint();
    this.toggleClass('nbs-blank', !known.loaded && state !== 'live');
    this.toggleClass('nbs-stale', known.loaded && state !== 'live');
  }

  private readonly trouble: Trouble;
  private view!: RunView;
}
