// What is rarely used, folded away under a line that says what of it is not as usual.

import { make, say } from '../../../nbsched/panel/view/elements.js';
import { OPTIONS, given, summary, textsOf, type Option } from '../../../nbsched/panel/view/form/options.js';
import { Field, input, select, type Choices } from './fields';

// The options of a schedule, or those of them that are named.
export class OptionFields {
  readonly node: HTMLDetailsElement = make('details', 'options');
  private readonly byName: Record<string, Field>;
  private readonly said: HTMLElement = make('small', 'said');

  constructor(names?: Set<string>) {
    const offered = OPTIONS.filter(({ name }) => !names || names.has(name));
    this.byName = Object.fromEntries(offered.map(option => [option.name, fieldOf(option)]));
    const head = make('summary', '', 'Options'), body = make('div', 'fields');
    head.append(this.said);
    body.append(...this.fields.map(field => field.node));
    this.node.append(head, body);
    this.node.addEventListener('input', () => this.tell());
    this.fill({});
  }

  get fields(): Field[] {
    return Object.values(this.byName);
  }

  get names(): string[] {
    return Object.keys(this.byName);
  }

  // What is not as usual; null, and said at the fields, when it cannot be.
  given(only?: Set<string>): Record<string, any> | null {
    const found = given(this.texts);
    for (const [name, field] of Object.entries(this.byName)) {
      field.refuse(field.unreadable ? 'give digits' : (found.errors[name] ?? ''));
    }
    if (this.fields.some(field => field.wrong)) return null;
    return Object.fromEntries(Object.entries(found.given).filter(([name]) => !only || only.has(name)));
  }

  // What a schedule is stored with stands in the fields.
  fill(stored: Record<string, any>): void {
    for (const [name, text] of Object.entries(textsOf(stored))) {
      if (name in this.byName) this.byName[name].text = text;
    }
    this.tell();
  }

  // The sentence stands at the option that it is about; false when it is about none of them.
  refuse(sentence: string): boolean {
    const name = Object.keys(this.byName).find(one => sentence.startsWith(`${one} `) || sentence.startsWith(`${one}:`));
    if (name) this.byName[name].refuse(sentence);
    return Boolean(name);
  }

  private get texts(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.byName).map(([name, field]) => [name, field.text]));
  }

  private tell(): void {
    this.fields.forEach(field => field.refuse(''));
    say(this.said, summary(this.texts));
  }
}

function fieldOf({ label, help, choices, whole }: Option): Field {
  const control = choices ? select(choices as Choices) : whole ? input('number', { min: '0', step: '1' }) : input('text');
  return new Field(label, control, help);
}
