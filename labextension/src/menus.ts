// The menus of a run and of a schedule: what others offer for it, then what can be done with it now.

import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { Menu } from '@lumino/widgets';

import type { PanelRow, ScheduleLine, Verb } from '../../nbsched/panel/view/data';
import { Commands, OF_RUN, OF_SCHEDULE } from './commands';

export function runMenu(commands: CommandRegistry, row: PanelRow, x: number, y: number): void {
  const acts = row.actions.filter(verb => verb !== 'answer');
  open(commands, OF_RUN, { run: row.id }, acts, row.id, x, y);
}

export function scheduleMenu(commands: CommandRegistry, one: ScheduleLine, x: number, y: number): void {
  const ways = one.last_run === null ? [] : [Commands.openRun];
  open(commands, [...ways, ...OF_SCHEDULE], { schedule: one.name, run: one.last_run }, one.actions, one.name, x, y);
}

function open(
  commands: CommandRegistry, names: string[], args: ReadonlyJSONObject, verbs: Verb[], target: number | string, x: number, y: number
): void {
  const menu = new Menu({ commands });
  const there = names.filter(name => commands.hasCommand(name) && commands.isVisible(name, args));
  for (const command of there) menu.addItem({ command, args });
  if (there.length && verbs.length) menu.addItem({ type: 'separator' });
  for (const verb of verbs) menu.addItem({ command: Commands.act, args: { verb, target } });
  menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
  if (menu.items.length) menu.open(x, y);
  else menu.dispose();
}
