"""How a kernel comes to be: forked from a preloaded process, taken from a pool of started ones, or started cold."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from jupyter_client.kernelspec import KernelSpec

from nbsched.core.errors import UsageError
from nbsched.kernels.ahead import Ready, own_ahead
from nbsched.kernels.forking import CannotFork
from nbsched.kernels.forks import own_forks
from nbsched.kernels.group import child_environment
from nbsched.kernels.launch import Launch, command, is_local, kernelspec
from nbsched.kernels.making import MOVES, forked, started
from nbsched.kernels.obstacles import interpreter_options, obstacle, read_at_import
from nbsched.kernels.wanted import VARIABLE, Way, way_of

_ASKED = "it was asked for"


@dataclass(frozen=True, slots=True)
class Choice:
    """A way, and why no sooner one was taken."""

    way: Way
    why: str = ""


def choose(launch: Launch) -> Choice:
    """The soonest way that is safe, or the one wanted; UsageError when that one cannot be."""
    wanted, spec = way_of(launch.way), kernelspec(launch.kernel)
    if wanted == "cold":
        return Choice("cold", _ASKED)
    no_fork = _no_fork(spec, launch.env)
    if not no_fork and wanted in (None, "fork"):
        return Choice("fork")
    if wanted == "fork":
        remedy = f"unset {VARIABLE}" if launch.way == "auto" else "leave out launch='fork'"
        raise UsageError(f"kernel {launch.kernel!r} cannot be forked: {no_fork}; {remedy}")
    no_pool = _no_pool(spec, launch.env)
    return Choice("cold", f"{no_fork}; {no_pool}") if no_pool else Choice("pool", no_fork or _ASKED)


def _no_fork(spec: KernelSpec, env: Mapping[str, str]) -> str:
    if not is_local(spec):
        return "its kernelspec names a provisioner of its own"
    return obstacle(command(spec), {**env, **spec.env})


def _no_pool(spec: KernelSpec, env: Mapping[str, str]) -> str:
    if not is_local(spec):
        return "its kernelspec names a provisioner of its own"
    if str(spec.language).lower() not in MOVES:
        return f"no way is known to tell a started {spec.language} kernel where to work"
    if read_at_import(env) != read_at_import(os.environ):
        return "its environment differs in what is read at the start"
    return ""


def ready_kernel(launch: Launch, way: Way) -> Ready | None:
    """A kernel that has come that way, runs already and fits; None where one has to be started."""
    if way == "cold":
        return None
    spec = kernelspec(launch.kernel)
    argv, own = command(spec), tuple(sorted(dict(spec.env).items()))
    if way == "pool":
        kind = tuple(argv), own, tuple(sorted(child_environment().items()))
        language = str(spec.language).lower()
        return own_ahead().take(kind, partial(started, argv, launch.kernel, language, spec.env))
    with contextlib.suppress(CannotFork):
        zygote = own_forks().prepare(interpreter_options(argv), launch.modules)
        make = partial(forked, zygote, argv, launch.kernel, spec.env)
        return own_ahead().take((zygote, zygote.modules, tuple(argv), own), make)
    return None
