// "Backfill…": the past instants of a schedule, how each stands, and those not run yet started together.

import { Widget } from '@lumino/widgets';
import { make, say, sign } from '../../../nbsched/panel/view/elements.js';
import { UNDONE, tally, usualWindow, type Occurrence } from '../../../nbsched/panel/view/form/occurrences.js';
import { daysAfter, wallIn, instantOf } from '../../../nbsched/panel/view/form/zoned.js';
import type { IServer } from '../server';
import type { Stored } from './answers';
import { AskingDialog } from './asking';
import { Field, focusWrong, input } from './fields';
import { OccurrenceGrid } from './grid';
import { sentence } from './preview';

const START = 'Start';
const WAIT_MS = 250;
const AGAIN_MS = 1000;

// Shows the schedule's occurrences and runs those that are asked for; it goes on when the dialog is closed.
export async function backfill(server: IServer, schedule: string, open: (run: number) => void = () => undefined): Promise<void> {
  const stored = await server.ask<Stored>(`/schedules/${encodeURIComponent(schedule)}`);
  let dialog: AskingDialog | null = null;
  const opened = (run: number): void => {
    dialog?.reject();
    open(run);
  };
  const form = new BackfillForm(server, stored, opened, left => dialog?.allow(left > 0));
  dialog = new AskingDialog(
    { title: `Backfill ${schedule}`, body: form, does: [START], leave: 'Close', focus: 'input' },
    () => form.start()
  );
  await dialog.launch();
}

class BackfillForm extends Widget {
  constructor(
    private readonly server: IServer,
    private readonly stored: Stored,
    open: (run: number) => void,
    private readonly left: (instants: number) => void
  ) {
    super();
    this.addClass('nbs');
    this.addClass('nbs-form');
    this.addClass('nbs-backfill');
    this.zone = stored.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    const { from, until } = usualWindow(stored.following, wallIn(Date.now(), this.zone).slice(0, 10));
    this.from.text = from;
    this.until.text = until;
    this.parallel.text = '1';
    this.grid = new OccurrenceGrid(open);
    const fields = make('div', 'fields'), told = make('p', 'trigger');
    told.append(make('code', '', stored.trigger), make('span', 'help', stored.trigger.includes(' tz ') ? '' : ` in ${this.zone}`));
    fields.append(...this.fields.map(field => field.node));
    this.count.setAttribute('role', 'status');
    this.problem.setAttribute('role', 'alert');
    this.node.append(told, fields, this.grid.node, this.legend, this.count, this.problem);
    this.node.addEventListener('input', () => this.ask(WAIT_MS));
    this.server.news.connect(this.heard, this);
    this.ask(0);
  }

  // What is not done is started; the dialog stays, to show how it goes.
  async start(): Promise<boolean> {
    const window = this.window();
    if (!window || this.fields.some(field => field.wrong)) {
      focusWrong(this.fields);
      return false;
    }
    try {
      await this.post<unknown[]>({ ...window, max_parallel: Number(this.parallel.text) });
      await this.look();
    } catch (error) {
      this.refuse(sentence(error));
    }
    return false;
  }

  override dispose(): void {
    this.server.news.disconnect(this.heard, this);
    clearTimeout(this.timer);
    super.dispose();
  }

  private heard(): void {
    if (this.all.some(one => UNDONE.has(one.state ?? ''))) this.ask(AGAIN_MS);
  }

  // Looked at soon; a look that is due sooner stays.
  private ask(ms: number): void {
    if (ms === AGAIN_MS && this.timer) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), ms);
  }

  private async look(): Promise<void> {
    this.timer = 0;
    const looked = ++this.looked, range = this.window();
    if (!range) return;
    this.node.setAttribute('aria-busy', 'true');
    try {
      const [all, will] = await Promise.all([this.occurrences(range), this.post<string[]>({ ...range, dry_run: true })]);
      if (looked === this.looked && !this.isDisposed) this.paint(all, will);
    } catch (error) {
      if (looked === this.looked) this.refuse(sentence(error));
    }
    this.node.setAttribute('aria-busy', 'false');
  }

  private occurrences({ start, end }: { start: string; end: string }): Promise<Occurrence[]> {
    return this.server.ask(`/schedules/${encodeURIComponent(this.stored.name)}/occurrences?${new URLSearchParams({ start, end })}`);
  }

  private post<T>(body: object): Promise<T> {
    const asked = { ...body, rerun_failed: this.failed.text === 'true' };
    return this.server.ask<T>(`/schedules/${encodeURIComponent(this.stored.name)}/backfill`, { method: 'POST', body: asked });
  }

  private paint(all: Occurrence[], will: string[]): void {
    this.all = all;
    this.refuse('');
    this.grid.show(all, new Set(will.map(at => Date.parse(at))));
    this.legend.replaceChildren(...tally(all).map(({ look: [, shape, tone, words], count }) => {
      const one = make('span', tone), icon = sign();
      icon.show(shape || '·', tone);
      one.append(icon, make('b', '', String(count)), ` ${words}`);
      return one;
    }));
    const going = all.filter(one => UNDONE.has(one.state ?? '')).length;
    this.left(will.length);
    say(this.count, inWords(all.length, will.length, going));
  }

  // [start, end) of the chosen days in the schedule's zone; null, and said at the field, when there is none.
  private window(): { start: string; end: string } | null {
    const until = this.until.text, [start, end] = [midnight(this.from.text, this.zone), midnight(until && daysAfter(until, 1), this.zone)];
    this.from.refuse(start ? '' : 'choose the first day');
    this.until.refuse(!end ? 'choose the last day' : start && this.from.text > until ? 'this is before the first day' : '');
    this.parallel.refuse(Number(this.parallel.text) >= 1 ? '' : 'give 1 or more');
    return start && end && !this.until.wrong ? { start, end } : null;
  }

  private refuse(sentence: string): void {
    say(this.problem, sentence);
  }

  private get fields(): Field[] {
    return [this.from, this.until, this.parallel, this.failed];
  }

  private readonly from = new Field('First day', input('date'));
  private readonly until = new Field('Last day', input('date'));
  private readonly parallel = new Field('At once', input('number', { min: '1', step: '1' }));
  private readonly failed = new Field('Also what failed or was cancelled', input('checkbox'));
  private readonly grid: OccurrenceGrid;
  private readonly legend: HTMLElement = make('div', 'legend');
  private readonly count: HTMLElement = make('p', 'to-run');
  private readonly problem: HTMLElement = make('p', 'problem error');
  private readonly zone: string;
  private all: Occurrence[] = [];
  private looked = 0;
  private timer = 0;
}

function inWords(all: number, will: number, going: number): string {
  if (!all) return 'The schedule has no instants in these days.';
  const next = will ? `Start runs ${will} of ${all} instants, marked by a ring.` : `None of the ${all} instants is left to run.`;
  return going ? `${going} to go, also when this is closed.${will ? ` ${next}` : ''}` : next;
}

// The first instant of the day: the first full hour that there is, where the clocks skip midnight.
function midnight(day: string, zone: string): string {
  for (const time of ['00:00', '01:00', '02:00']) {
    const found = instantOf(`${day}T${time}`, zone);
    if ('iso' in found) return found.iso;
  }
  return '';
}
