"""What is refused before anything is sent: Toxiproxy accepts nearly everything and dies of some of it."""

from __future__ import annotations

from typing import Any

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.toxiproxy.toxic_types import TOXICS, validated


@pytest.mark.parametrize(
    ("type_", "attributes", "stream", "toxicity", "words"),
    [
        ("latencyy", {}, "downstream", 1, "did you mean latency?"),
        ("noop", {}, "downstream", 1, "unknown toxic"),
        ("latency", {"latncy": 2000}, "downstream", 1, "did you mean latency?"),
        ("latency", {"latency": -1}, "downstream", 1, "latency cannot be -1"),
        ("latency", {"latency": 1.5}, "downstream", 1, "a whole number"),
        ("latency", {"latency": True}, "downstream", 1, "latency cannot be True"),
        ("latency", {"latency": 10, "jitter": 2**62}, "downstream", 1, "jitter cannot be"),
        ("latency", {"latency": 10}, "upsteam", 1, "did you mean upstream?"),
        ("latency", {"latency": 10}, "downstream", 5, "toxicity 5"),
        ("latency", {"latency": 10}, "downstream", 0, "toxicity 0"),
        ("latency", {"latency": 10}, "downstream", True, "toxicity True"),
        ("bandwidth", {"rate": -5}, "downstream", 1, "rate cannot be -5"),
        ("bandwidth", {"rate": 0}, "downstream", 1, "rate cannot be 0"),
        ("bandwidth", {}, "downstream", 1, "needs the attribute rate"),
        ("slicer", {}, "downstream", 1, "needs the attribute average_size"),
        ("slicer", {"average_size": 10, "size_variation": 10}, "downstream", 1, "smaller than average_size"),
        ("limit_data", {"bytes": "10"}, "downstream", 1, "bytes cannot be '10'"),
    ],
)
def test_what_the_server_would_swallow_is_refused(
    type_: str, attributes: dict[str, Any], stream: str, toxicity: float, words: str
) -> None:
    """A misspelt or deadly toxic is refused with what was meant, instead of being accepted without an effect."""
    with pytest.raises(UsageProblem) as refused:
        validated(type_, attributes, stream, toxicity)
    assert words in str(refused.value)


def test_defaults_are_filled_in() -> None:
    """The read-back is compared with all attributes, so the ones left out must be those that the server assumes."""
    assert validated("latency", {"latency": 5}, "upstream", 0.5) == {"latency": 5, "jitter": 0}


def test_all_toxics_of_the_server_but_noop() -> None:
    """A toxic that Toxiproxy has must not be missing here."""
    assert set(TOXICS) == {"latency", "bandwidth", "slow_close", "timeout", "reset_peer", "limit_data", "slicer"}
