"""Why a kernel cannot be forked from a preloaded process; it is then started as any other."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbsched.kernels.group import is_inline

_AT_IMPORT = (
    "ARROW_", "BLIS_", "CUDA_", "GOTO_", "HIP_", "IPYTHON", "JAX_", "JUPYTER_", "KMP_", "LANG", "LC_", "LD_", "MALLOC_",
    "MKL_", "MPL", "NUMBA_", "NUMEXPR_", "NVIDIA_", "OMP_", "OPENBLAS_", "PANDAS_", "POLARS_", "PYTHON", "PYTORCH_",
    "ROCR_", "TF_", "TORCH_", "TZ", "VECLIB_", "XDG_", "XLA_", "HOME",
)  # fmt: skip
"""How the names of variables begin that are read while Python starts or libraries are imported."""


def obstacle(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """Why no kernel of this command with this environment can be forked here, or nothing."""
    own = _is_own_ipykernel(argv)
    return environment_obstacle(env) if own else "its kernelspec does not start the ipykernel of this Python"


def environment_obstacle(env: Mapping[str, str]) -> str:
    """Why no process with this environment can be forked here, or nothing."""
    if sys.platform != "linux":
        return f"forking is not safe on {sys.platform}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "forking is not safe without the interpreter's lock"
    here, there = read_at_import(os.environ), read_at_import(env)
    differs = [name for name in here.keys() | there.keys() if here.get(name) != there.get(name)]
    return f"{min(differs)} is set for it, which is read while libraries are imported" if differs else ""


def read_at_import(env: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that a process has to be started with."""
    return {
        name: value
        for name, value in env.items()
        if name.startswith(_AT_IMPORT) and not is_inline(name, value)
    }


def _is_own_ipykernel(argv: Sequence[str]) -> bool:
    python, *rest = argv
    if "-f" not in rest or Path(python).parent != Path(sys.executable).parent:
        return False
    before = rest[: rest.index("-f")]
    return before[-2:] == ["-m", "ipykernel_launcher"] and all(one.startswith("-X") for one in before[:-2])


def interpreter_options(argv: Sequence[str]) -> tuple[str, ...]:
    """What stands between the interpreter and `-m`."""
    return tuple(argv[1 : argv.index("-m")])


def kernel_arguments(argv: Sequence[str], connection_file: str) -> list[str]:
    """What an ipykernel of the command is given, with this connection file."""
    at = argv.index("-f")
    return ["-f", connection_file, *argv[at + 2 :]]
