// A failure is told where a person looks: once each, and many at a time in one.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

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
    const failures = new Failures(server);
    const telling = settings?.load(toast.id).catch(() => null);
    server.news.connect((_, news) => {
      const fresh = failures.among(news);
      if (fresh.length) void Promise.resolve(telling).then(found => found?.composite.failures === false || tell(app, fresh));
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

function tell({ commands }: JupyterFrontEnd, rows: PanelRow[]): void {
  if (rows.length > MOST) {
    const names = [...new Set(rows.map(row => row.name))], more = names.length - NAMED;
    const text = `${rows.length} runs failed: ${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    const callback = (): void => void commands.execute(Commands.openPanel, { filter: 'failed' });
    Notification.error(text, { autoClose: READ_MS, actions: [{ label: 'Show', callback }] });
    return;
  }
  for (const { id, name, why } of rows) {
    const act = (label: string, command: string) => ({ label, callback: () => void commands.execute(command, { run: id }) });
    const ways = [[ 'Show cell', Commands.showCell ], [ 'Open run', Commands.openRun ]].filter(([, command]) => commands.hasCommand(command));
    Notification.error(`${name} failed${why ? `: ${why}` : ''}`, {
      autoClose: READ_MS,
      actions: ways.map(([label, command]) => act(label, command))
    });
  }
}
