"""Schedules and pipelines for notebooks, inside Jupyter: durable, live, no server."""

from __future__ import annotations

__version__ = "0.1.0"
