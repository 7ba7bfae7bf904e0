import type { Message, News } from "./data";
import type { Known } from "./known.js";

export interface Panel {
  readonly root: HTMLElement;
  readonly known: Known;
  news(news: News): void;
  choose(chosen: { run: number } | { schedule: string } | null): void;
  open(tab: "Runs" | "Schedules" | "Graph" | "Timeline" | "Log"): void;
  dispose(): void;
}

export declare function mount(
  el: HTMLElement,
  options: { focus?: number | null; chosen?: number | null; send: (message: Message) => void },
): Panel;
