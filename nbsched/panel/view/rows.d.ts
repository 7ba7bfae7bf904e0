import type { PanelRow, ScheduleLine, Verb } from "./data";
import type { Known } from "./known.js";
import type { Row } from "./list.js";

// what a row needs of where it stands
export interface Host {
  readonly known: Known;
  readonly opened: Set<number>;
  act(verb: Verb, target: number | string): void;
  fold(run: number): void;
}

export interface Buttons extends HTMLElement { show(of: { actions: Verb[] }, target: number | string): void }
export interface Bar extends HTMLElement { show(progress: [number, number] | null): void }

export declare function runRow(host: Host, newButtons?: (host: Host) => Buttons): Row<number>;
export declare function scheduleRow(host: Host): Row<ScheduleLine>;
export declare function actButtons(host: Host): Buttons;
export declare function bar(): Bar;
export declare function moments(row: PanelRow): string;
export declare function words(verb: Verb): [label: string, pressed: string];
