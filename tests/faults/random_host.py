"""python -m tests.faults.random_host FOLDER: carries on the drawn pipeline of the folder until it has ended.

A step whose moment is `dies` kills this process by SIGKILL the first time it is called.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import nbsched as nb
from nbsched.executors.lookup import load_file
from tests.engine import random_pipelines
from tests.engine.random_pipelines import failures, pipeline
from tests.engine.reference import Node

folder = Path(sys.argv[1])
works = load_file(Path(random_pipelines.__file__).with_name("works.py"))
drawn = json.loads((folder / "drawn.json").read_text())
found = [Node(**{**node, "needs": tuple(node["needs"])}) for node in drawn["nodes"]]
with nb.Runtime(folder / "store.db", slots=drawn["options"]["slots"]) as rt:
    works.moments["failures"] = lambda run: failures(rt.get_run(run))
    works.moments["dies"] = lambda run: os.kill(os.getpid(), signal.SIGKILL)
    rt.run(pipeline(found, drawn["options"], works), key="drawn").wait(30)
