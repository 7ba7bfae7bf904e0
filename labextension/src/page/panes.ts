// What of a run stands under its tabs.

import type { Widget } from '@lumino/widgets';

import type { Details, PanelRow } from '../../../nbsched/panel/view/data';

export interface Pane extends Widget {
  // It is in front, or there is news of its run.
  look(row: PanelRow, details: Details | undefined): void;
  // It is in front no more.
  leave(): void;
}

export const PANES = [['Details', 'Details'], ['Output', 'Output'], ['Log', 'Log'], ['Events', 'Events'], ['Compare', 'Compare']] as [PaneName, string][];
export type PaneName = 'Details' | 'Output' | 'Log' | 'Events' | 'Compare';

// Whether the pane has anything to say of such a run.
export function offered(name: PaneName, row: PanelRow): boolean {
  const whole = row.pipeline || row.items !== null;
  if (name === 'Output' || name === 'Log') return !whole && row.state !== 'skipped';
  return name !== 'Compare' || (!whole && row.ended_ms !== null && row.started_ms !== null);
}
