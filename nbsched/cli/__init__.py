"""`nbsched`: the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nbsched.core.errors import NbschedError, UsageError

OK, FAILED, USAGE, CANCELLED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 failed, 2 usage, 130 cancelled; every mistake is one sentence on stderr."""
    from nbsched.cli.commands import carry_out

    try:
        return carry_out(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        return _say(error, USAGE)
    except NbschedError as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: nothing more to say, and nobody to say it to
        return OK
    except SystemExit as exit_:  # --help and --version
        return int(exit_.code or 0)


def _say(error: Exception, code: int) -> int:
    print(f"nbsched: {' '.join(str(error).split())}", file=sys.stderr)
    return code
