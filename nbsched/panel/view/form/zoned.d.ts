export function knows(zone: string): boolean;
export function wallIn(ms: number, zone: string): string;
export function instantOf(wall: string, zone: string): { iso: string } | { error: string };
export function partsOf(iso: string): { date: string; time: string; offset: string; weekday: number };
export function weekdayOf(date: string): number;
export function daysAfter(date: string, count: number): string;
export function dayText(date: string): string;
export function monthText(date: string): string;
