"""The extension of the Jupyter server: a host of the store while the server lives, and the doors to it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Dict, Float, Int, Unicode

from nbsched.core.errors import StoreError
from nbsched.core.instants import to_ms
from nbsched.server.courtesy import leave_room
from nbsched.server.endpoint import endpoints
from nbsched.store.outlook import needed

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.server.announcing import Announcer

LOOK_MS = 60_000
"""So often, as the server itself does, it is looked whether the host is needed."""
ACTIVITY = "nbsched_last_activity"
"""The server's setting that says when there was something to do; JupyterHub asks for the latest of these."""


class NbschedExtension(ExtensionApp):
    """Schedules fire, and runs are carried out, by a thread of the server and processes that it starts."""

    name = "nbsched"
    load_other_extensions = True

    store = Unicode("", help="The SQLite file; empty: NBSCHED_STORE, else one file per user.").tag(
        config=True
    )
    host = Bool(
        True, help="Fire and carry out what is scheduled; otherwise the server only asks and shows."
    ).tag(config=True)
    slots = Int(None, allow_none=True, help="How many runs at once; empty: the number of cores.").tag(
        config=True
    )
    resources = Dict(
        value_trait=Float(),
        help="The named slots that the server offers, such as {'gpu': 1}; empty: those of nbsched.toml.",
    ).tag(config=True)
    lease = Unicode("10s", help="How long after the server's death another host takes over, at most.").tag(
        config=True
    )
    ageing = Unicode(
        "", help="What waits gains one priority each so long, so that nothing starves; empty: never."
    ).tag(config=True)
    stay_for = Unicode(
        "1h",
        help="A server that ends when it is idle, or that JupyterHub ends then, stays while runs go on and for "
        "what is to happen within this time.",
    ).tag(config=True)

    def initialize_settings(self) -> None:
        """What is asked before the host has started waits for it."""
        assert self.serverapp is not None
        self._life = ExitStack()
        self._opening: asyncio.Task[None] | None = None
        self._announcer: Announcer | None = None
        self._needed = False
        self.calls: asyncio.Future[Calls] = asyncio.Future(loop=self.serverapp.io_loop.asyncio_loop)  # type: ignore[attr-defined]

    def initialize_handlers(self) -> None:
        self.handlers.extend(endpoints(self))

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """The store is being opened; the server does not wait for that."""
        self._opening = asyncio.create_task(self._open(serverapp))

    async def _open(self, serverapp: ServerApp) -> None:
        try:
            calls, self._stay, announcing = await asyncio.to_thread(self._opened)
            assert serverapp.event_logger is not None
            announcer = announcing(calls, serverapp.event_logger)
            await announcer.begin()
        except Exception as error:
            self.log.error("nbsched does not work in this server: %s", error)
            self.calls.set_exception(error if isinstance(error, StoreError) else StoreError(str(error)))
            self.calls.exception()  # which nobody may ever ask for
            return
        self._announcer = announcer
        self.calls.set_result(calls)
        self._looking = PeriodicCallback(self._look, LOOK_MS)
        self._looking.start()
        await self._look()

    def _opened(self) -> tuple[Calls, timedelta, type[Announcer]]:
        """What takes time to import and to open, which the server's loop has not."""
        from nbsched.core.durations import duration
        from nbsched.server.announcing import Announcer

        stay = duration(self.stay_for, "stay_for")
        calls = self._life.enter_context(self._host() if self.host else self._visitor())
        leave_room()
        return calls, stay, Announcer

    def _host(self) -> AbstractContextManager[Calls]:
        from nbsched.engine.runtime import Runtime

        return closing(
            Runtime(
                self.store or None, slots=self.slots, resources=self.resources or None, lease=self.lease,
                ageing=self.ageing or None, kind="server",
            ).start()
        )  # fmt: skip

    def _visitor(self) -> AbstractContextManager[Calls]:
        from nbsched.engine.visiting import Visitor

        return Visitor(self.store or None)

    # -- a server that nobody uses ends, unless it has something to do ------------------------------------------------

    def current_activity(self) -> dict[str, bool] | None:
        """What keeps a server from ending that ends itself when it is idle."""
        return {"nbsched": True} if self._needed else None

    async def _look(self) -> None:
        """It is known whether the host is needed, here and by JupyterHub."""
        calls = self.calls.result()
        now = calls.clock.now()
        if not self.host or self.serverapp is None:
            return
        try:
            self._needed = await asyncio.to_thread(
                calls.database.read, needed, calls.host.id, to_ms(now + self._stay)
            )
        except StoreError as error:
            self.log.warning("nbsched cannot tell whether it is needed: %s", error)
        if self._needed:
            self.serverapp.web_app.settings[ACTIVITY] = now

    async def stop_extension(self) -> None:
        """Running work was asked to stop; other hosts carry on what is left."""
        if self._opening is not None:  # else the server has never begun
            await self._opening
        if self._announcer is not None:
            self._looking.stop()
            await self._announcer.close()
        await asyncio.to_thread(self._life.close)
