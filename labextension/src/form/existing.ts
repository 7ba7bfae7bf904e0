// The schedules that a notebook has already.

import { button, make, put, say, sign } from '../../../nbsched/panel/view/elements.js';
import { exact, when } from '../../../nbsched/panel/view/words.js';
import type { IServer } from '../server';

import type { ScheduleRow } from '../../../nbsched/panel/view/data';
import { sentence } from './preview';

// Lists them, each to be paused or resumed, and to be edited by `edit`.
export class ExistingSchedules {
  readonly node: HTMLElement = make('section', 'existing');
  private readonly list: HTMLElement = make('ul');
  private readonly error: HTMLElement = make('p', 'error');

  constructor(
    private readonly server: IServer,
    schedules: ScheduleRow[],
    private readonly edit: (name: string) => void
  ) {
    this.error.setAttribute('role', 'alert');
    this.node.hidden = !schedules.length;
    this.node.append(make('h3', '', 'Scheduled already'), this.list, this.error);
    this.list.append(...schedules.map(one => this.line(one)));
  }

  // The schedule that is being edited is marked.
  mark(name: string | null): void {
    for (const line of this.list.children) {
      put(line, 'aria-current', String((line as HTMLElement).dataset.name === name));
    }
  }

  private line(schedule: ScheduleRow): HTMLElement {
    const node = make('li'), icon = sign(), name = make('b', '', schedule.name), trigger = make('span', 'trigger', schedule.trigger);
    const next = make('span', 'next'), hold = button('', () => void this.hold(schedule, show)), edit = button('Edit', () => this.edit(schedule.name));
    edit.setAttribute('aria-label', `Edit ${schedule.name}`);
    node.dataset.name = schedule.name;
    const show = (one: ScheduleRow): void => {
      Object.assign(schedule, one);
      const at = one.next_at === null ? null : Date.parse(one.next_at);
      icon.show(one.paused ? '‖' : '◷', one.paused ? 'warn' : 'run');
      say(next, one.paused ? `paused ${one.paused === 'by user' ? '' : `(${one.paused})`}`.trim() : at === null ? '' : `next ${when(at, Date.now())}`);
      put(next, 'title', at === null ? '' : exact(at));
      say(hold, one.paused ? 'Resume' : 'Pause');
      put(hold, 'aria-label', `${hold.textContent} ${one.name}`);
    };
    show(schedule);
    node.append(icon, name, trigger, next, hold, edit);
    return node;
  }

  private async hold(schedule: ScheduleRow, show: (one: ScheduleRow) => void): Promise<void> {
    const verb = schedule.paused ? 'resume' : 'pause';
    try {
      show(await this.server.ask<ScheduleRow>(`/schedules/${encodeURIComponent(schedule.name)}/${verb}`, { method: 'POST', body: {} }));
      say(this.error, '');
    } catch (error) {
      say(this.error, sentence(error));
    }
  }
}
