// What the server tells a panel: the rows of nbsched/core/rows.py and core/panel.py.

export type Verb = "cancel" | "retry" | "approve" | "reject" | "answer" | "trigger" | "pause" | "resume";
export type Tone = "ok" | "run" | "wait" | "bad" | "warn" | "skip";
export type Tick = [id: number, tone: Tone, took_ms: number | null];

export interface RunRow {
  id: number; name: string; schedule: string | null; state: string; reason: string | null; attempt: number;
  scheduled_at: string; until: string | null; count: number; started_at: string | null; ended_at: string | null;
  pipeline: string | null; step: string | null; index: number | null; parent: number | null;
  params: Record<string, unknown>; result: unknown; values: Record<string, unknown>;
  error: string | null; output: string | null; key: string | null; retry_of: number | null;
}

export interface AttemptRow {
  number: number; host: string; pid: number | null; started_at: string; ended_at: string | null;
  outcome: string | null; error: string | null; output: string | null;
}

export interface EventRow { id: string; name: string; at: string; seq: number; data: Record<string, unknown>; key?: string }

export interface ScheduleRow {
  name: string; trigger: string; tz: string | null; next_at: string | null; paused: string | null;
  overlap: string; missed: string; last_run: number | null;
}

export interface ScheduleLine extends ScheduleRow { next_ms: number | null; actions: Verb[] }

export interface PanelRow {
  id: number; name: string; detail: string; state: string; reason: string | null; sign: string; tone: Tone; why: string;
  progress: [number, number] | null; scheduled_ms: number; until_ms: number | null; started_ms: number | null;
  ended_ms: number | null; due_ms: number | null; ends_ms: number | null; rest_ms: number; series: string;
  parent: number | null; step: string | null; index: number | null; schedule: string | null; pipeline: boolean;
  items: Record<string, number> | null; actions: Verb[];
}

export interface Counts { running: number; queued: number; pending: number }
export interface Overview { now_ms: number; counts: Counts; schedules?: ScheduleLine[] }
export interface Node { name: string; layer: number; height: number; run: number | null; stale?: boolean; changed?: string }
export interface PastRun { id: number; tone: Tone; took_ms: number | null; scheduled_ms: number; cells: ([Tone, number] | null)[] }

export interface PipelineView {
  run: PanelRow; steps: PanelRow[]; nodes: Node[]; edges: [number, number][][]; past: PastRun[]; history: Record<string, Tick[]>;
}

export interface ErrorView { text: string; cell: number | null; line: string | null; traceback: string }
export interface Items { counts: Record<string, number>; first: { row: PanelRow; given: string }[]; more: number }

export interface Details {
  row: PanelRow; run: RunRow; path: PanelRow[]; error: ErrorView | null; attempts: AttemptRow[];
  notebook: string | null; asks: { kind: string; choices: string[] } | null; items: Items | null; log: string; cells: string;
}

export interface News {
  all?: boolean; overview?: Overview; rows?: PanelRow[]; history?: Record<string, Tick[]>;
  details?: Record<string, Details>; pipelines?: Record<string, PipelineView>; notices?: string[];
}

// what a view asks for
export type Message =
  | { t: "look"; run: number }
  | { t: "act"; verb: Verb; target: number | string; value: string };
