"""The long measurements: runs killed at random instants, verdicts on a loaded machine. `python -m tests.soak`."""
