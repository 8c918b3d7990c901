"""Putting values into `${…}`; the grammar is in model/placeholder.py, because the files stage checks it too."""

from __future__ import annotations

from chaoskit.model.placeholder import expand, names

__all__ = ["expand", "names"]
