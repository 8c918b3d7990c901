"""Tests of chaoskit/cli."""
