"""What the stages ask of the outside world, as protocols; adapters live in the stages, fakes in tests/fakes."""
