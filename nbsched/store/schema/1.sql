-- Version 1. Times are milliseconds since 1970, UTC. JSON columns hold text written by core/wire.

CREATE TABLE hosts (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,               -- kernel, script, server, daemon
  pid        INTEGER NOT NULL,
  birth      TEXT NOT NULL,               -- machine and start of the process: tells a dead pid from a reused one
  port       INTEGER,                     -- loopback UDP port that hears "something changed"
  slots      INTEGER NOT NULL,
  resources  TEXT NOT NULL,
  notebook   TEXT,
  started_ms INTEGER NOT NULL,
  seen_ms    INTEGER NOT NULL,
  until_ms   INTEGER NOT NULL             -- the lease
) STRICT;

CREATE TABLE schedules (
  name       TEXT PRIMARY KEY,
  given      TEXT NOT NULL,               -- the trigger as it was written
  trigger    TEXT NOT NULL,               -- the same with its anchor
  tz         TEXT,
  work       TEXT NOT NULL,
  params     TEXT NOT NULL,
  overlap    TEXT NOT NULL,
  missed     TEXT NOT NULL,
  catchup_ms INTEGER NOT NULL,
  jitter_ms  INTEGER,
  start_ms   INTEGER,
  end_ms     INTEGER,
  max_fires  INTEGER,
  fired      INTEGER NOT NULL DEFAULT 0,
  after_ms   INTEGER NOT NULL,            -- every instant up to here is accounted for
  after_seq  INTEGER NOT NULL,            -- every event up to here is accounted for
  next_ms    INTEGER,
  patterns   TEXT NOT NULL,               -- JSON list of the event names listened to
  paused     TEXT,
  place      TEXT,
  notebook   TEXT,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_next ON schedules (next_ms) WHERE paused IS NULL AND next_ms IS NOT NULL;

CREATE INDEX schedules_listening ON schedules (name) WHERE paused IS NULL AND patterns <> '[]';

CREATE TABLE runs (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT NOT NULL,
  kind          TEXT NOT NULL,
  state         TEXT NOT NULL,
  reason        TEXT,
  schedule      TEXT,
  occurrence    TEXT,                     -- schedule, instant and event: an instant is accounted for once
  scheduled_ms  INTEGER NOT NULL,
  previous_ms   INTEGER NOT NULL,         -- the instant before: the interval is (previous, scheduled)
  until_ms      INTEGER,
  count         INTEGER NOT NULL DEFAULT 1,
  pipeline      TEXT,
  step          TEXT,
  idx           INTEGER,
  parent        INTEGER REFERENCES runs (id) ON DELETE CASCADE,
  retry_of      INTEGER,
  key           TEXT,
  lane          TEXT NOT NULL DEFAULT 'slot', -- what its host needs room for: slot, cell, or none
  priority      INTEGER NOT NULL DEFAULT 0,
  seq           INTEGER NOT NULL,         -- first in, first out among equals
  place         TEXT,                     -- NULL: any host
  host          TEXT,
  fence         INTEGER NOT NULL DEFAULT 0,
  attempt       INTEGER NOT NULL DEFAULT 0,
  failures      INTEGER NOT NULL DEFAULT 0,
  losses        INTEGER NOT NULL DEFAULT 0,
  created_ms    INTEGER NOT NULL,
  not_before_ms INTEGER,
  started_ms    INTEGER,
  ended_ms      INTEGER,                  -- NULL if and only if the state is pending, queued or running
  expires_ms    INTEGER,
  deadline_ms   INTEGER,
  cancel        TEXT,                     -- a request: cancel or kill
  work          TEXT NOT NULL,
  params        TEXT NOT NULL DEFAULT '{}',
  policy        TEXT NOT NULL DEFAULT '{}',
  rule          TEXT NOT NULL DEFAULT 'all_success',
  condition     TEXT,
  teardown      INTEGER NOT NULL DEFAULT 0,
  event         TEXT,
  result        TEXT,
  named         TEXT,                     -- the named values
  error         TEXT,
  output        TEXT,
  progress      TEXT
) STRICT;
CREATE INDEX runs_queue ON runs (lane, priority, seq, id) WHERE state = 'queued';
CREATE INDEX runs_running ON runs (name) WHERE state = 'running';
-- Of runs that have not ended these say `ended_ms IS NULL`, so that only the last change of state touches them.
CREATE INDEX runs_parent ON runs (parent) WHERE ended_ms IS NULL;
CREATE INDEX runs_step ON runs (parent, step);
CREATE INDEX runs_name ON runs (name, id) WHERE parent IS NULL;
CREATE INDEX runs_schedule ON runs (schedule, scheduled_ms) WHERE parent IS NULL AND schedule IS NOT NULL;
CREATE INDEX runs_scheduled_active ON runs (schedule) WHERE schedule IS NOT NULL AND ended_ms IS NULL;
CREATE UNIQUE INDEX runs_occurrence ON runs (occurrence) WHERE occurrence IS NOT NULL;
CREATE INDEX runs_alarm ON runs (not_before_ms) WHERE state = 'queued' AND not_before_ms IS NOT NULL;
CREATE INDEX runs_expiry ON runs (expires_ms) WHERE ended_ms IS NULL AND expires_ms IS NOT NULL;
CREATE INDEX runs_deadline ON runs (deadline_ms) WHERE ended_ms IS NULL AND deadline_ms IS NOT NULL;
CREATE INDEX runs_cancel ON runs (host) WHERE ended_ms IS NULL AND cancel IS NOT NULL;
CREATE UNIQUE INDEX runs_key ON runs (key) WHERE key IS NOT NULL AND parent IS NULL;

CREATE TABLE needs (
  run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  need  INTEGER NOT NULL,
  ended TEXT,                             -- how the need ended; NULL while it has not
  PRIMARY KEY (run, need)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_need ON needs (need);
CREATE INDEX needs_ended ON needs (run, ended);

CREATE TABLE attempts (
  run        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  host       TEXT NOT NULL,
  pid        INTEGER,
  birth      TEXT,
  started_ms INTEGER NOT NULL,
  ended_ms   INTEGER,
  outcome    TEXT,
  error      TEXT,
  output     TEXT,
  PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  name    TEXT NOT NULL,
  at_ms   INTEGER NOT NULL,
  run     INTEGER,
  attempt INTEGER,
  reason  TEXT,
  data    TEXT
) STRICT;
CREATE INDEX events_run ON events (run) WHERE run IS NOT NULL;
CREATE INDEX events_name ON events (name, seq) WHERE run IS NULL;

CREATE TABLE subscriptions (
  name    TEXT PRIMARY KEY,
  pattern TEXT NOT NULL,
  seq     INTEGER NOT NULL,               -- handled up to here
  tries   INTEGER NOT NULL DEFAULT 0,     -- of the event after it
  host    TEXT
) STRICT;

CREATE TABLE dead_letters (
  subscription TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  at_ms        INTEGER NOT NULL,
  error        TEXT NOT NULL,
  PRIMARY KEY (subscription, seq)
) STRICT, WITHOUT ROWID;
