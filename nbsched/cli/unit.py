"""`nbsched serve --unit`: the text of a systemd user unit; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbsched.core.settings import VARIABLES

KEPT = (
    "PATH", "PYTHONPATH", "JUPYTER_PATH", "NBSCHED_KERNELS", "NBSCHED_PRELOAD", "NBSCHED_VALUE_LIMIT",
    *(name for name in VARIABLES if name != "NBSCHED_CELERY_BROKER"),
)  # fmt: skip
"""Variables of the shell that the service is to see too; a broker's URL, in which a password may be, is not told."""

_UNIT = """\
# nbsched as a service of yours:
#   mkdir -p ~/.config/systemd/user
#   nbsched serve --unit > ~/.config/systemd/user/nbsched.service
#   systemctl --user daemon-reload
#   systemctl --user enable --now nbsched
#   loginctl enable-linger           # so that it runs while you are logged out, too
# What it does: systemctl --user status nbsched, journalctl --user -u nbsched -f

[Unit]
Description=nbsched: schedules and runs of notebooks

[Service]
ExecStart={command}
WorkingDirectory={folder}
{environment}
Restart=on-failure
RestartSec=5
# On stop nbsched itself asks running work to end; what has not ended then is killed, and runs again later.
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=default.target
"""


def unit(command: Sequence[str], folder: str, variables: Mapping[str, str]) -> str:
    """The unit that starts the command in the folder, with those of the variables that are `KEPT`."""
    kept = [f"{name}={variables[name]}" for name in KEPT if variables.get(name)]
    return _UNIT.format(
        command=" ".join(_quoted(word.replace("$", "$$")) for word in command),
        folder=_percent(folder),
        environment="\n".join(f"Environment={_quoted(one)}" for one in kept),
    )


def _quoted(word: str) -> str:
    """The word as systemd reads it back, whatever is in it."""
    written = _percent(word).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{written}"' if written != word or not word or any(one in word for one in " \t';") else word


def _percent(text: str) -> str:
    return text.replace("%", "%%")
