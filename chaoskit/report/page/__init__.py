"""The pieces of `report.html`: scene (what is shown) → panels (what is drawn) → drawing (SVG) → sections (the page)."""
