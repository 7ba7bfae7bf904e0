// What stands in the builder; only the fields of its kind count.
export interface When {
  kind: string;
  minute: string;
  time: string;
  days: readonly number[];
  day: string;
  amount: string;
  unit: string;
  from: string;
  at: string;
  event: string;
  where: string;
  name: string;
  state: string;
  within: string;
  text: string;
}

export const KINDS: [string, string][];
export const UNITS: [string, string][];
export const STATES: string[];
export const WEEK: [number, string][];
export const TOLD: Set<string>;
export const USUAL: Readonly<When>;
export function triggerText(when: When, zone: string): { text: string } | { field: string; error: string };
export function whenOf(trigger: string, zone: string): { when: When; zone: string };
export function isCron(trigger: string): boolean;
export function zonedText(trigger: string, zone: string): string;
