"""A kernel of somebody's own, in a language of its own, that is interrupted by a message."""

from __future__ import annotations

import os
import threading
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

SPEC = {
    "display_name": "Homemade",
    "language": "homemade",
    "interrupt_mode": "message",
    "env": {"HOMEMADE": "its own", "HOMEMADE_PATH": "${PATH}:more"},
}


class Homemade(Kernel):
    """Echoes, shows a variable of its environment (`env NAME`), displays (`show`), fails (`fail`) or waits (`wait`)."""

    implementation, implementation_version, banner = "homemade", "1.0", "Homemade"
    language_info = {"name": "homemade", "mimetype": "text/plain", "file_extension": ".txt", "own": [1, "é"]}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.interrupted = threading.Event()

    def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> dict[str, Any]:
        word, _, rest = code.partition(" ")
        return getattr(self, f"do_{word}", self.do_echo)(rest or code)

    def do_echo(self, text: str) -> dict[str, Any]:
        for name in ("stdout", "stderr"):
            self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": [],
            "user_expressions": {},
        }

    def do_env(self, name: str) -> dict[str, Any]:
        return self.do_echo(str(os.environ.get(name)))

    def do_show(self, text: str) -> dict[str, Any]:
        shown = {"data": {"text/plain": text, "text/html": f"<b>{text}</b>"}, "metadata": {"own": 1}}
        self.send_response(self.iopub_socket, "display_data", shown)
        result = {**shown, "execution_count": self.execution_count}
        self.send_response(self.iopub_socket, "execute_result", result)
        return self.do_echo("")

    def do_fail(self, text: str) -> dict[str, Any]:
        error = {"ename": "Homemade", "evalue": text, "traceback": ["line 1", f"line 2: {text}"]}
        self.send_response(self.iopub_socket, "error", error)
        return {"status": "error", "execution_count": self.execution_count, **error}

    def do_wait(self, _: str) -> dict[str, Any]:
        self.interrupted.wait(30)
        return self.do_fail("interrupted by a message")

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        self.interrupted.set()
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=Homemade)
