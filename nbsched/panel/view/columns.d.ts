import type { Tone } from "./data";

export declare function toneWord(tone: Tone): string;
