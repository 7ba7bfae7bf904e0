// "Schedule…": when a notebook runs, with which parameters, and how.

import { Widget } from '@lumino/widgets';
import { button, make, say } from '../../../nbsched/panel/view/elements.js';
import { RUN_OPTIONS } from '../../../nbsched/panel/view/form/options.js';
import { Refused, type IServer } from '../server';
import type { Notebook, Stored } from './answers';
import type { RunRow, ScheduleRow } from '../../../nbsched/panel/view/data';
import { AskingDialog } from './asking';
import { ExistingSchedules } from './existing';
import { Field, focusWrong, input } from './fields';
import { OptionFields } from './options';
import { ParameterFields } from './parameters';
import { sentence } from './preview';
import { WhenFields } from './when';

const RUN_NOW = 'Run now';
const SCHEDULE = 'Schedule';

// What came of the form.
export type Outcome = { run: RunRow } | { schedule: ScheduleRow } | null;

// Asks when and how the notebook runs, and has it done; or the one whose schedule is edited.
export async function scheduleNotebook(server: IServer, path: string | null, edit: string | null = null): Promise<Outcome> {
  const stored = edit === null ? null : await server.ask<Stored>(`/schedules/${encodeURIComponent(edit)}`);
  const asked = path ?? stored?.path;
  if (!asked) throw new Error(`${edit ?? 'this'} is no notebook in this server's folder: change it where it was made`);
  const [notebook, zones] = await Promise.all([
    server.ask<Notebook>(`/notebooks?${new URLSearchParams({ path: asked })}`),
    server.ask<string[]>('/zones')
  ]);
  const form = new ScheduleForm(server, notebook, zones);
  if (stored) form.fill(stored);
  const dialog = new AskingDialog(
    { title: `Schedule ${notebook.path.split('/').pop()}`, body: form, does: [RUN_NOW, SCHEDULE], focus: 'select' },
    does => form.do(does)
  );
  await dialog.launch();
  return form.outcome;
}

// The notebook runs, with its own parameters.
export function runNow(server: IServer, path: string): Promise<RunRow> {
  return server.ask<RunRow>('/runs', { method: 'POST', body: { path } });
}

// The body of the dialog.
export class ScheduleForm extends Widget {
  outcome: Outcome = null;

  constructor(
    private readonly server: IServer,
    private readonly notebook: Notebook,
    zones: string[]
  ) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-form');
    this.when = new WhenFields(server, zones);
    this.parameters = new ParameterFields(
      notebook.parameters ?? [],
      'This notebook declares none. What stands in a cell with the tag “parameters” can be changed here.',
      true
    );
    this.existing = new ExistingSchedules(server, notebook.schedules, name => void this.startEditing(name));
    this.name = new Field('Name', input('text'), '');
    this.name.text = freeName(notebook);
    this.lay();
  }

  // Done what the button says; false when something is still wrong, which is said where it is.
  async do(button: string): Promise<boolean> {
    this.refuse('');
    try {
      return button === RUN_NOW ? await this.runNow() : await this.schedule();
    } catch (error) {
      this.refuse(sentence(error));
      return false;
    }
  }

  // The schedule's definition stands in the form, and is saved under its name.
  fill(stored: Stored): void {
    this.stored = stored;
    this.name.text = stored.name;
    this.name.control.disabled = true;
    this.when.read(stored.trigger, stored.tz);
    this.parameters.fill(stored.params);
    this.options.fill({ ...stored.policy, ...stored });
    this.existing.mark(stored.name);
    say(this.edited, `Editing ${stored.name}`);
    this.editing.hidden = false;
  }

  override dispose(): void {
    this.when.stop();
    super.dispose();
  }

  private lay(): void {
    const when = this.when.node, parameters = this.parameters.node;
    when.prepend(make('h3', '', 'When'));
    parameters.prepend(make('h3', '', 'Parameters'));
    const how = make('section', 'how'), times = make('div', 'times');
    how.append(this.name.node, this.options.node);
    times.append(when, how);
    this.editing.append(this.edited, button('Make a new one instead', () => this.stopEditing()));
    this.editing.hidden = true;
    this.problem.setAttribute('role', 'alert');
    this.node.append(this.existing.node, this.editing, times, parameters, this.problem);
  }

  private async runNow(): Promise<boolean> {
    const params = this.parameters.params(), options = this.options.given(RUN_OPTIONS);
    if (!params || !options) return !focusWrong(this.fields);
    this.outcome = { run: await this.server.ask<RunRow>('/runs', { method: 'POST', body: { path: this.notebook.path, params, ...options } }) };
    return true;
  }

  private async schedule(): Promise<boolean> {
    const trigger = this.when.trigger(), params = this.parameters.params(), options = this.options.given();
    const name = this.name.text.trim();
    this.name.refuse(name ? '' : 'give it a name, by which it is paused, edited and found');
    if (!trigger || !params || !options || !name || !(await this.isFree(name))) return !focusWrong(this.fields);
    const body = { ...this.kept(), path: this.notebook.path, trigger, tz: this.when.zone.text, name, params, ...options };
    this.outcome = { schedule: await this.server.ask<ScheduleRow>('/schedules', { method: 'POST', body }) };
    return true;
  }

  // What the edited schedule was told and the form does not show.
  private kept(): Record<string, any> {
    if (!this.stored) {
      return {};
    }
    const { policy, jitter, start, end, limit, pipeline } = this.stored;
    const shown = new Set(this.options.names), all = { ...policy, jitter, start, end, limit, pipeline };
    return Object.fromEntries(Object.entries(all).filter(([name, value]) => !shown.has(name) && value !== null && value !== undefined));
  }

  // Nothing of that name is there that would be replaced.
  private async isFree(name: string): Promise<boolean> {
    if (this.stored) return true;
    try {
      await this.server.ask<ScheduleRow>(`/schedules/${encodeURIComponent(name)}`);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return true;
      throw error;
    }
    this.name.refuse(`there is a schedule ${name} already: edit that one, or choose another name`);
    return false;
  }

  private async startEditing(name: string): Promise<void> {
    this.refuse('');
    try {
      this.fill(await this.server.ask<Stored>(`/schedules/${encodeURIComponent(name)}`));
      this.when.kind.control.focus();
    } catch (error) {
      this.refuse(sentence(error));
    }
  }

  private stopEditing(): void {
    this.stored = null;
    this.editing.hidden = true;
    this.existing.mark(null);
    this.name.control.disabled = false;
    this.name.text = freeName(this.notebook);
    this.name.control.focus();
  }

  private refuse(told: string): void {
    const placed = told && (this.parameters.refuse(told) || this.options.refuse(told)) && focusWrong(this.fields);
    say(this.problem, placed ? '' : told);
    this.problem.hidden = !this.problem.textContent;
    if (!this.problem.hidden) {
      this.problem.scrollIntoView({ block: 'nearest' });
    }
  }

  private get fields(): Field[] {
    return [...this.when.fields, ...this.parameters.fields, this.name, ...this.options.fields];
  }

  private readonly when: WhenFields;
  private readonly parameters: ParameterFields;
  private readonly existing: ExistingSchedules;
  private readonly options = new OptionFields();
  private readonly name: Field;
  private readonly editing: HTMLElement = make('p', 'editing');
  private readonly edited: HTMLElement = make('span');
  private readonly problem: HTMLElement = make('p', 'problem error');
  private stored: Stored | null = null;
}

// The notebook's name, numbered when a schedule of it has that.
function freeName({ name, schedules }: Notebook): string {
  const taken = new Set(schedules.map(one => one.name));
  const names = [name, ...schedules.map((_, at) => `${name}_${at + 2}`)];
  return names.find(one => !taken.has(one)) ?? name;
}
