import type { Around } from "./aside.js";
import type { Message, Verb } from "./data";
import type { Known } from "./known.js";

export type PageTab = "Runs" | "Schedules" | "Matrix" | "Graph" | "Timeline";

export interface Page extends Around {
  readonly root: HTMLElement;
  readonly tab: PageTab;
  readonly known: Known;
  readonly notice: { tell(text: string): void };
  heard(notices?: string[]): void;
  open(tab: PageTab): void;
  dispose(): void;
}

export declare function mountPage(
  el: HTMLElement,
  options: {
    known: Known;
    chosen?: number | null;
    send: (message: Message) => void;
    act: (verb: Verb, target: number | string, value?: string) => Promise<unknown>;
    aside: (page: Page) => { node: HTMLElement; show(): void };
    openRun?: (run: number) => void;
    menu?: (run: number, x: number, y: number) => void;
    remedy?: HTMLElement;
  },
): Page;
