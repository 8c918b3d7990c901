"""Fixtures that every test may use: one file each in tests/fixtures."""

pytest_plugins = ["tests.fixtures.toxiproxy", "tests.fixtures.rabbitmq"]
