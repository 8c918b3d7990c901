"""A service's own SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Store:
    """One connection, used from the event loop alone: transactions are short and never awaited in."""

    def __init__(self, path: str, schema: str) -> None:
        """Open or create the file, and its tables where they are missing."""
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        self._connection.row_factory = sqlite3.Row
        # WAL with NORMAL: survives the death of the process, without a sync per commit
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises sqlite3.Error."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """All rows of a query."""
        return [dict(row) for row in self._connection.execute(query, values)]

    def row(self, query: str, *values: Any) -> dict[str, Any] | None:
        """The first row of a query, or None."""
        found = self._connection.execute(query, values).fetchone()
        return dict(found) if found is not None else None

    def number(self, query: str, *values: Any) -> float:
        """The one number that a query gives; NULL counts as 0."""
        (value,) = self._connection.execute(query, values).fetchone()
        return value or 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
