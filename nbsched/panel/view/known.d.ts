import type { Counts, Details, News, PanelRow, PipelineView, ScheduleLine, Tick } from "./data";

export declare class Known {
  constructor(focus: number | null);
  focus: number | null;
  rows: Map<number, PanelRow>;
  order: number[];
  history: Map<string, Tick[]>;
  pipelines: Map<number, PipelineView>;
  details: Map<number, Details>;
  schedules: ScheduleLine[];
  counts: Counts | null;
  lag: number;
  loaded: boolean;
  now(): number;
  take(news: News): void;
  expected(row: PanelRow): number | null;
  elapsed(row: PanelRow): number | null;
  why(row: PanelRow): string;
  matchingSchedules(filter: string): ScheduleLine[];
  nextFire(): ScheduleLine | undefined;
  failedToday(): number;
  path(row: PanelRow | undefined): PanelRow[];
  root(id: number): number | null;
  depth(row: PanelRow): number;
  matching(filter: string, open: Set<number>): number[];
}
