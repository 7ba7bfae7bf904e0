// The services that plugins of nbsched give each other.

import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { News, Verb } from '../../nbsched/panel/view/data';
import type { Known } from '../../nbsched/panel/view/known.js';
import type { Asking } from './ask';

// connecting: not answered yet; absent: the server has no nbsched; lost: it does not answer now, and is asked again
export type State = 'connecting' | 'live' | 'absent' | 'lost';

export interface IServer {
  readonly state: State;
  // in a sentence why nothing is to be seen; empty while live
  readonly trouble: string;
  readonly stateChanged: ISignal<IServer, State>;
  // what is known of the whole store, kept up to date before `news` tells
  readonly known: Known;
  // what has changed, as `known.take` and a mounted panel's `news` take it
  readonly news: ISignal<IServer, News>;
  // `path` begins with a slash; throws Refused with the server's sentence and status
  ask<T>(path: string, options?: Asking): Promise<T>;
  // what a button of a panel does; throws as `ask`
  act(verb: Verb, target: number | string, value?: string): Promise<void>;
  // this run is wanted in full: its details, log and graph come with the news, the last ten of them so asked for
  look(run: number): void;
  // the server is asked for news now
  refresh(): void;
}

export const IServer = new Token<IServer>('nbsched:server', 'What the Jupyter server knows of nbsched, live.');
