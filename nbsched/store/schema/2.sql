-- Version 2: runs inside runs, runs that wait, rates, lateness, fingerprints, and events with a key.

-- the top-level run that it is part of, NULL for that one itself
ALTER TABLE runs ADD COLUMN root INTEGER;
-- the pipeline's run whose steps and parameters it may read; a mapped item's is its map's
ALTER TABLE runs ADD COLUMN scope INTEGER;
ALTER TABLE runs ADD COLUMN setup INTEGER NOT NULL DEFAULT 0;
-- so many of the runs in it are admitted at a time; NULL: all
ALTER TABLE runs ADD COLUMN width INTEGER;
-- when it is late if it still runs then
ALTER TABLE runs ADD COLUMN late_ms INTEGER;
-- it was late, and that has been told
ALTER TABLE runs ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
-- of all that its result depends on
ALTER TABLE runs ADD COLUMN fingerprint TEXT;
-- the label of those of which only so many go on at once, by the policy's max_bound
ALTER TABLE runs ADD COLUMN bound TEXT;
UPDATE runs SET root = parent, scope = parent WHERE parent IS NOT NULL;
CREATE INDEX runs_late ON runs (late_ms) WHERE ended_ms IS NULL AND late_ms IS NOT NULL;
CREATE INDEX runs_fingerprint ON runs (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX runs_bound ON runs (bound, state, priority, scheduled_ms, id) WHERE ended_ms IS NULL AND bound IS NOT NULL;
CREATE INDEX runs_reused ON runs (retry_of) WHERE retry_of IS NOT NULL AND parent IS NOT NULL;

-- what pending runs wait for
CREATE TABLE waits (
  run      INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  kind     TEXT NOT NULL,                 -- event (and instant), answer, poke, previous
  patterns TEXT NOT NULL DEFAULT '[]',    -- JSON list of event names, or of files
  seq      INTEGER NOT NULL DEFAULT 0,    -- every event up to here has been looked at
  wake_ms  INTEGER,                       -- when what it waits for is there
  answer   TEXT                           -- what it gives then, also of who answered before it began
) STRICT;
CREATE INDEX waits_wake ON waits (wake_ms) WHERE wake_ms IS NOT NULL;

-- when runs of a limited rate began
CREATE TABLE starts (
  name  TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX starts_name ON starts (name, at_ms);
CREATE INDEX runs_rated ON runs (name, not_before_ms) WHERE state = 'queued' AND reason = 'rate';

-- hooks that are still to be told what has become of a run
CREATE TABLE notices (
  id   INTEGER PRIMARY KEY,
  run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  hook TEXT NOT NULL,                     -- on_success, on_failure, …
  host TEXT                               -- who is telling it
) STRICT;
CREATE INDEX notices_run ON notices (run);

-- what a run's fingerprint is made of, so that a change can be named
CREATE TABLE fingerprints (
  run   INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  parts TEXT NOT NULL
) STRICT;

ALTER TABLE events ADD COLUMN key TEXT;
CREATE INDEX events_key ON events (key, seq) WHERE key IS NOT NULL;
