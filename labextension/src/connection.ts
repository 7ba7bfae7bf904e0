// What the server says has changed is fetched: one request at a time, at most nine a second and in a flood four, and again until it is known.

import type { Event, ServiceManager } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import type { News, Verb } from '../../nbsched/panel/view/data';
import { Known } from '../../nbsched/panel/view/known.js';
import { Refused, ask } from './ask';
import type { Asking } from './ask';
import type { IServer, State } from './tokens';

// the schema of the Jupyter event that says that something has changed
export const CHANGED = 'urn:nbsched:changed';

const PERIOD_MS = 115;
// in a flood: once it was asked so often without a rest
const FLOOD = 9;
const FLOOD_PERIOD_MS = 225;
const REST_MS = 500;
const HIDDEN_MS = 2_000;
// without any event the server is asked so often, in case one was lost
const NET_MS = 10_000;
const ABSENT_MS = 30_000;
// so often once news came of which no event had told: the events' websocket is cut, or not there
const DEAF_MS = 2_000;
// so often while a run that is looked at writes its log
const LOG_MS = 1_000;
const FIRST_WAIT_MS = 500;
const LOOKED = 10;
const WAKING = ['online', 'offline', 'focus', 'pageshow'];

export const ENABLE = 'jupyter server extension enable nbsched';
const ABSENT = `This Jupyter server runs without nbsched: enable it with “${ENABLE}”, then restart the server.`;

type Answer = News & { token: string };

export class Connection implements IServer {
  constructor(private readonly services: ServiceManager.IManager) {}

  readonly known = new Known(null);
  readonly stateChanged = new Signal<this, State>(this);
  readonly news = new Signal<this, News>(this);
  state: State = 'connecting';
  trouble = '';

  start(): void {
    this.services.events.stream.connect(this.heard, this);
    for (const name of WAKING) window.addEventListener(name, this.awake);
    document.addEventListener('visibilitychange', this.awake);
    this.want(0);
  }

  ask<T>(path: string, options?: Asking): Promise<T> {
    return ask<T>(this.services.serverSettings, path, options);
  }

  async act(verb: Verb, target: number | string, value = ''): Promise<void> {
    const [what, body] = request(verb, value);
    const kind = typeof target === 'number' ? 'runs' : 'schedules';
    await this.ask(`/${kind}/${encodeURIComponent(target)}/${what}`, { method: 'POST', body });
    this.refresh();
  }

  look(run: number): void {
    this.looked.delete(run);
    this.looked.add(run);
    if (this.looked.size > LOOKED) this.looked.delete([...this.looked][0]);
    this.refresh();
  }

  refresh(): void {
    this.want(0);
  }

  private awake = (): void => {
    if (!document.hidden) this.want(0);
  };

  private heard(_: Event.IManager, emission: Event.Emission): void {
    if (emission.schema_id !== CHANGED) return;
    this.deaf = false;
    this.told = String(emission.token);
    if (!this.asking && !this.knows(this.told) && !this.failures) this.want(0);
  }

  // What that event tells of was in the last answer: its token ends with the event's.
  private knows(event: string): boolean {
    return !!this.token?.endsWith(`.${event}`);
  }

  // The server is asked within so many milliseconds, or sooner where that was wanted before.
  private want(ms: number): void {
    if (this.asking) {
      this.again ||= ms === 0;
      return;
    }
    const now = performance.now();
    const at = Math.max(now + ms, this.askedAt + this.period);
    if (this.timer !== undefined && at >= this.due) return;
    clearTimeout(this.timer);
    this.due = at;
    this.timer = window.setTimeout(() => void this.fetch(), at - now);
  }

  private get period(): number {
    if (document.hidden) return HIDDEN_MS;
    return this.flood < FLOOD ? PERIOD_MS : FLOOD_PERIOD_MS;
  }

  private async fetch(): Promise<void> {
    this.timer = undefined;
    this.asking = true;
    this.again = false;
    this.told = null;
    this.flood = performance.now() - this.askedAt < REST_MS ? this.flood + 1 : 0;
    this.askedAt = performance.now();
    try {
      this.take(await this.ask<Answer>(`/news${this.query()}`));
    } catch (error) {
      this.fail(error);
    }
    this.asking = false;
    this.again ||= this.told !== null && !this.knows(this.told);
    this.want(this.patience());
  }

  private query(): string {
    const query = new URLSearchParams();
    if (this.token !== null) query.set('since', this.token);
    if (this.looked.size) query.set('look', [...this.looked].join());
    return query.size ? `?${query.toString()}` : '';
  }

  private take({ token, ...news }: Answer): void {
    const unheard = token !== this.token && this.told === null && !news.all && (news.rows || news.overview?.schedules);
    this.deaf ||= !!unheard && !this.again;
    this.token = token;
    this.failures = 0;
    this.known.take(news);
    this.be('live', '');
    this.news.emit(news);
  }

  private fail(error: unknown): void {
    this.failures += 1;
    if (error instanceof Refused && error.status === 404) this.be('absent', ABSENT);
    else if (error instanceof Refused && error.status === 403) this.be('lost', `The server refuses: ${error.message}. Log in again, then reload this page.`);
    else if (error instanceof Refused) this.be('lost', `The server cannot answer now: ${error.message}`);
    else this.be('lost', 'The Jupyter server does not answer. It is asked again until it does.');
  }

  private be(state: State, trouble: string): void {
    if (this.state === state && this.trouble === trouble) return;
    this.state = state;
    this.trouble = trouble;
    this.stateChanged.emit(state);
  }

  private patience(): number {
    if (this.state === 'absent') return ABSENT_MS;
    if (this.failures) return Math.min(NET_MS, FIRST_WAIT_MS * 2 ** (this.failures - 1)) * (0.8 + 0.4 * Math.random());
    if (this.again) return 0;
    if (this.writing()) return LOG_MS;
    return this.deaf ? DEAF_MS : NET_MS;
  }

  private writing(): boolean {
    return [...this.looked].some(run => this.known.details.get(run)?.run.state === 'running');
  }

  private token: string | null = null;
  private looked = new Set<number>();
  private timer: number | undefined;
  private due = 0;
  private askedAt = -Infinity;
  // asked so often without a rest
  private flood = 0;
  private asking = false;
  // something was wanted while the server was being asked
  private again = false;
  // the last event since the server was asked
  private told: string | null = null;
  private deaf = false;
  private failures = 0;
}

function request(verb: Verb, value: string): [string, unknown] {
  if (verb === 'approve' || verb === 'reject') return ['resolve', { value: verb === 'approve' }];
  return verb === 'answer' ? ['resolve', { value }] : [verb, {}];
}
