"""The parent's side of the load child."""
