"""The tap: a relay process that sees every call on a link, and plays the faults that bytes alone can't express."""
