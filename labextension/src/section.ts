// One section of the side panel: a list of which only the visible part exists, and what stands there while it is empty.

import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { make, say } from '../../nbsched/panel/view/elements.js';
import { VirtualList } from '../../nbsched/panel/view/list.js';
import type { Row } from '../../nbsched/panel/view/list.js';
import { grouped } from '../../nbsched/panel/view/words.js';

export interface SectionOptions<T> {
  name: string;
  className: string;
  newRow: () => Row<T>;
  key: (item: T) => string | number;
  open: (item: T) => void;
  menu: (item: T, x: number, y: number) => void;
}

export class Section<T> extends Widget {
  constructor({ name, className, newRow, key, open, menu }: SectionOptions<T>) {
    super();
    const choose = (item: T): void => {
      this.list.chosen = key(item);
      this.list.paint();
    };
    this.list = new VirtualList<T>({ label: name, className, newRow, key, choose, open, menu });
    this.list.narrow(true);
    this.addClass('nbs');
    this.addClass('nbs-section');
    this.addClass('narrow');
    this.id = `nbsched-${name.toLowerCase().replace(' ', '-')}`;
    this.title.label = name;
    this.node.append(this.list.node);
  }

  readonly list: VirtualList<T>;
  // how many there are, beside the section's name
  readonly count = make('span', 'nbs-count');

  // The list has these items; where there are none, this text, and what can be done about it.
  fill(items: T[], emptyText: string, remedy: HTMLElement | null = null): void {
    say(this.count, items.length ? grouped(items.length) : '');
    this.list.set(items, emptyText);
    if (remedy) remedy.hidden = items.length > 0;
    if (remedy && remedy.parentElement !== this.list.node) this.list.node.append(remedy);
  }

  protected override onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this.list.paint();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.list.paint();
  }
}
