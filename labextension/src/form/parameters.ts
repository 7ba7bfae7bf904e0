// The parameters of a notebook or run, each as a field of its type.

import { button, make } from '../../../nbsched/panel/view/elements.js';
import { changes, choicesOf, controlOf, fieldText, read, textOf, type Parameter } from '../../../nbsched/panel/view/form/typed.js';
import { Field, area, input, select, type Control } from './fields';

const RUN_DAY = '@scheduled_date';

interface Entry {
  parameter: Parameter;
  field: Field;
  back: HTMLButtonElement;
  day: HTMLButtonElement | null;
}

// Shows the defaults; only what is changed is given.
export class ParameterFields {
  readonly node: HTMLElement = make('section', 'parameters');
  private readonly entries: Entry[];

  // With `dated`, a date may be the day that the run is for.
  constructor(parameters: Parameter[], none: string, dated = false) {
    this.entries = parameters.map(parameter => this.entry(parameter, dated));
    this.node.append(...this.entries.map(({ field }) => field.node));
    if (!parameters.length) this.node.append(make('p', 'none', none));
  }

  get fields(): Field[] {
    return this.entries.map(({ field }) => field);
  }

  // The changed values by name; null, and said at the fields, when one means nothing.
  params(): Record<string, any> | null {
    const texts = Object.fromEntries(this.entries.map(entry => [entry.parameter.name, shownText(entry)]));
    const found = changes(this.entries.map(({ parameter }) => parameter), texts);
    this.entries.forEach(entry => this.check(entry));
    return Object.keys(found.errors).length || this.fields.some(field => field.wrong) ? null : found.params;
  }

  // The given values stand in the fields, the defaults in the others.
  fill(values: Record<string, any>): void {
    for (const entry of this.entries) {
      const { name } = entry.parameter;
      setText(entry, fieldText(entry.parameter, name in values ? values[name] : entry.parameter.default));
      this.check(entry);
    }
  }

  // The sentence stands at the parameter that it names; false when it names none.
  refuse(sentence: string): boolean {
    const found = this.entries.find(({ parameter }) => sentence.includes(`parameter '${parameter.name}'`));
    found?.field.refuse(sentence);
    return found !== undefined;
  }

  private entry(parameter: Parameter, dated: boolean): Entry {
    const field = new Field(parameter.name, controlFor(parameter), parameter.help ?? '');
    const back = button('↺', () => this.reset(entry), 'back');
    const day = dated && controlOf(parameter) === 'date' ? button('Day of the run', () => this.toggle(entry), 'toggle') : null;
    const entry: Entry = { parameter, field, back, day };
    back.setAttribute('aria-label', `Reset ${parameter.name}`);
    back.title = `As it was${textOf(parameter.default) ? `: ${textOf(parameter.default)}` : ''}`;
    field.label.append(make('small', 'type', parameter.required ? `${parameter.type}, needed` : parameter.type), back);
    if (day) {
      day.title = 'Each run gets the day that it is scheduled for';
      field.control.after(day);
    }
    field.node.dataset.parameter = parameter.name;
    field.node.addEventListener('input', () => this.check(entry));
    setText(entry, defaultText(parameter));
    back.hidden = true;
    return entry;
  }

  private check(entry: Entry): void {
    const { parameter, field, back } = entry, text = shownText(entry);
    const found = field.unreadable ? { error: 'this is not a number: write digits' } : read(parameter, text);
    field.refuse('error' in found ? found.error : '');
    const changed = text !== defaultText(parameter) || field.unreadable;
    field.node.classList.toggle('changed', changed);
    back.hidden = !changed;
  }

  private reset(entry: Entry): void {
    setText(entry, defaultText(entry.parameter));
    this.check(entry);
    entry.field.control.focus();
  }

  private toggle(entry: Entry): void {
    setText(entry, shownText(entry) === RUN_DAY ? defaultText(entry.parameter) : RUN_DAY);
    this.check(entry);
  }
}

function shownText({ field, day }: Entry): string {
  return day?.getAttribute('aria-pressed') === 'true' ? RUN_DAY : field.text;
}

function setText({ field, day }: Entry, text: string): void {
  const ofRun = day !== null && text === RUN_DAY;
  day?.setAttribute('aria-pressed', String(ofRun));
  field.control.disabled = ofRun;
  field.text = ofRun ? '' : text;
}

function defaultText(parameter: Parameter): string {
  return fieldText(parameter, parameter.default);
}

function controlFor(parameter: Parameter): Control {
  const kind = controlOf(parameter), shown = textOf(parameter.default);
  switch (kind) {
    case 'whole':
      return input('number', { step: '1' });
    case 'number':
      return input('number', { step: 'any' });
    case 'switch':
      return input('checkbox');
    case 'date':
      return input('date');
    case 'choice':
      return choice(parameter);
    case 'line':
      return input('text');
    default: {
      const control = area(Math.min(6, Math.max(1, shown.split('\n').length)));
      control.classList.toggle('json', kind === 'json');
      return control;
    }
  }
}

function choice(parameter: Parameter): HTMLSelectElement {
  const values = choicesOf(parameter).map((value): [string, string] => [JSON.stringify(value), String(value)]);
  return select(fieldText(parameter, parameter.default) ? values : [['', '—'], ...values]);
}
