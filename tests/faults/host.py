"""A runtime with a lease of a second; carries out what it is asked on its standard input, a line of Python each."""

from __future__ import annotations

import sys
from pathlib import Path

import nbsched as nb
from nbsched.executors.lookup import load_file

works = load_file(Path(__file__).with_name("works.py"))
with nb.Runtime(lease=sys.argv[1] if len(sys.argv) > 1 else "1s", slots=4) as rt:
    print("ready", flush=True)
    for line in sys.stdin:
        print(eval(line), flush=True)
