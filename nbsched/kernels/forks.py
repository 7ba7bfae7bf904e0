"""The zygote of this process: started when first needed, replaced when it may not fork any more."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence

from nbsched.kernels.forking import BASE, CannotFork, Unfit, Zygote
from nbsched.kernels.group import child_environment
from nbsched.kernels.obstacles import read_at_import
from nbsched.kernels.once import Once
from nbsched.kernels.preloads import asked_for

RECENT_S = 600.0
"""A new zygote imports what was asked for within so long."""


class Forks:
    """Fresh processes for whoever asks, of one zygote that has imported what was asked for lately."""

    def __init__(self, base: Sequence[str] = BASE) -> None:
        self._base = base
        self.unfit: dict[str, str] = {}
        """Modules that are not imported ahead, and why."""
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None
        self._key: object = None
        self._options: tuple[str, ...] = ()
        self._hopeless: object = None
        self._asked: dict[str, float] = {}

    def prepare(self, options: Sequence[str] | None, modules: Sequence[str]) -> Zygote:
        """One that may fork and has imported what was lately asked for, where that is fit for it; CannotFork.

        `options` are the interpreter's; None: any will do.
        """
        self._asked |= dict.fromkeys([*asked_for(), *modules], time.monotonic())
        try:
            return self._preloaded(options).checked()
        except CannotFork:  # it had ended for lack of work, or a library was installed meanwhile
            return self._preloaded(options).checked()

    def _preloaded(self, options: Sequence[str] | None) -> Zygote:
        with self._lock:
            while True:
                zygote = self._living(options)
                try:
                    zygote.preload([module for module in self._recent() if self.is_fit(module)])
                    return zygote
                except Unfit as unfit:
                    self.unfit[unfit.module] = unfit.why

    def _recent(self) -> list[str]:
        since = time.monotonic() - RECENT_S
        return [module for module, asked in list(self._asked.items()) if asked >= since]

    def is_fit(self, module: str) -> bool:
        """Whether it may be imported ahead, as far as is known: with it the packages that it is in are."""
        return not any(f"{module}.".startswith(f"{unfit}.") for unfit in self.unfit)

    def _living(self, options: Sequence[str] | None) -> Zygote:
        options = self._options if options is None else tuple(options)
        key = options, read_at_import(os.environ)
        if key == self._hopeless:
            raise CannotFork("the process that forks kernels does not start here")
        if self._zygote is None or not self._zygote.alive or self._key != key:
            self.retire()
            self._hopeless = key
            self._zygote, self._key, self._options = (
                Zygote(options, child_environment(), self._base),
                key,
                options,
            )
            self._hopeless = None
        return self._zygote

    def retire(self) -> None:
        """Whoever asks next gets a process of a new zygote."""
        zygote, self._zygote = self._zygote, None
        if zygote is not None and zygote.alive:
            zygote.retire()

    def close(self) -> None:
        """The zygote and all its processes are gone."""
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            with contextlib.suppress(OSError):
                zygote.close()

    @property
    def living(self) -> Zygote | None:
        """The zygote, if there is one now."""
        zygote = self._zygote
        return zygote if zygote is not None and zygote.alive else None


own_forks = Once(Forks)
"""Those of this process."""
