"""How numbers, times, names and outcomes are written for a reader: units, at most three decimals, `+4.212 s`."""

from __future__ import annotations

from chaoskit.model.verdict import Outcome

RULES = {
    1: "Async by default",
    2: "Chains of two at most",
    3: "Breaker and timeout",
    4: "Idempotent consumers",
    5: "Dead letters, no loss",
    6: "Deployed apart",
}

MARKS = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}


def at(t_s: float) -> str:
    """An instant relative to the injection: `+4.212 s`, `−0.500 s`."""
    return f"{'−' if t_s < 0 else '+'}{abs(t_s):.3f} s"


def seconds(length_s: float) -> str:
    """A length: `0.42 s`, `12.3 s`, `3 min 20 s`."""
    if length_s < 60:
        return f"{number(round(length_s, 2 if length_s < 10 else 1))} s"
    minutes, rest = divmod(round(length_s), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def number(value: float) -> str:
    """At most three decimals, none where they say nothing; thousands parted by a thin space."""
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_unit(value: float | None, unit: str) -> str:
    """`12.3 ms`; an en dash where there is no value."""
    return "–" if value is None else f"{number(value)}\u202f{unit}".strip()


def name(text: str) -> str:
    """A name from the system as a reader likes it: `order -> customer` with a real arrow."""
    return text.replace(" -> ", " → ")


def clipped(text: str, longest: int = 80) -> str:
    """At most `longest` characters, the middle left out."""
    if len(text) <= longest:
        return text
    return f"{text[: longest * 2 // 3]}…{text[-(longest // 3) :]}"


def plural(count: int, thing: str) -> str:
    """`1 check`, `3 checks`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
