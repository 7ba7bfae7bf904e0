export interface Option {
  name: string;
  label: string;
  help: string;
  usual: string;
  choices?: [string, string][];
  whole?: true;
}

export const OPTIONS: Option[];
export const RUN_OPTIONS: Set<string>;
export function given(texts: Record<string, string>): { given: Record<string, any>; errors: Record<string, string> };
export function textsOf(stored: Record<string, any>): Record<string, string>;
export function summary(texts: Record<string, string>): string;
