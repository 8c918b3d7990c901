"""The load child: `python -m chaoskit.load.child`. The only package that imports locust, which patches the stdlib."""
