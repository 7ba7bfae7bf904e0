// The lists of a panel: of runs, or a pipeline's steps, and of schedules.

import { VirtualList } from "./list.js";
import { runRow, scheduleRow } from "./rows.js";

export function runList(panel, newRow = () => runRow(panel)) {
  const ofStore = panel.known.focus == null;
  return new VirtualList({
    label: ofStore ? "Runs" : "Steps",
    className: "runs",
    columns: ["", "run", ofStore ? "what" : "step", "why", "progress", "last 10", "took", "when"],
    key: id => id,
    newRow,
    choose: id => panel.choose({ run: id }),
    open: id => panel.openRun?.(id),
    menu: panel.options.menu ?? null,
  });
}

export function scheduleList(panel) {
  return new VirtualList({
    label: "Schedules",
    className: "schedules",
    columns: ["", "name", "trigger", "overlap · missed", "last 10", "next", ""],
    key: one => one.name,
    newRow: () => scheduleRow(panel),
    choose: one => panel.choose({ schedule: one.name }),
  });
}
