// The names of all commands, and what each is given; a plugin that adds one gives `describedBy: ARGS[name]`.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

export const Commands = {
  openPanel: 'nbsched:open-panel',
  openPage: 'nbsched:open-page',
  openRun: 'nbsched:open-run',
  showCell: 'nbsched:show-cell',
  schedule: 'nbsched:schedule',
  scheduleCell: 'nbsched:schedule-cell',
  runNow: 'nbsched:run-now',
  retryWith: 'nbsched:retry-with',
  backfill: 'nbsched:backfill',
  act: 'nbsched:act'
} as const;

// where the palette lists them
export const CATEGORY = 'Schedules and Runs';

type Described = { args: ReadonlyJSONObject };

function described(properties: ReadonlyJSONObject = {}, required: string[] = []): Described {
  return { args: { type: 'object', properties, required, additionalProperties: true } };
}

const run = { type: 'integer', description: 'The id of a run' };
const schedule = { type: 'string', description: 'The name of a schedule' };
const path = { type: 'string', description: "A notebook's path, relative to the server's folder; by default the one in front" };
const verb = {
  type: 'string',
  enum: ['cancel', 'retry', 'approve', 'reject', 'answer', 'trigger', 'pause', 'resume'],
  description: 'What is done: trigger, pause and resume to a schedule, the others to a run'
};

export const ARGS: { [name in (typeof Commands)[keyof typeof Commands]]: Described } = {
  'nbsched:open-panel': described({ filter: { type: 'string', description: 'What the panel is filtered by' } }),
  'nbsched:open-page': described({ schedule, run }),
  'nbsched:open-run': described({ run }, ['run']),
  'nbsched:show-cell': described({ run }, ['run']),
  'nbsched:schedule': described({ path, schedule }),
  'nbsched:schedule-cell': described(),
  'nbsched:run-now': described({ path }),
  'nbsched:retry-with': described({ run }, ['run']),
  'nbsched:backfill': described({ schedule }, ['schedule']),
  'nbsched:act': described(
    { verb, target: { type: ['integer', 'string'], description: "A run's id or a schedule's name" }, value: { type: 'string' } },
    ['verb', 'target']
  )
};

// What the menus of a run and of a schedule offer, each with `{run}` or `{schedule}`, where it is there and visible.
export const OF_RUN: string[] = [Commands.openRun, Commands.showCell, Commands.retryWith];
export const OF_SCHEDULE: string[] = [Commands.schedule, Commands.backfill];
