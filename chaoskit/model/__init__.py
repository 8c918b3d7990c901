"""Frozen types shared by all stages: what a user writes, what a run does, what it saw, what follows. No I/O."""
