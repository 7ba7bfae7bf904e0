"""Nothing a test does reaches the store, the settings or the history of the person who runs it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

FOLDERS = {
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
}
ASKED_FOR = {"NBSCHED_CHROMIUM", "NBSCHED_KERNELS"}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set for the whole process, so for notebooks run by nbval too."""
    private = tempfile.TemporaryDirectory(prefix="nbsched-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(private.cleanup)
    for inherited in [name for name in os.environ if name.startswith("NBSCHED_") and name not in ASKED_FOR]:
        del os.environ[inherited]
    for variable, folder in FOLDERS.items():
        path = Path(private.name, folder)
        path.mkdir(mode=0o700)
        os.environ[variable] = str(path)
    os.environ["NBSCHED_STORE"] = str(Path(private.name, "store.db"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; where there is none a test that needs it is skipped, on CI it fails."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("NBSCHED_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("no Chromium on PATH: install it, or name it in NBSCHED_CHROMIUM")
    return found or pytest.skip("no Chromium on PATH: install it, or name it in NBSCHED_CHROMIUM")
