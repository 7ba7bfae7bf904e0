"""What is known of a kernel before it is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

from nbsched.core.errors import UnknownName


def kernelspec(name: str) -> KernelSpec:
    """The installed kernel of that name; UnknownName when there is none."""
    specs = KernelSpecManager()
    try:
        return specs.get_kernel_spec(name)
    except NoSuchKernel:
        remedy = "install it, or name another with kernel="
        others = specs.find_kernel_specs().keys() - {name}  # it is among them when its provisioner is missing
        raise UnknownName("kernel", name, sorted(others), remedy) from None


def kernel_language(name: str) -> str:
    """The language of the installed kernel of that name, in lower case; UnknownName when there is none."""
    return str(kernelspec(name).language).lower()


def command(spec: KernelSpec) -> list[str]:
    """What starts the kernel; a bare `python` is this one, as for jupyter_client."""
    python, *rest = spec.argv
    major, minor = sys.version_info[:2]
    ours = python in ("python", f"python{major}", f"python{major}.{minor}")
    return [sys.executable if ours else python, *rest]


def own_arguments(argv: Sequence[str]) -> list[str]:
    """What we add to the command: a run leaves nothing in the history of IPython."""
    return (
        ["--HistoryManager.hist_file=:memory:"] if any("ipykernel" in argument for argument in argv) else []
    )


def is_local(spec: KernelSpec) -> bool:
    """Whether the kernel is a process of this machine, which nobody else's provisioner starts."""
    usual = os.environ.get("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")
    provisioner = spec.metadata.get("kernel_provisioner", {}).get("provisioner_name", usual)
    return provisioner in ("local-provisioner", "nbsched")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a kernel is started."""

    kernel: str
    cwd: Path
    env: Mapping[str, str]
    """The whole environment, not an addition to ours."""
    log: Path | None = None
    """Gets what the process writes to its own stdout and stderr."""
    modules: Sequence[str] = ()
    """What its notebook will import, worth importing ahead."""
    way: str = "auto"
    """The one wanted, as `way_of` reads it."""
