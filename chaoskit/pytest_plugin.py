"""The pytest plugin; see docs/guides/pytest.md."""
