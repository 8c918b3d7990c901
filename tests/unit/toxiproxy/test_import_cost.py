"""What importing costs, as the modules that are not imported (times are too noisy for a test)."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    """The output of `code` in a fresh Python."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_the_adapter_does_not_import_requests() -> None:
    """toxiproxy-python's `requests` costs more start-up than all the rest of a run."""
    code = (
        "import sys; from chaoskit.toxiproxy.client import EngineClient; EngineClient('http://127.0.0.1:1'); "
        "print('toxiproxy.proxy' in sys.modules, 'requests' in sys.modules, 'urllib3' in sys.modules)"
    )
    assert run(code) == "True False False"


def test_toxiproxy_python_stays_whole_for_others() -> None:
    """Code of the user's in the same process that calls toxiproxy-python itself gets the real `requests`."""
    code = (
        "from chaoskit.toxiproxy.toxiproxy_python import toxiproxy_python; toxiproxy_python()\n"
        "import toxiproxy, requests\n"
        "toxiproxy.api.APIConsumer.port = 1\n"
        "try: toxiproxy.Toxiproxy().proxies()\n"
        "except requests.exceptions.ConnectionError: print('real')"
    )
    assert run(code) == "real"


def test_undo_imports_nothing_heavy() -> None:
    """The watchdog loads it, and must be there in milliseconds."""
    code = (
        "import sys; before = set(sys.modules); import chaoskit.toxiproxy.undo; "
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith(('chaoskit', 'collections', '_'))))"
    )
    assert set(eval(run(code))) <= {"abc", "types", "operator", "itertools", "keyword", "reprlib"}  # ours
