"""A process that executes notebooks by papermill, one after the other: `python papers.py`, a JSON line for each.

A job is `{"folder", "engine", "parameters", "options"}`; the answer names the exception that papermill raised, or null.
The folder's `in.ipynb` becomes its `out.ipynb`, with the folder as working directory.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from contextlib import ExitStack
from typing import Any

import papermill
import zmq
from nbclient import NotebookClient

FILES = {"stdout_file", "stderr_file"}


def execute(job: dict[str, Any]) -> dict[str, Any]:
    os.chdir(job["folder"])
    try:
        with ExitStack() as stack:
            for name in FILES & job["options"].keys():
                job["options"][name] = stack.enter_context(open(job["options"][name], "w", encoding="utf-8"))
            papermill.execute_notebook(
                "in.ipynb", "out.ipynb", job["parameters"], engine_name=job["engine"], progress_bar=False,
                **job["options"],
            )  # fmt: skip
    except Exception as error:
        return {"raised": type(error).__name__, "says": str(error)}
    return {"raised": None, "says": ""}


def notice_replies() -> None:
    """Papermill notices a reply that came while it answered a widget; else it may wait for it for ever."""
    handle = NotebookClient.handle_comm_msg

    def handle_and_look_again(self: NotebookClient, *message: Any) -> None:
        handle(self, *message)
        self.kc.shell_channel.socket.get(zmq.EVENTS)

    NotebookClient.handle_comm_msg = handle_and_look_again


def main() -> None:
    notice_replies()
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # kernels inherit it, and what they print is no reply
    logging.disable()
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        replies.write(json.dumps(execute(json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
