"""Stand-ins for ports, used only where a unit test would otherwise wait."""
