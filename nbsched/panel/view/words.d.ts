export declare function took(ms: number | null | undefined): string;
export declare function when(at: number | null | undefined, now: number): string;
export declare function left(row: { ends_ms: number | null; rest_ms: number }, now: number): string;
export declare function clock(at: number): string;
export declare function exact(at: number | null | undefined): string;
export declare function oneLine(text: string): string;
export declare function grouped(count: number): string;
export declare function median(values: number[]): number | null;
