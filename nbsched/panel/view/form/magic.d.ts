export function scheduleLine(trigger: string, zone: string, options: Record<string, unknown>): string;
export function withLine(source: string, line: string): string;
export function mayBeScheduled(source: string): boolean;
