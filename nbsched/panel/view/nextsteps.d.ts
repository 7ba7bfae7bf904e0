import type { Details, PanelRow, Tick } from "./data";

export interface NextStep { does: "cell" | "notebook" | "compare" | "retry-with" | "whole"; label: string; run: number }

export declare function nextSteps(row: PanelRow, details: Details | undefined, ticks: Tick[]): NextStep[];
export declare function eventFacts(data: Record<string, unknown>): string;
