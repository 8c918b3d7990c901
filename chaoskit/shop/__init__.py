"""A small shop of five services: what `chaoskit demo` and the tests put under fault. It knows nothing of chaoskit.

Each service is one process with one SQLite file, `python -m chaoskit.shop.order` and so on, configured by its
environment alone (settings.py). Two services talk synchronously (dependency.py, breaker.py) or by messages
(topology.py, outbox.py, consumer.py, broker.py). broken.py lists the faults of its own that it can be given.
"""
