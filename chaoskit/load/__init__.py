"""Load: an open model on Locust, which lives in a child process of its own (`load/child/`)."""
