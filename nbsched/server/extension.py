"""The extension of the Jupyter server: a host of the store while the server lives, and the doors to it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Bool, Int, Unicode

from nbsched.engine.calls import Calls
from nbsched.server.endpoint import endpoints


class NbschedExtension(ExtensionApp):
    """Schedules fire, and runs are carried out, in a thread of the server and in processes that it starts."""

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

    def initialize_settings(self) -> None:
        """What is asked before the host has started waits for it."""
        self._life = ExitStack()
        self.calls: asyncio.Future[Calls] = asyncio.Future()

    def initialize_handlers(self) -> None:
        self.handlers.extend(endpoints(self))

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        try:
            self.calls.set_result(await asyncio.to_thread(self._open))
        except Exception as error:
            self.log.error("nbsched cannot use its store: %s", error)
            self.calls.set_exception(error)

    def _open(self) -> Calls:
        store = self.store or None
        if self.host:
            from nbsched.engine.runtime import Runtime

            return self._life.enter_context(closing(Runtime(store, slots=self.slots, kind="server").start()))
        from nbsched.engine.visiting import Visitor

        return self._life.enter_context(Visitor(store))

    async def stop_extension(self) -> None:
        """Running work was asked to stop; other hosts carry on what is left."""
        await asyncio.to_thread(self._life.close)
