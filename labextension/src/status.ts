// How many run, wait and failed today, in the status bar.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { button, make, put, say, sign } from '../../nbsched/panel/view/elements.js';
import { clock, exact, grouped } from '../../nbsched/panel/view/words.js';
import { Commands } from './commands';
import { IServer } from './tokens';

export const status: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:status',
  description: 'Counts of runs in the status bar.',
  autoStart: true,
  requires: [IServer],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, server: IServer, bar: IStatusBar | null): void => {
    if (!bar) return;
    const item = new Status(server, () => void app.commands.execute(Commands.openPanel));
    bar.registerStatusItem('nbsched:status', {
      item,
      align: 'left',
      rank: 20,
      isActive: () => server.state !== 'connecting' && server.state !== 'absent',
      activeStateChanged: item.activeStateChanged
    });
  }
};

class Status extends Widget {
  constructor(
    private readonly server: IServer,
    open: () => void
  ) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-status');
    this.addClass('jp-mod-highlighted');
    this.way = button('', open);
    this.way.append(this.ran, this.text, this.cross, this.failed);
    this.cross.show('✕', 'bad');
    this.node.append(this.way);
    server.news.connect(this.paint, this);
    server.stateChanged.connect(this.paint, this);
    this.paint();
  }

  readonly activeStateChanged = new Signal<this, void>(this);

  private paint(): void {
    const { known, state } = this.server, failed = known.failedToday(), { running = 0, queued = 0 } = known.counts ?? {};
    const soon = known.nextFire(), idle = soon ? `next ${clock(soon.next_ms!)}` : 'nbsched idle';
    const busy = [running && `${grouped(running)} running`, queued && `${grouped(queued)} queued`].filter(Boolean).join(' · ');
    this.ran.show(state === 'lost' ? '⊘' : running ? '◐' : queued ? '◌' : '◷', state === 'lost' ? 'warn' : running ? 'run' : 'wait');
    say(this.text, state === 'lost' ? 'nbsched offline' : busy || idle);
    this.cross.classList.toggle('none', !failed);
    say(this.failed, failed ? `${grouped(failed)} failed today` : '');
    const lines = [this.server.trouble, soon && `next: ${soon.name}, ${exact(soon.next_ms)}`, 'Click to show schedules and runs'];
    put(this.way, 'title', lines.filter(Boolean).join('\n'));
    put(this.way, 'aria-label', `nbsched: ${[this.text.textContent, this.failed.textContent].filter(Boolean).join(', ')}`);
    this.activeStateChanged.emit();
  }

  private readonly way: HTMLButtonElement;
  private readonly ran = sign();
  private readonly cross = sign();
  private readonly text = make('span');
  private readonly failed = make('span', 'bad');
}
