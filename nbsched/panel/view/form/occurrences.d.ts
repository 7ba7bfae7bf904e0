export interface Occurrence {
  at: string;
  run: number | null;
  state: string | null;
  reason?: string | null;
}
export type Look = [state: string | null, sign: string, tone: string, words: string];
export interface Calendar {
  kind: 'weeks' | 'days';
  // what tells a cell from its neighbours
  marks: 'day' | 'hour' | 'time' | '';
  heads: { label: string; span: number }[];
  lines: { label: string; cells: (Occurrence | null)[] }[];
}

export const UNDONE: Set<string>;
export function lookOf(one: Occurrence): Look;
export function sayOf(one: Occurrence, will: boolean): string;
export function tally(all: Occurrence[]): { look: Look; count: number }[];
export function calendar(all: Occurrence[]): Calendar;
export function markOf(one: Occurrence, kind: Calendar['marks']): string;
export function usualWindow(following: string[], today: string): { from: string; until: string };
