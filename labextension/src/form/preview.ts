// The next times of a trigger, live: in words, in the chosen zone, with what the clocks do to them.

import { make, put, say } from '../../../nbsched/panel/view/elements.js';
import { exact, when as fromNow } from '../../../nbsched/panel/view/words.js';
import { dayText, partsOf } from '../../../nbsched/panel/view/form/zoned.js';
import { Refused, type IServer } from '../server';
import type { Next } from './answers';

const WAIT_MS = 160;
const SHOWN = 5;

// Shows what is asked last; answers that come late are dropped.
export class Preview {
  readonly node: HTMLElement = make('div', 'preview');
  private readonly words: HTMLElement = make('strong', 'words');
  private readonly text: HTMLElement = make('code');
  private readonly times: HTMLElement = make('ol');
  private asked = 0;
  private timer = 0;

  constructor(
    private readonly server: IServer,
    private readonly refused: (sentence: string) => void
  ) {
    const head = make('div', 'told');
    head.append(this.words, this.text);
    this.words.setAttribute('aria-live', 'polite');
    this.times.setAttribute('aria-label', 'The next times');
    this.node.append(head, this.times);
  }

  // The trigger's next times are shown soon; nothing but the hint if there is no trigger yet.
  ask(trigger: string, zone: string, hint = ''): void {
    const asked = ++this.asked;
    clearTimeout(this.timer);
    if (!trigger) {
      this.show(hint, '', []);
      return;
    }
    this.node.classList.add('late');
    this.timer = window.setTimeout(() => void this.fetch(asked, trigger, zone), WAIT_MS);
  }

  // Nothing is asked any more.
  stop(): void {
    this.asked += 1;
    clearTimeout(this.timer);
  }

  private async fetch(asked: number, trigger: string, zone: string): Promise<void> {
    const query = new URLSearchParams({ trigger, tz: zone, n: String(SHOWN) });
    try {
      const found = await this.server.ask<Next>(`/next?${query}`);
      if (asked === this.asked) {
        this.refused('');
        this.show(found.words, found.trigger, found.times);
      }
    } catch (error) {
      if (asked === this.asked) {
        this.show('Its next times stand here once it can be read.', '', []);
        this.refused(sentence(error));
      }
    }
  }

  private show(words: string, trigger: string, times: Next['times']): void {
    this.node.classList.remove('late');
    this.node.classList.toggle('hint', !trigger);
    say(this.words, words);
    say(this.text, trigger);
    this.times.replaceChildren(...times.map(line));
    if (trigger && !times.length) {
      this.times.append(make('li', 'none', 'It has no times that are known before: it waits to be told.'));
    }
  }
}

function line({ at, note }: Next['times'][number]): HTMLElement {
  const { date, time, offset } = partsOf(at), node = make('li'), ms = Date.parse(at);
  const day = make('span', 'day', dayText(date)), clock = make('b', '', time), apart = make('small', 'apart', fromNow(ms, Date.now()));
  const zone = make('small', 'offset', offset);
  put(node, 'title', `${exact(ms)} here`);
  node.append(day, clock, zone, apart);
  if (note) node.append(make('small', 'note', note));
  return node;
}

// What went wrong, as a sentence for people.
export function sentence(error: unknown): string {
  return error instanceof Refused ? error.message : `the server did not answer: ${String(error)}`;
}
