// What can be done next with a run or a schedule, beside what its row offers.

import type { CommandRegistry } from '@lumino/commands';

import type { Details, PanelRow, ScheduleLine } from '../../../nbsched/panel/view/data';
import { button } from '../../../nbsched/panel/view/elements.js';
import { nextSteps } from '../../../nbsched/panel/view/nextsteps.js';
import { told } from '../acting';
import { Commands } from '../commands';
import type { IServer } from '../server';
import type { RunView } from './runview';

export class Repair {
  constructor(
    private readonly commands: CommandRegistry,
    private readonly server: IServer,
    private readonly view: () => RunView
  ) {}

  // The buttons of a run, the likeliest first.
  ofRun(row: PanelRow, details: Details | undefined): HTMLElement[] {
    const steps = nextSteps(row, details, this.server.known.history.get(row.series) ?? []);
    return steps.filter(step => step.does !== 'notebook' || this.can(Commands.showCell, { run: row.id })).flatMap(step => {
      if (step.does === 'retry-with' && !this.can(Commands.retryWith, { run: step.run })) return [];
      return [button(step.label, () => this.take(step.does, row.id, step.run))];
    });
  }

  // Those of a schedule.
  ofSchedule({ name }: ScheduleLine): HTMLElement[] {
    return [Commands.schedule, Commands.backfill]
      .filter(command => this.can(command, { schedule: name }))
      .map(command => button(command === Commands.backfill ? 'Backfill…' : 'Edit…', () => void this.commands.execute(command, { schedule: name })));
  }

  private can(command: string, args: { run?: number; schedule?: string }): boolean {
    return this.commands.hasCommand(command) && this.commands.isVisible(command, args);
  }

  private take(does: string, run: number, about: number): void {
    const view = this.view();
    if (does === 'cell') view.showFailed();
    else if (does === 'notebook') void this.commands.execute(Commands.showCell, { run });
    else if (does === 'compare') view.compare(about);
    else if (does === 'retry-with') void this.commands.execute(Commands.retryWith, { run: about });
    else if (does === 'whole') void told(this.server.ask(`/runs/${about}/retry`, { method: 'POST', body: { from_failed: false } }));
  }
}
