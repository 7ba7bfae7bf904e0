// The commands that do something to a run or a schedule, from wherever they are asked for.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';

import type { Verb } from '../../nbsched/panel/view/data';
import { words } from '../../nbsched/panel/view/rows.js';
import { ARGS, Commands } from './commands';
import { IServer } from './tokens';

const READ_MS = 10_000;

// What is refused is said in one line.
export async function told(doing: Promise<unknown>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    Notification.warning(error instanceof Error ? error.message : String(error), { autoClose: READ_MS });
  }
}

export const acting: JupyterFrontEndPlugin<void> = {
  id: 'nbsched:acting',
  description: 'Cancels, retries and approves runs; triggers, pauses and resumes schedules.',
  autoStart: true,
  requires: [IServer],
  activate: ({ commands }: JupyterFrontEnd, server: IServer): void => {
    commands.addCommand(Commands.act, {
      describedBy: ARGS[Commands.act],
      label: args => (args.verb ? words(args.verb as Verb)[0] : 'Act on a run or a schedule'),
      execute: args => told(server.act(args.verb as Verb, args.target as number | string, args.value as string | undefined))
    });
  }
};
