"""The faults of connections, as pure functions from what a user writes to what Toxiproxy is asked."""

from __future__ import annotations

from typing import Any

import pytest
from chaoskit.model.instruction import ProxyDown, Toxic
from chaoskit.model.system import System
from chaoskit.registry import vocabulary
from pydantic import ValidationError

LINK = "a -> b"
SYSTEM = System(system="s")


def asked(keyword: str, **options: Any) -> tuple[Any, ...]:
    """The instructions of the fault that a user writes so."""
    spec = vocabulary().faults[keyword].model_validate({"link": LINK, **options})
    return spec.instructions(SYSTEM, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"latency": "100ms"}, [Toxic(LINK, "latency", {"latency": 100, "jitter": 0})]),
        (
            {"latency": "1.5s", "jitter": "50ms", "direction": "upstream", "connections": "30%"},
            [Toxic(LINK, "latency", {"latency": 1500, "jitter": 50}, "upstream", 0.3)],
        ),
        (
            {"bandwidth": "100KB/s", "direction": "both"},
            [Toxic(LINK, "bandwidth", {"rate": 100}, "upstream"), Toxic(LINK, "bandwidth", {"rate": 100})],
        ),
        ({"bandwidth": "1.5MB/s"}, [Toxic(LINK, "bandwidth", {"rate": 1500})]),
        ({"slow_close": "2s"}, [Toxic(LINK, "slow_close", {"delay": 2000})]),
        ({"blackhole": True}, [Toxic(LINK, "timeout", {"timeout": 0}, "upstream")]),
        ({"blackhole": True, "direction": "downstream"}, [Toxic(LINK, "timeout", {"timeout": 0})]),
        ({"reset": True}, [Toxic(LINK, "reset_peer", {"timeout": 0})]),
        ({"reset": True, "after": "20ms"}, [Toxic(LINK, "reset_peer", {"timeout": 20})]),
        ({"limit_data": "10KB"}, [Toxic(LINK, "limit_data", {"bytes": 10_000})]),
        (
            {"slicer": "64B", "variation": "8B", "delay": "250us"},
            [Toxic(LINK, "slicer", {"average_size": 64, "size_variation": 8, "delay": 250})],
        ),
        ({"down": True}, [ProxyDown(LINK)]),
    ],
)
def test_what_is_asked(options: dict[str, Any], expected: list[Any]) -> None:
    """Each option reaches Toxiproxy in Toxiproxy's own unit."""
    assert list(asked(next(iter(options)), **options)) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latency": 100}, "needs a unit"),
        ({"latency": "0s"}, "at least 1ms"),
        ({"latency": "100ms", "jitter": "200ms"}, "larger than latency"),
        ({"latency": "100ms", "jiter": "2ms"}, "Extra inputs"),
        ({"latency": "100ms", "direction": "sideways"}, "downstream"),
        ({"latency": "100ms", "connections": "0%"}, "no fault"),
        ({"latency": "100ms", "connections": "130%"}, "not a share"),
        ({"bandwidth": "0KB/s"}, "1KB/s"),
        ({"bandwidth": "100"}, "100KB/s"),
        ({"bandwidth": "1500B/s"}, "not a throughput"),
        ({"blackhole": False}, "True"),
        ({"reset": True, "after": "5s"}, "at most 1s"),
        ({"limit_data": 10}, "not a size"),
        ({"limit_data": "0.5B"}, "not a size"),
        ({"slicer": "0B"}, "at least 1B"),
        ({"slicer": "8B", "variation": "8B"}, "smaller than slicer"),
        ({"down": True, "connections": "30%"}, "Extra inputs"),
    ],
)
def test_what_is_refused(options: dict[str, Any], words: str) -> None:
    """What Toxiproxy would take and do nothing with, or something else, is refused when the file is read."""
    with pytest.raises(ValidationError, match=words):
        asked(next(iter(options)), **options)
