"""The process that reads a file: asked on stdin, it answers on stdout; what the file prints goes to stderr."""

import os
import sys

from nbsched.loading.apart import answer

if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        answer(sys.stdin.read(), out)
