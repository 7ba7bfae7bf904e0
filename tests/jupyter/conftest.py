"""The widget's tests are fed as the panel's are."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "panel"))
