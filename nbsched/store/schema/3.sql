-- Version 3: what the cells of notebooks used.

CREATE TABLE usage (
  run   INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  cells TEXT NOT NULL                     -- JSON list: wall_s, cpu_s, peak_memory_mb of each cell that has ended
) STRICT;
