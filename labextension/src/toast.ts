// A failure is told where a person looks: once each, and many within seconds in one message.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { News, PanelRow } from '../../nbsched/panel/view/data';
import { Commands } from './commands';
import { IServer } from './tokens';

const MOST = 3;
const NAMED = 4;
const READ_MS = 15_000;

export const toast: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:toast',
  description: 'Tells of runs that fail.',
  autoStart: true,
  requires: [IServer],
  optional: [ISettingRegistry],
  activate: (app: JupyterFrontEnd, server: IServer, settings: ISettingRegistry | null): void => {
    const failures = new Failures(server), messages = new Messages(app.commands);
    const telling = settings?.load(toast.id).catch(() => null);
    server.news.connect((_, news) => {
      const fresh = failures.among(news);
      if (fresh.length) void Promise.resolve(telling).then(found => found?.composite.failures === false || messages.tell(fresh));
    });
  }
};

// Tells which of the news are failures of which nothing was said: those since the page was opened.
class Failures {
  constructor(private readonly server: IServer) {}

  among(news: News): PanelRow[] {
    this.since ??= this.server.known.now();
    const fresh = (news.rows ?? []).filter(row => row.state === 'failed' && row.parent === null && row.ended_ms! >= this.since!);
    const unsaid = fresh.filter(row => !this.said.has(row.id));
    for (const row of unsaid) this.said.add(row.id);
    return unsaid;
  }

  private readonly said = new Set<number>();
  private since: number | undefined;
}

// The messages that are open: few are one each, more become one.
class Messages {
  constructor(private readonly commands: CommandRegistry) {}

  tell(rows: PanelRow[]): void {
    const since = Date.now() - READ_MS;
    this.open = this.open.filter(one => one.at > since && Notification.manager.has(one.id));
    const all = [...this.open.flatMap(one => one.rows), ...rows];
    if (all.length <= MOST) {
      for (const row of rows) this.add(`${row.name} failed${row.why ? `: ${row.why}` : ''}`, [row], this.ways(row));
      return;
    }
    const whole = this.open.find(one => one.rows.length > 1);
    for (const one of this.open) if (one !== whole) Notification.dismiss(one.id);
    this.open = [];
    this.add(summary(all), all, [this.way('Show', Commands.openPanel, { filter: 'failed' })], whole?.id);
  }

  // A message is there, or the one with that id says this instead.
  private add(text: string, rows: PanelRow[], actions: Notification.IAction[], id = ''): void {
    const options = { autoClose: READ_MS, actions };
    const same = !!id && Notification.update({ id, message: text, ...options });
    this.open.push({ id: same ? id : Notification.error(text, options), at: Date.now(), rows });
  }

  private ways({ id }: PanelRow): Notification.IAction[] {
    const known = [ this.way('Show cell', Commands.showCell, { run: id }) ];
    if (this.commands.hasCommand(Commands.openRun)) known.push(this.way('Open run', Commands.openRun, { run: id }));
    return known;
  }

  private way(label: string, command: string, args: ReadonlyJSONObject): Notification.IAction {
    return { label, callback: () => void this.commands.execute(command, args) };
  }

  private open: { id: string; at: number; rows: PanelRow[] }[] = [];
}

function summary(rows: PanelRow[]): string {
  const names = [...new Set(rows.map(row => row.name))], more = names.length - NAMED;
  return `${rows.length} runs failed: ${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
