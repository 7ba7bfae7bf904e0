// "Retry with changes": a run again, from a step on and with other parameters.

import { Widget } from '@lumino/widgets';
import { make, say, sign } from '../../../nbsched/panel/view/elements.js';
import { lookOf, type Look } from '../../../nbsched/panel/view/form/occurrences.js';
import type { Details } from '../../../nbsched/panel/view/data';
import { parameterOf, type Parameter } from '../../../nbsched/panel/view/form/typed.js';
import type { IServer } from '../server';
import type { Notebook, WholeRun } from './answers';
import type { RunRow } from '../../../nbsched/panel/view/data';
import { AskingDialog } from './asking';
import { focusWrong, input } from './fields';
import { ParameterFields } from './parameters';
import { sentence } from './preview';

const RETRY = 'Retry';

// Asks what of the run is done again, and with which parameters; the new run, or null.
export async function retryWithChanges(server: IServer, run: number | { id: number }): Promise<RunRow | null> {
  const id = typeof run === 'number' ? run : run.id;
  const [whole, details] = await Promise.all([server.ask<WholeRun>(`/runs/${id}`), server.ask<Details>(`/runs/${id}/details`)]);
  const form = new RetryForm(server, whole, details, await declared(server, whole, details.notebook));
  const dialog = new AskingDialog(
    { title: `Retry ${whole.name}, run ${id}`, body: form, does: [RETRY], focus: 'input, select, textarea' },
    () => form.retry()
  );
  await dialog.launch();
  return form.started;
}

// The parameters with the run's own values; those that its notebook declares, where that can be read.
async function declared(server: IServer, run: WholeRun, path: string | null): Promise<Parameter[]> {
  const plain = Object.entries(run.params).map(([name, value]) => parameterOf(name, value));
  if (!path) return plain;
  try {
    const { parameters } = await server.ask<Notebook>(`/notebooks?${new URLSearchParams({ path })}`);
    return parameters?.map(one => (one.name in run.params ? { ...one, default: run.params[one.name], required: false } : one)) ?? plain;
  } catch {
    return plain;
  }
}

class RetryForm extends Widget {
  started: RunRow | null = null;

  constructor(
    private readonly server: IServer,
    private readonly run: WholeRun,
    private readonly details: Details,
    parameters: Parameter[]
  ) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-form');
    this.addClass('nbs-retry');
    this.parameters = new ParameterFields(parameters, 'It was given none.');
    this.parameters.node.prepend(make('h3', '', 'Parameters'));
    const steps = Object.values(run.steps ?? {});
    this.from = steps.length ? new FromFields(steps) : null;
    this.problem.setAttribute('role', 'alert');
    this.node.append(this.head(), ...(this.from ? [this.from.node] : []), this.parameters.node, this.problem);
  }

  async retry(): Promise<boolean> {
    const params = this.parameters.params(), from = this.from ? this.from.given() : {};
    say(this.problem, '');
    if (!params || !from) {
      focusWrong(this.parameters.fields);
      return false;
    }
    const body = { ...from, ...(Object.keys(params).length && { params }) };
    try {
      this.started = await this.server.ask<RunRow>(`/runs/${this.run.id}/retry`, { method: 'POST', body });
      return true;
    } catch (error) {
      const told = sentence(error);
      say(this.problem, this.parameters.refuse(told) && focusWrong(this.parameters.fields) ? '' : told);
      return false;
    }
  }

  // How the run ended.
  private head(): HTMLElement {
    const node = make('p', 'ended'), [, shape, tone, words] = look(this.run.state), icon = sign();
    icon.show(shape, tone);
    node.append(icon, make('b', tone, words));
    const { error } = this.details, line = error?.text ?? this.run.error;
    if (line) node.append(make('code', 'why', line.split('\n', 1)[0]));
    if (error?.line) node.append(make('code', 'line', `cell ${error.cell}: ${error.line.trim()}`));
    return node;
  }

  private readonly parameters: ParameterFields;
  private readonly from: FromFields | null;
  private readonly problem: HTMLElement = make('p', 'problem error');
}

// Which steps run again.
class FromFields {
  readonly node: HTMLElement = make('fieldset', 'from');
  private readonly ways: Record<'failed' | 'steps' | 'all', HTMLInputElement>;
  private readonly boxes: HTMLInputElement[];
  private readonly error: HTMLElement = make('small', 'error');

  constructor(steps: RunRow[]) {
    const undone = steps.filter(step => step.state !== 'succeeded').map(step => step.step ?? step.name);
    const group = `nbsched-from-${++groups}`;
    this.ways = { failed: radio(group), steps: radio(group), all: radio(group) };
    const list = make('div', 'steps');
    const lines = steps.map(step => stepLine(step));
    this.boxes = lines.map(line => line.box);
    list.append(...lines.map(line => line.node));
    this.error.setAttribute('role', 'alert');
    this.node.append(
      make('legend', '', 'Runs again'),
      way(this.ways.failed, 'What has not succeeded', undone.length ? undone.join(', ') : 'nothing: all steps have'),
      way(this.ways.steps, 'From these steps on', 'they and all behind them; what succeeded before them is taken over'),
      list,
      way(this.ways.all, 'Everything', 'nothing is taken over'),
      this.error
    );
    this.ways[undone.length ? 'failed' : 'steps'].checked = true;
    list.addEventListener('change', () => (this.ways.steps.checked = true));
    this.node.addEventListener('change', () => this.show(list));
    this.show(list);
  }

  // What the server is told; null when no step is chosen.
  given(): { from_failed?: boolean; from_step?: string[] } | null {
    const chosen = this.boxes.filter(box => box.checked).map(box => box.value);
    const none = this.ways.steps.checked && !chosen.length;
    say(this.error, none ? 'choose the step to begin with' : '');
    if (none) {
      this.boxes[0]?.focus();
      return null;
    }
    return this.ways.all.checked ? { from_failed: false } : this.ways.steps.checked ? { from_step: chosen } : {};
  }

  private show(list: HTMLElement): void {
    list.classList.toggle('off', !this.ways.steps.checked);
    say(this.error, '');
  }
}

let groups = 0;

function radio(name: string): HTMLInputElement {
  return input('radio', { name });
}

function way(control: HTMLInputElement, label: string, help: string): HTMLElement {
  const node = make('label', 'way');
  node.append(control, make('span', '', label), make('small', 'help', help));
  return node;
}

function stepLine(step: RunRow): { node: HTMLElement; box: HTMLInputElement } {
  const name = step.step ?? step.name, [, shape, tone, words] = look(step.state), icon = sign();
  const node = make('label'), box = input('checkbox', { value: name });
  icon.show(shape, tone);
  node.append(box, icon, make('span', 'name', name), make('small', 'help', words));
  return { node, box };
}

function look(state: string): Look {
  return lookOf({ at: '', run: null, state });
}
