"""A graph as `needs`: a name, the names before it. Ties keep the order of definition; nothing recurses."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

Needs = Mapping[str, Iterable[str]]
"""Every name that is needed is a key too."""


def followers(needs: Needs) -> dict[str, list[str]]:
    """Each node's name and the names that need it, in the order of definition."""
    behind: dict[str, list[str]] = {name: [] for name in needs}
    for name, before in needs.items():
        for need in dict.fromkeys(before):
            behind[need].append(name)
    return behind


def topological(needs: Needs) -> list[str]:
    """The names, each after all it needs; what lies on or behind a cycle is left out."""
    names, behind = list(needs), followers(needs)
    place = {name: at for at, name in enumerate(names)}
    missing = {name: len(set(before)) for name, before in needs.items()}
    ready, found = [place[name] for name in names if not missing[name]], []
    while ready:
        name = names[heapq.heappop(ready)]
        found.append(name)
        for follower in behind[name]:
            missing[follower] -= 1
            if not missing[follower]:
                heapq.heappush(ready, place[follower])
    return found


def cycle(needs: Needs) -> list[str] | None:
    """The names of one cycle in the order they would run, the first again at the end; None without one."""
    sound = set(topological(needs))
    stuck = {name: [need for need in before if need not in sound] for name, before in needs.items()
             if name not in sound}  # fmt: skip
    if not stuck:
        return None
    walked: dict[str, None] = {}
    name = next(iter(stuck))
    while name not in walked:
        walked[name] = None
        name = stuck[name][0]
    backwards = list(walked)
    return [name, *reversed(backwards[backwards.index(name) :])]


def descendants(needs: Needs, starts: Iterable[str]) -> set[str]:
    """The starts and everything that needs them, however far behind."""
    behind, left = followers(needs), list(starts)
    found = set(left)
    while left:
        new = [follower for follower in behind[left.pop()] if follower not in found]
        found.update(new)
        left.extend(new)
    return found
