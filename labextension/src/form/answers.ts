// What the server answers, as far as it is not a row of the panel.

import type { RunRow, ScheduleRow } from '../../../nbsched/panel/view/data';
import type { Parameter } from '../../../nbsched/panel/view/form/typed.js';

// A run with all that belongs to it.
export interface WholeRun extends RunRow {
  steps?: Record<string, RunRow>;
}

// A schedule with what it was defined by.
export interface Stored extends ScheduleRow {
  params: Record<string, unknown>;
  policy: Record<string, unknown>;
  path: string | null;
  following: string[];
  catchup?: string | null;
  jitter?: string | null;
  start?: string | null;
  end?: string | null;
  limit?: number | null;
  pipeline?: string | null;
}

export interface Notebook {
  path: string;
  name: string;
  parameters: Parameter[] | null;
  schedules: ScheduleRow[];
}

export interface Next {
  trigger: string;
  words: string;
  tz: string;
  times: { at: string; note: string }[];
}
