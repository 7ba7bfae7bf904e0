// In a notebook's toolbar: when it runs next, and whether it is another than the one that ran last.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';
import type { Contents } from '@jupyterlab/services';

import type { News, RunRow, ScheduleRow } from '../../nbsched/panel/view/data';
import { button, make, put, say, sign } from '../../nbsched/panel/view/elements.js';
import { clock, exact } from '../../nbsched/panel/view/words.js';
import { Commands } from './commands';
import { IServer } from './tokens';

// the server's folder, and the same shared by several people
const DRIVES = ['', 'RTC'];
const REST_MS = 2_000;
const TICK_MS = 20_000;
const SOON_MS = 20 * 3_600_000;
const WEEK_MS = 6 * 86_400_000;

// what GET /notebooks answers
interface Notebook {
  name: string;
  schedules: ScheduleRow[];
  last_run: RunRow | null;
  changed: boolean | null;
}

export const badge: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:badge',
  description: "Says in a notebook's toolbar when it runs next and whether it has changed since its last run.",
  autoStart: true,
  requires: [IServer, IToolbarWidgetRegistry],
  activate: (app: JupyterFrontEnd, server: IServer, toolbars: IToolbarWidgetRegistry): void => {
    const contents = app.serviceManager.contents;
    toolbars.addFactory<NotebookPanel>('Notebook', 'nbsched-badge', panel => {
      const open = (filter: string): void => void app.commands.execute(Commands.openPanel, { filter });
      return new Badge(server, contents, panel.context, open);
    });
  }
};

class Badge extends Widget {
  constructor(
    private readonly server: IServer,
    private readonly contents: Contents.IManager,
    private readonly context: DocumentRegistry.IContext<INotebookModel>,
    private readonly open: (filter: string) => void
  ) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-badge');
    this.next.append(this.clockSign, this.nextText);
    this.node.append(this.next, this.changed);
    this.changed.title = 'The notebook is another than the one that last ran successfully';
    context.saveState.connect(this.saved, this);
    context.pathChanged.connect(this.ask, this);
    server.news.connect(this.heard, this);
    this.ticking = window.setInterval(() => document.hidden || this.paint(), TICK_MS);
    void context.ready.then(() => this.ask());
    this.paint();
  }

  override dispose(): void {
    window.clearInterval(this.ticking);
    window.clearTimeout(this.asking);
    super.dispose();
  }

  private saved(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'completed') this.ask();
  }

  private heard(_: unknown, news: News): void {
    const ours = new Set(this.found?.schedules.map(one => one.name)), name = this.found?.name;
    const ran = (news.rows ?? []).some(row => row.ended_ms !== null && (row.name === name || ours.has(row.schedule ?? '')));
    if (news.all || news.overview?.schedules || ran) this.ask();
  }

  // Asked at once after a rest, else at the end of it.
  private ask(): void {
    if (this.asking !== undefined) return;
    const rest = Math.max(0, this.askedAt + REST_MS - performance.now());
    this.asking = window.setTimeout(() => void this.fetch(), rest);
  }

  private async fetch(): Promise<void> {
    this.asking = undefined;
    this.askedAt = performance.now();
    if (this.server.state === 'live' && DRIVES.includes(this.contents.driveName(this.context.path))) {
      const path = encodeURIComponent(this.contents.localPath(this.context.path));
      this.found = await this.server.ask<Notebook>(`/notebooks?path=${path}`).catch(() => null);
    }
    if (!this.isDisposed) this.paint();
  }

  private paint(): void {
    const { schedules = [], changed = null } = this.found ?? {}, now = this.server.known.now();
    const soon = schedules.map(one => (one.paused || !one.next_at ? Infinity : Date.parse(one.next_at))).sort((a, b) => a - b)[0];
    const text = soon === undefined ? '' : soon === Infinity ? waiting(schedules) : `next ${moment(soon, now)}`;
    this.setHidden(!schedules.length && changed !== true);
    this.next.hidden = !schedules.length;
    this.clockSign.show(soon === Infinity ? '‖' : '◷', soon === Infinity ? 'warn' : 'run');
    say(this.nextText, schedules.length ? `scheduled, ${text}` : '');
    put(this.next, 'title', schedules.map(one => `${one.name}: ${one.trigger}, ${one.paused ? `paused ${one.paused}` : one.next_at ? exact(Date.parse(one.next_at)) : 'no next time'}`).join('\n'));
    this.changed.hidden = changed !== true;
  }

  private found: Notebook | null = null;
  private asking: number | undefined;
  private askedAt = -Infinity;
  private readonly ticking: number;
  private readonly clockSign = sign();
  private readonly nextText = make('span');
  private readonly next = button('', () => this.open(this.found?.schedules.map(one => one.name)[0] ?? ''), 'next');
  private readonly changed = make('span', 'changed warn', 'changed since last run');
}

// 02:00, or behind its day
function moment(at: number, now: number): string {
  const text = exact(at);
  if (at - now < SOON_MS) return clock(at);
  const day = at - now < WEEK_MS ? new Date(at).toLocaleDateString(undefined, { weekday: 'short' }) : text.slice(0, 10);
  return `${day} ${clock(at)}`;
}

function waiting(schedules: ScheduleRow[]): string {
  return schedules.every(one => one.paused) ? 'paused' : 'waits for an event';
}
