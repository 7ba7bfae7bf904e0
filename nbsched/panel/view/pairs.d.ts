export type Verdict = "same" | "source" | "outputs" | "added" | "removed";

export declare function folded<P extends { verdict: Verdict }>(pairs: P[]): { same: boolean; pairs: P[] }[];
