"""Tests of chaoskit/files; they bring a small vocabulary of their own."""
