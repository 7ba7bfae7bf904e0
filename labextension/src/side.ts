// The side panel: schedules, what waits or runs, what ran lately.

import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { AccordionPanel, Panel, Widget } from '@lumino/widgets';
import { SidePanel } from '@jupyterlab/ui-components';

import type { ScheduleLine, Verb } from '../../nbsched/panel/view/data';
import { button, keepKeys, make } from '../../nbsched/panel/view/elements.js';
import { actButtons, runRow, scheduleRow } from '../../nbsched/panel/view/rows.js';
import type { Host } from '../../nbsched/panel/view/rows.js';
import { Commands } from './commands';
import { icon } from './icons';
import { runMenu, scheduleMenu } from './menus';
import { Section } from './section';
import type { IServer } from './tokens';
import { Trouble } from './trouble';

const TICK_MS = 1_000;
// the states of the queue, in its order
const GOING = ['running', 'queued', 'pending'];
const SIZES = [3, 3, 4];

export class Side extends SidePanel implements Host {
  constructor(
    private readonly server: IServer,
    private readonly commands: CommandRegistry
  ) {
    super({ header: new Panel() });
    this.id = 'nbsched-side';
    this.addClass('nbs-side');
    this.title.icon = icon;
    this.title.caption = 'Schedules and runs';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'nbsched');
    this.header.addWidget(this.top());
    this.header.addWidget(this.trouble);
    const content = this.content as AccordionPanel;
    for (const [at, section] of [this.schedules, this.queue, this.recent].entries()) {
      this.addWidget(section);
      content.titles[at].append(section.count);
    }
    server.news.connect(this.ask, this);
    server.stateChanged.connect(this.ask, this);
    this.paint();
  }

  readonly opened = new Set<number>();

  get known() {
    return this.server.known;
  }

  act(verb: Verb, target: number | string): void {
    void this.commands.execute(Commands.act, { verb, target });
  }

  // What a pipeline holds is shown on its page.
  fold(): void {}

  filterBy(text: string): void {
    this.filter.value = text;
    this.ask();
  }

  // Something is open: Lab 4.4 restores sections that were out of sight as folded.
  unfold(): void {
    const content = this.content as AccordionPanel;
    if (content.widgets.every(section => section.isHidden)) content.widgets.forEach((_, at) => content.expand(at));
  }

  protected override onBeforeShow(message: Message): void {
    super.onBeforeShow(message);
    this.ask();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    const content = this.content as AccordionPanel;
    if (!this.ticking) content.setRelativeSizes(SIZES);
    this.ticking ||= window.setInterval(() => document.hidden || this.ask(), TICK_MS);
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.filter.focus();
  }

  override dispose(): void {
    window.clearInterval(this.ticking);
    super.dispose();
  }

  private top(): Widget {
    const top = new Widget();
    top.addClass('nbs');
    top.addClass('nbs-top');
    this.filter.type = 'search';
    this.filter.placeholder = 'Filter: name, state, reason…';
    this.filter.setAttribute('aria-label', 'Filter schedules and runs');
    this.filter.addEventListener('input', () => this.ask());
    this.filter.addEventListener('keydown', event => this.leaveFilter(event));
    this.page.title = 'Open the page of schedules and runs';
    this.page.setAttribute('aria-label', this.page.title);
    icon.element({ container: this.page });
    top.node.append(this.filter, this.page);
    return top;
  }

  private leaveFilter(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.filterBy('');
    if (event.key !== 'ArrowDown') return;
    event.preventDefault();
    [this.schedules, this.queue, this.recent].find(one => one.list.items.length)?.list.scroll.focus();
  }

  private section(name: string, className: string): Section<number> {
    return new Section<number>({
      name,
      className: `runs ${className}`,
      newRow: () => runRow(this, actButtons),
      key: id => id,
      open: run => this.openRun(run),
      menu: (id, x, y) => runMenu(this.commands, this.known.rows.get(id)!, x, y)
    });
  }

  private openRun(run: number | null): void {
    if (run !== null && this.commands.hasCommand(Commands.openRun)) void this.commands.execute(Commands.openRun, { run });
  }

  // ---- what is shown, at most once a frame

  private ask(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.isVisible) this.paint();
    });
  }

  private paint(): void {
    const { known, server, commands } = this, filter = this.filter.value.trim();
    this.page.hidden = !commands.hasCommand(Commands.openPage);
    this.trouble.paint();
    this.content.setHidden(server.state === 'absent' || !known.loaded);
    this.toggleClass('nbs-stale', server.state !== 'live');
    const rows = known.matching(filter, this.opened), state = (id: number): string => known.rows.get(id)!.state;
    const nothing = filter && 'Nothing matches the filter.';
    this.schedules.fill(known.matchingSchedules(filter), nothing || 'No schedules yet.', this.remedy);
    this.remedy.hidden ||= !!filter || !commands.hasCommand(Commands.schedule);
    const going = rows.filter(id => GOING.includes(state(id))).sort((a, b) => GOING.indexOf(state(a)) - GOING.indexOf(state(b)));
    this.queue.fill(going, nothing || 'Nothing waits or runs.');
    this.recent.fill(rows.filter(id => !GOING.includes(state(id))), nothing || 'No runs yet.');
  }

  private readonly filter = keepKeys(make('input'));
  private readonly page = button('', () => void this.commands.execute(Commands.openPage), 'page');
  private readonly trouble = new Trouble(this.server);
  private readonly remedy = button('Schedule this notebook…', () => void this.commands.execute(Commands.schedule), 'remedy');
  private readonly queue = this.section('Queue', 'queue');
  private readonly recent = this.section('Recent runs', 'recent');
  private readonly schedules = new Section<ScheduleLine>({
    name: 'Schedules',
    className: 'schedules',
    newRow: () => scheduleRow(this),
    key: one => one.name,
    open: one => this.openRun(one.last_run),
    menu: (one, x, y) => scheduleMenu(this.commands, one, x, y)
  });
  private ticking = 0;
  private frame: number | undefined;
}
