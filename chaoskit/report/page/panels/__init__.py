"""The panels of the timeline, one file each: `panels(scene)` gives none, one or several."""
