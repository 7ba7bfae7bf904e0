// What has happened to a run, in order.

import { Widget } from '@lumino/widgets';

import type { Details, EventRow, PanelRow } from '../../../nbsched/panel/view/data';
import { keepKeys, make, say } from '../../../nbsched/panel/view/elements.js';
import { eventFacts } from '../../../nbsched/panel/view/nextsteps.js';
import { exact } from '../../../nbsched/panel/view/words.js';
import type { Pane } from './panes';
import type { Tools } from './tools';

export class EventsPane extends Widget implements Pane {
  constructor(
    private readonly tools: Tools,
    private readonly run: number
  ) {
    super();
    this.addClass('nbs-events');
    keepKeys(this.list).tabIndex = 0;
    this.list.setAttribute('aria-label', 'Events');
    this.node.append(this.said, this.list);
    say(this.said, 'Waiting for the server…');
  }

  look(_: PanelRow, details: Details | undefined): void {
    const key = JSON.stringify([details?.row, details?.attempts.length]);
    if (key === this.key) return;
    this.key = key;
    void this.load();
  }

  leave(): void {
    this.key = '';
  }

  private async load(): Promise<void> {
    try {
      const { events } = await this.tools.server.ask<{ events: EventRow[] }>(`/runs/${this.run}`);
      this.list.replaceChildren(...events.map(one => line(one, events[0])));
      say(this.said, events.length ? '' : 'Nothing has happened to this run yet.');
    } catch (error) {
      say(this.said, error instanceof Error ? error.message : String(error));
    }
  }

  private readonly said = make('div', 'said');
  private readonly list = make('ol', 'events');
  private key = '';
}

function line(event: EventRow, first: EventRow): HTMLElement {
  const node = make('li'), at = make('time', 'num', exact(Date.parse(event.at)).slice(11, 19)), data = make('span', 'data');
  at.title = exact(Date.parse(event.at));
  at.dateTime = event.at;
  const since = (Date.parse(event.at) - Date.parse(first.at)) / 1000;
  data.textContent = eventFacts(event.data);
  node.append(at, make('span', 'num since', `+${since.toFixed(1)} s`), make('b', '', event.name), data);
  return node;
}
