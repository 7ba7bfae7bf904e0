"""One display of a cell, kept up to date from any thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from IPython.core.interactiveshell import InteractiveShell

from nbsched.kernels.routing import Parent, publish


def _shell() -> Any:
    return InteractiveShell.instance()


class OwnDisplay:
    """Shown in the cell that makes it; every update names that cell as its parent, whichever cell runs by then."""

    def __init__(self, bundle: Mapping[str, str]) -> None:
        self._shell = _shell()
        self._transient = {"display_id": f"nbsched-{uuid4().hex}"}
        has_kernel = getattr(self._shell, "kernel", None) is not None
        self._parent: Parent | None = self._shell.get_parent() if has_kernel else None
        self._shell.display_pub.publish(dict(bundle), transient=self._transient)

    def update(self, bundle: Mapping[str, str]) -> None:
        """It shows this now."""
        if self._parent is None:
            self._shell.display_pub.publish(dict(bundle), transient=self._transient, update=True)
            return
        content = {"data": dict(bundle), "metadata": {}, "transient": self._transient}
        publish(self._shell, self._parent, "update_display_data", content)
