"""Schedules and pipelines for notebooks, inside Jupyter: durable, live, no server."""

__version__ = "0.1.0"
