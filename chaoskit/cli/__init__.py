"""The command line."""


def main() -> None:
    """Entry point of `chaoskit`."""
    raise SystemExit(2)
