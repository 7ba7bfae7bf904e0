"""What there is to do for a host, found in one query."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from nbsched.store.database import Db
from nbsched.store.hosts import taken_from
from nbsched.store.runs import ACTIVE


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is to do for a host, and when it has to look again; instants in milliseconds."""

    served: bool
    """A server or daemon lives, which is to fire what no single kernel owns."""
    due_ms: int | None
    """The next instant of any schedule of its places."""
    alarm_ms: int | None
    """When a waiting run may go on or a run's time is over; those that wait for room by now are left out."""
    listening: bool
    """Some schedule waits for events."""
    sensing: bool
    """Some run waits for events."""
    watching: bool
    """Some run waits for files."""
    queued: bool
    """Some run may be claimed."""
    cancelled: bool
    """A run that it carries out is asked to stop."""
    untold: bool
    """Some hook is to be told of a run."""

    def is_due(self, now_ms: int) -> bool:
        return self.due_ms is not None and self.due_ms <= now_ms

    @property
    def next_ms(self) -> int | None:
        return min((at for at in (self.due_ms, self.alarm_ms) if at is not None), default=None)


_OUTLOOK = f"""
SELECT
  EXISTS (SELECT 1 FROM hosts WHERE kind IN ('server', 'daemon') AND until_ms > :now),
  (SELECT min(at) FROM (SELECT (
     SELECT min(next_ms) FROM schedules WHERE paused IS NULL AND next_ms IS NOT NULL AND place IS mine.value
   ) AS at FROM json_each(:places) AS mine)),
  (SELECT min(at) FROM (
     SELECT min(not_before_ms) AS at FROM runs WHERE state = 'queued' AND not_before_ms IS NOT NULL
       AND not_before_ms > :now
     UNION ALL SELECT min(expires_ms) FROM runs WHERE {ACTIVE} AND state <> 'running' AND attempt = 0
       AND expires_ms IS NOT NULL
     UNION ALL SELECT min(deadline_ms) FROM runs WHERE {ACTIVE} AND deadline_ms IS NOT NULL
     UNION ALL SELECT min(wake_ms) FROM waits WHERE wake_ms IS NOT NULL
     UNION ALL SELECT min(late_ms) FROM runs WHERE {ACTIVE} AND late_ms IS NOT NULL)),
  EXISTS (SELECT 1 FROM schedules WHERE paused IS NULL AND patterns <> '[]'),
  EXISTS (SELECT 1 FROM waits WHERE kind = 'event' AND patterns <> '[]'),
  EXISTS (SELECT 1 FROM waits WHERE kind = 'poke' AND patterns <> '[]'),
  EXISTS (SELECT 1 FROM json_each(:lanes) AS free CROSS JOIN json_each(:places) AS mine CROSS JOIN runs
    ON state = 'queued' AND lane = free.value AND place IS mine.value
    AND (not_before_ms IS NULL OR not_before_ms <= :now)),
  EXISTS (SELECT 1 FROM runs WHERE {ACTIVE} AND cancel IS NOT NULL AND host = :host),
  EXISTS (SELECT 1 FROM notices WHERE host IS NULL)
"""


def outlook(
    db: Db, now_ms: int, host: str, places: Sequence[str], any_place: bool, lanes: Sequence[str]
) -> Outlook:
    """What there is for the host, which has room in these lanes.

    It takes what stands at its places, and with `any_place` what stands at none.
    """
    given = {"now": now_ms, "host": host, "places": taken_from(places, any_place), "lanes": json.dumps(lanes)}
    served, due_ms, alarm_ms, *facts = db.execute(_OUTLOOK, given).fetchone()
    return Outlook(bool(served), due_ms, alarm_ms, *map(bool, facts))


_NEEDED = """
SELECT
  EXISTS (SELECT 1 FROM runs WHERE state = 'running' AND host = :host AND lane NOT IN ('none', 'unfold'))
  OR EXISTS (SELECT 1 FROM runs WHERE state = 'queued' AND (place IS NULL OR place = :place)
             AND (not_before_ms IS NULL OR not_before_ms <= :until))
  OR EXISTS (SELECT 1 FROM schedules WHERE paused IS NULL AND place IS NULL AND next_ms <= :until)
  OR EXISTS (SELECT 1 FROM waits WHERE wake_ms <= :until)
"""


def needed(db: Db, host: str, until_ms: int) -> bool:
    """The host carries something out, or there is something for it to do until then."""
    given = {"host": host, "place": f"host:{host}", "until": until_ms}
    return bool(db.execute(_NEEDED, given).fetchone()[0])
