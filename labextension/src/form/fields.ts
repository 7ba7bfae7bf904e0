// Labelled fields: what they are called, what stands in them, and what is wrong with it.

import { make, put, say } from '../../../nbsched/panel/view/elements.js';

export type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
export type Choices = readonly (readonly [string, string])[];

let made = 0;

// A control with its label, its help and the sentence that says what is wrong.
export class Field {
  readonly node: HTMLElement = make('div', 'field');
  readonly label: HTMLLabelElement = make('label');
  private readonly help: HTMLElement = make('small', 'help');
  private readonly error: HTMLElement = make('small', 'error');

  constructor(
    label: string,
    readonly control: Control,
    help = ''
  ) {
    const id = `nbsched-field-${++made}`;
    control.id = id;
    this.label.htmlFor = id;
    this.label.textContent = label;
    this.help.id = `${id}-help`;
    this.error.id = `${id}-error`;
    this.error.setAttribute('aria-live', 'polite');
    say(this.help, help);
    this.node.append(this.label, control, this.help, this.error);
    this.node.classList.toggle('switch', this.isSwitch);
    this.refuse('');
  }

  get isSwitch(): boolean {
    return this.control instanceof HTMLInputElement && this.control.type === 'checkbox';
  }

  get text(): string {
    const { control } = this;
    return this.isSwitch ? String((control as HTMLInputElement).checked) : control.value;
  }

  set text(text: string) {
    if (this.isSwitch) {
      (this.control as HTMLInputElement).checked = text === 'true';
    } else {
      this.control.value = text;
    }
  }

  // What cannot be read at all, such as letters in a number.
  get unreadable(): boolean {
    return this.control.validity.badInput;
  }

  get wrong(): boolean {
    return this.error.textContent !== '';
  }

  // The sentence stands at the field, and is read out with it; an empty one takes it away.
  refuse(sentence: string): void {
    say(this.error, sentence);
    this.error.hidden = !sentence;
    this.help.hidden = !this.help.textContent;
    put(this.control, 'aria-invalid', String(Boolean(sentence)));
    const told = [this.help, this.error].filter(part => !part.hidden);
    if (told.length) put(this.control, 'aria-describedby', told.map(part => part.id).join(' '));
    else this.control.removeAttribute('aria-describedby');
    this.node.classList.toggle('wrong', Boolean(sentence));
  }
}

// An input with these attributes.
export function input(type: string, attributes: Record<string, string> = {}): HTMLInputElement {
  const control: HTMLInputElement = make('input');
  control.type = type;
  control.autocomplete = 'off';
  control.spellcheck = false;
  for (const [name, value] of Object.entries(attributes)) {
    control.setAttribute(name, value);
  }
  if (type === 'number') {
    control.addEventListener('wheel', () => control.blur(), { passive: true });
  }
  return control;
}

// A list to choose one of, as [value, what it is called].
export function select(choices: Choices): HTMLSelectElement {
  const control: HTMLSelectElement = make('select');
  control.append(...choices.map(([value, label]) => new Option(label, value)));
  return control;
}

// Room for several lines.
export function area(rows: number): HTMLTextAreaElement {
  const control: HTMLTextAreaElement = make('textarea');
  control.rows = rows;
  control.spellcheck = false;
  return control;
}

// The first field that something is wrong with has the focus, also if it was folded away; true when there is one.
export function focusWrong(fields: Iterable<Field>): boolean {
  const wrong = [...fields].find(field => field.wrong);
  wrong?.node.closest('details')?.setAttribute('open', '');
  wrong?.control.focus();
  return Boolean(wrong);
}
