// What stands in the side panel while the server is not heard.

import { Widget } from '@lumino/widgets';

import { button, make, say, sign } from '../../nbsched/panel/view/elements.js';
import { clock } from '../../nbsched/panel/view/words.js';
import { ENABLE } from './connection';
import type { IServer } from './tokens';

const TITLES = { connecting: 'Connecting…', live: '', absent: 'No nbsched here', lost: 'Not live' };

export class Trouble extends Widget {
  constructor(private readonly server: IServer) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-trouble');
    this.node.setAttribute('role', 'status');
    this.again = button('Try again', () => server.refresh());
    const words = make('div', 'words');
    words.append(this.head, this.text, this.cure);
    this.node.append(this.icon, words, this.again);
  }

  paint(): void {
    const { state, trouble, known } = this.server;
    this.setHidden(state === 'live');
    this.node.dataset.state = known.loaded && state === 'lost' ? 'stale' : state;
    this.icon.show(state === 'connecting' ? '◌' : state === 'absent' ? '⊘' : '✕', state === 'connecting' ? 'wait' : 'warn');
    if (state === 'live') this.heard = Date.now();
    say(this.head, state === 'lost' && known.loaded ? `Not live since ${clock(this.heard)}` : TITLES[state]);
    say(this.text, state === 'absent' ? 'This Jupyter server runs without it. Enable it, then restart the server:' : trouble);
    this.cure.hidden = state !== 'absent';
    this.node.title = trouble;
    this.again.hidden = state === 'connecting';
  }

  private readonly icon = sign();
  private readonly head = make('b');
  private readonly text = make('span');
  private readonly cure = make('code', '', ENABLE);
  private readonly again: HTMLButtonElement;
  private heard = Date.now();
}
