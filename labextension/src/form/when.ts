// The trigger builder.

import { make } from '../../../nbsched/panel/view/elements.js';
import {
  KINDS,
  STATES,
  TOLD,
  UNITS,
  USUAL,
  WEEK,
  triggerText,
  whenOf,
  type When
} from '../../../nbsched/panel/view/form/trigger.js';
import type { IServer } from '../server';
import { Field, input, select } from './fields';
import { Preview } from './preview';

type Name = Exclude<keyof When, 'kind' | 'days' | 'from'>;

// The fields of each kind, in their order; the last one named is where the server's sentence stands.
const SHOWN: Record<string, (Name | 'days')[]> = {
  hour: ['minute'],
  day: ['time'],
  weekdays: ['time'],
  week: ['days', 'time'],
  month: ['day', 'time'],
  every: ['amount', 'unit'],
  once: ['at'],
  event: ['event', 'where'],
  after: ['name', 'state', 'within'],
  text: ['text']
};

// When it runs: what is chosen, and the times that follow from it.
export class WhenFields {
  readonly node: HTMLElement = make('section', 'when');
  readonly kind = new Field('Repeat', select(KINDS));
  readonly zone: Field;
  private readonly byName: Record<Name, Field> = {
    minute: new Field('At minute', input('number', { min: '0', max: '59', step: '1' })),
    time: new Field('At', input('time')),
    day: new Field('On day', select(monthDays())),
    amount: new Field('Every', input('number', { min: '1', step: '1' })),
    unit: new Field('Unit', select(UNITS)),
    at: new Field('Day and time', input('datetime-local')),
    event: new Field('Event', input('text', { placeholder: 'data.available' }), 'its name; * stands for any part'),
    where: new Field('Where', input('text', { placeholder: '{"region": "EU"}' }), 'only if its data holds this; may be left empty'),
    name: new Field('After', input('text', { placeholder: 'fetch' }), 'the name of a notebook, pipeline or schedule'),
    state: new Field('Has', select(STATES.map(state => [state, state] as const))),
    within: new Field('Within', input('text', { placeholder: '2h' }), 'of its own time; may be left empty'),
    text: new Field('Trigger', input('text', { placeholder: '0 2 * * 1-5' }), 'cron, @daily, every 5m, on NAME, after NAME, any(…; …)')
  };
  private readonly days = weekdays(() => this.changed());
  private readonly preview: Preview;
  private from = '';

  constructor(server: IServer, zones: string[]) {
    this.zone = new Field('Time zone', select(zones.map(name => [name, name.replaceAll('_', ' ')] as const)));
    this.preview = new Preview(server, sentence => this.last().refuse(sentence));
    const row = make('div', 'fields');
    row.append(this.kind.node, this.days.node, ...Object.values(this.byName).map(field => field.node), this.zone.node);
    for (const name of ['where', 'text'] as const) this.byName[name].node.classList.add('wide');
    this.node.append(row, this.preview.node);
    this.node.addEventListener('input', () => this.changed());
    this.fill(USUAL);
  }

  get fields(): Field[] {
    return [this.kind, ...Object.values(this.byName), this.zone];
  }

  // What stands in the builder.
  get when(): When {
    const texts = Object.fromEntries(Object.entries(this.byName).map(([name, field]) => [name, field.text]));
    return { ...(texts as Record<Name, string>), kind: this.kind.text, days: this.days.chosen(), from: this.from };
  }

  // The trigger stands in the builder, and where it names a zone, this one is chosen.
  read(trigger: string, zone: string | null): void {
    const found = whenOf(trigger, zone ?? this.zone.text);
    this.choose(found.zone);
    this.fill(found.when);
  }

  fill(when: When): void {
    this.kind.text = when.kind;
    this.from = when.from;
    this.days.choose(when.days);
    for (const [name, field] of Object.entries(this.byName)) {
      field.text = when[name as Name];
    }
    this.changed();
  }

  // The trigger's text; null, and said at the field, when there is none yet.
  trigger(): string | null {
    const found = triggerText(this.when, this.zone.text);
    if ('text' in found) return found.text;
    (this.byName[found.field as Name] ?? this.kind).refuse(found.error);
    return null;
  }

  // The trigger's text, if there is one yet.
  peek(): string {
    const found = triggerText(this.when, this.zone.text);
    return 'text' in found ? found.text : '';
  }

  stop(): void {
    this.preview.stop();
  }

  private changed(): void {
    const { kind } = this.when, shown = new Set<string>(SHOWN[kind]);
    this.days.node.hidden = !shown.has('days');
    for (const [name, field] of Object.entries(this.byName)) {
      field.node.hidden = !shown.has(name);
      field.refuse('');
    }
    this.kind.refuse('');
    const found = triggerText(this.when, this.zone.text);
    this.zone.node.hidden = TOLD.has(kind);
    this.preview.ask('text' in found ? found.text : '', this.zone.text, 'error' in found ? found.error : '');
  }

  private last(): Field {
    const names = SHOWN[this.kind.text].filter(name => name !== 'days') as Name[];
    const filled = names.filter(name => this.byName[name].text);
    return this.byName[filled[filled.length - 1] ?? names[0]];
  }

  private choose(zone: string): void {
    const list = this.zone.control as HTMLSelectElement;
    if (zone && ![...list.options].some(option => option.value === zone)) list.append(new Option(zone, zone));
    list.value = zone;
  }
}

function monthDays(): [string, string][] {
  const days = Array.from({ length: 31 }, (_, at): [string, string] => [String(at + 1), String(at + 1)]);
  return [...days, ['L', 'the last']];
}

// The days of the week, any of which may be on.
function weekdays(changed: () => void) {
  const node: HTMLElement = make('fieldset', 'field days');
  const boxes = WEEK.map(([number, name]) => {
    const box = input('checkbox', { value: String(number), 'aria-label': name }), label = make('label', '', '');
    label.append(box, make('span', '', name.slice(0, 2)));
    label.title = name;
    box.addEventListener('change', changed);
    return { number: number as number, box, label };
  });
  const row = make('div', 'week');
  row.append(...boxes.map(one => one.label));
  node.append(make('legend', '', 'On'), row);
  return {
    node,
    chosen: () => boxes.filter(one => one.box.checked).map(one => one.number),
    choose: (days: readonly number[]) => boxes.forEach(one => (one.box.checked = days.includes(one.number)))
  };
}
