// What a run has printed, live and without a gap.

import { Widget } from '@lumino/widgets';

import type { Details, PanelRow } from '../../../nbsched/panel/view/data';
import { keepKeys, make, say } from '../../../nbsched/panel/view/elements.js';
import type { Pane } from './panes';
import { Tail } from './tail';
import type { Part } from './tail';
import type { Tools } from './tools';

interface LogPart extends Part {
  text: string;
}

// so much of a long log stands in the page, its end
const LONGEST = 2_000_000;

export class LogPane extends Widget implements Pane {
  constructor(
    private readonly tools: Tools,
    private readonly run: number
  ) {
    super();
    this.addClass('nbs-log');
    keepKeys(this.log).tabIndex = 0;
    this.log.setAttribute('aria-label', 'Log');
    this.log.setAttribute('role', 'log');
    this.log.append(this.text);
    this.node.append(this.said, this.log);
    say(this.said, 'Waiting for the server…');
  }

  look(row: PanelRow, details: Details | undefined): void {
    if (details !== this.details) this.tail.nudge();
    this.details = details;
    this.tail.follow(row.state === 'running');
  }

  leave(): void {
    this.tail.leave();
  }

  override dispose(): void {
    this.tail.leave();
    super.dispose();
  }

  private take({ text, ended }: LogPart): void {
    const { log } = this, atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    if (text) this.text.appendData(text);
    const over = this.text.length - LONGEST;
    if (over > 0) this.text.deleteData(0, over);
    this.cut ||= over > 0;
    const silent = ended ? 'This run has not written anything.' : 'Nothing written yet.';
    say(this.said, this.text.length ? (this.cut ? 'The end of a long log; all of it is in the run’s folder.' : '') : silent);
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  private fail(error: unknown): void {
    say(this.said, error instanceof Error ? error.message : String(error));
  }

  private readonly said = make('div', 'said');
  private readonly log = make('pre', 'log');
  private readonly text = document.createTextNode('');
  private readonly tail = new Tail<LogPart>(
    offset => this.tools.server.ask<LogPart>(`/runs/${this.run}/log?offset=${offset}`),
    part => this.take(part),
    error => this.fail(error)
  );
  private details: Details | undefined;
  private cut = false;
}
