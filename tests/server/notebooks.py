"""Notebooks for the server's folder."""

from __future__ import annotations

import json
from pathlib import Path


def write_notebook(path: Path, *sources: str, parameters: str = "limit = 3  # at most so many") -> Path:
    """The notebook is there, with these cells behind that of its parameters."""
    cells = [{"cell_type": "code", "id": f"c{at}", "source": source, "outputs": [], "execution_count": None,
              "metadata": {} if at else {"tags": ["parameters"]}}
             for at, source in enumerate((parameters, *sources))]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path
