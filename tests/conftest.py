"""Fixtures that every test may use: one file each in tests/fixtures."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.fixtures.toxiproxy", "tests.fixtures.rabbitmq"]


@pytest.fixture
def anyio_backend() -> str:
    """Tests that are coroutines run on asyncio, as the product does."""
    return "asyncio"
