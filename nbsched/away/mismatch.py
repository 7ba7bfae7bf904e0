"""What a worker must have of what its sender has, looked at before the work begins."""

from __future__ import annotations

import importlib.util

import nbsched
from nbsched.away.parcel import HERE, PYTHON, Header
from nbsched.core.errors import WorkerMismatch


def this_worker(name: str) -> str:
    """As it is told to senders."""
    return f"the worker {name} ({HERE})"


def check(header: Header, where: str) -> None:
    """WorkerMismatch, one sentence that names both sides, when the worker cannot do the work as its sender could."""
    check_versions(header, where)
    check_needs(header, where)


def check_versions(header: Header, where: str) -> None:
    """WorkerMismatch when the worker can read nothing of what the sender sends."""
    sides = _sides(header, where)
    if header["version"] != nbsched.__version__:
        raise WorkerMismatch(f"{sides} has another nbsched: pip install nbsched=={header['version']} there")
    if header["python"] != PYTHON:
        raise WorkerMismatch(f"{sides} another Python: start workers with Python {header['python']}")


def check_needs(header: Header, where: str) -> None:
    """WorkerMismatch when a package or the kernel of the work is not on the worker."""
    sides = _sides(header, where)
    needs = header["needs"]
    missing = [name for name in needs.get("packages", ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise WorkerMismatch(f"{sides} has no {', '.join(missing)}, which it imports: install that there")
    if needs.get("kernel"):
        _check_kernel(needs["kernel"], sides)


def _sides(header: Header, where: str) -> str:
    return f"{header['name']!r} was sent by {header['from']}, and {where}"


def _check_kernel(kernel: str, sides: str) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    there = KernelSpecManager().find_kernel_specs()
    if kernel not in there:
        found = ", ".join(sorted(there)) or "none"
        raise WorkerMismatch(f"{sides} has no kernel {kernel!r} (it has: {found}): install that kernel there")
