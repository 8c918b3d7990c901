"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    import difflib  # 3 ms that only a mistake costs

    folded = {_fold(name): name for name in known}
    found = difflib.get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], what: str = "known") -> str:
    """A remedy: the closest name, or all there are (at most twelve)."""
    names = list(known)
    if match := closest(word, names):
        return f"did you mean '{match}'?"
    if not names:
        return f"there are no {what} yet"
    shown = ", ".join(sorted(names)[:12]) + (", …" if len(names) > 12 else "")
    return f"{what}: {shown}"


def _fold(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "")
