// The occurrences of a schedule as a calendar to look at and to walk through by keys.

import { make, put, sign } from '../../../nbsched/panel/view/elements.js';
import type { Sign } from '../../../nbsched/panel/view/elements.js';
import { calendar, lookOf, markOf, sayOf, type Calendar, type Occurrence } from '../../../nbsched/panel/view/form/occurrences.js';
import { partsOf } from '../../../nbsched/panel/view/form/zoned.js';

const MOST = 3000;

interface Shown {
  node: HTMLElement;
  icon: Sign;
}

// One cell for each occurrence: its colour and its sign say how it stands, a ring that it will be run.
export class OccurrenceGrid {
  readonly node: HTMLElement = make('div', 'occurrences');
  private cells = new Map<string, Shown>();
  private shape = '';

  constructor(private readonly open: (run: number) => void) {
    this.node.addEventListener('keydown', event => this.move(event));
  }

  // The occurrences are shown; cells that are there already are only changed.
  show(all: Occurrence[], will: Set<number>): void {
    if (all.length > MOST) {
      this.shape = '';
      this.node.replaceChildren(make('p', 'help', `${all.length.toLocaleString('en')} instants are too many to be shown: choose fewer days.`));
      return;
    }
    const shape = all.map(one => one.at).join();
    if (shape !== this.shape) {
      this.shape = shape;
      this.build(calendar(all));
    }
    for (const one of all) {
      this.paint(one, will.has(Date.parse(one.at)));
    }
  }

  private build({ kind, marks, heads, lines }: Calendar): void {
    const table = make('table', `${kind} ${marks}`);
    table.setAttribute('role', 'grid');
    table.setAttribute('aria-label', 'Occurrences');
    this.cells = new Map();
    if (heads.length) {
      const row = table.createTHead().insertRow();
      row.append(make('td'), ...heads.map(({ label, span }) => monthHead(label, span)));
    }
    const body = table.createTBody();
    for (const { label, cells } of lines) {
      const row = body.insertRow(), head = make('th', '', label);
      head.scope = 'row';
      row.append(head, ...cells.map(one => (one ? this.cell(one, markOf(one, marks)) : make('td', 'gap'))));
    }
    this.node.replaceChildren(table);
    this.cells.values().next().value?.node.setAttribute('tabindex', '0');
  }

  private cell(one: Occurrence, mark: string): HTMLElement {
    const node = make('td'), icon = sign();
    node.setAttribute('role', 'gridcell');
    node.tabIndex = -1;
    node.append(icon, make('small', '', mark));
    node.addEventListener('click', () => node.dataset.run && this.open(Number(node.dataset.run)));
    this.cells.set(one.at, { node, icon });
    return node;
  }

  private paint(one: Occurrence, will: boolean): void {
    const { node, icon } = this.cells.get(one.at)!, [state, shape, tone] = lookOf(one), said = sayOf(one, will);
    icon.show(shape || '·', tone);
    put(node, 'class', `${tone}${will ? ' will' : ''}${one.run === null ? '' : ' there'}`);
    put(node, 'data-state', state ?? 'none');
    put(node, 'aria-label', said);
    put(node, 'title', said);
    if (one.run === null) {
      node.removeAttribute('data-run');
    } else {
      put(node, 'data-run', String(one.run));
    }
  }

  // Arrows walk, Enter opens the run.
  private move(event: KeyboardEvent): void {
    const cell = (event.target as HTMLElement).closest('td[role="gridcell"]') as HTMLTableCellElement | null;
    const row = cell?.parentElement as HTMLTableRowElement | null;
    if (!cell || !row) return;
    if (event.key === 'Enter' && cell.dataset.run) this.open(Number(cell.dataset.run));
    const next = STEPS[event.key]?.(cell, row);
    if (next) {
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  }
}

type Step = (cell: HTMLTableCellElement, row: HTMLTableRowElement) => HTMLElement | null;

const STEPS: Record<string, Step> = {
  ArrowLeft: cell => beside(cell, 'previousElementSibling'),
  ArrowRight: cell => beside(cell, 'nextElementSibling'),
  ArrowUp: (cell, row) => below(cell, row, 'previousElementSibling'),
  ArrowDown: (cell, row) => below(cell, row, 'nextElementSibling'),
  Home: (_, row) => row.querySelector<HTMLElement>('td[role="gridcell"]'),
  End: (_, row) => [...row.querySelectorAll<HTMLElement>('td[role="gridcell"]')].pop() ?? null
};

type Way = 'previousElementSibling' | 'nextElementSibling';

function beside(cell: HTMLElement, way: Way): HTMLElement | null {
  let next = cell[way];
  while (next && next.getAttribute('role') !== 'gridcell') {
    next = next[way];
  }
  return next as HTMLElement | null;
}

function below(cell: HTMLTableCellElement, row: HTMLElement, way: Way): HTMLElement | null {
  for (let next = row[way]; next; next = next[way]) {
    const found = next.children[Math.min(cell.cellIndex, next.children.length - 1)];
    if (found?.getAttribute('role') === 'gridcell') return found as HTMLElement;
  }
  return null;
}

function monthHead(label: string, span: number): HTMLElement {
  const head = make('th', '', span > 1 ? label : '');
  head.colSpan = span;
  head.scope = 'colgroup';
  return head;
}

// The day that an instant falls on, as its own offset shows it.
export function dayOf(at: string): string {
  return partsOf(at).date;
}
