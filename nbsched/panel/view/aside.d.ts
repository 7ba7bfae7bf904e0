import type { Details, PanelRow, ScheduleLine, Verb } from "./data";
import type { Known } from "./known.js";

export type Chosen = { run: number } | { schedule: string } | null;

// what details stand in
export interface Around {
  readonly known: Known;
  readonly chosen: { run?: number; schedule?: string } | null;
  choose(chosen: Chosen): void;
  act(verb: Verb, target: number | string, value?: string): unknown;
  ask(): void;
  // there is room for a traceback
  readonly roomy?: boolean;
  // what else is offered of a run or of a schedule
  more?(of: { row?: PanelRow; details?: Details; schedule?: ScheduleLine }): HTMLElement[];
}

export declare class Aside {
  constructor(around: Around);
  readonly node: HTMLElement;
  // the name and the state of what is shown; then everything else
  readonly top: HTMLElement;
  readonly rest: HTMLElement;
  show(): void;
}
