-- Version 3: what the cells of notebooks used; among a million rows, what is asked for is found where it begins.

CREATE TABLE usage (
  run   INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  cells TEXT NOT NULL                     -- JSON list: wall_s, cpu_s, peak_memory_mb of each cell that has ended
) STRICT;

-- a host looks at what stands at its own places, and passes over nothing else
DROP INDEX schedules_next;
CREATE INDEX schedules_due ON schedules (place, next_ms) WHERE paused IS NULL AND next_ms IS NOT NULL;
DROP INDEX runs_queue;
CREATE INDEX runs_line ON runs (lane, place, priority, seq, id) WHERE state = 'queued';
CREATE INDEX schedules_place ON schedules (place) WHERE place IS NOT NULL;
CREATE INDEX waits_kind ON waits (kind);

-- lists, in their order
CREATE INDEX schedules_order ON schedules (next_ms IS NULL, next_ms, name);
CREATE INDEX schedules_notebook ON schedules (notebook) WHERE notebook IS NOT NULL;
CREATE INDEX runs_of_schedule ON runs (schedule, id) WHERE parent IS NULL AND schedule IS NOT NULL;
CREATE INDEX runs_ended ON runs (state, id) WHERE parent IS NULL AND ended_ms IS NOT NULL;
