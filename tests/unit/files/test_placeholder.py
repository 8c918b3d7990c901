"""The grammar of `${…}` and the putting in of values."""

from __future__ import annotations

import pytest
from chaoskit.model.placeholder import expand, names


def test_values_are_put_in() -> None:
    """Each placeholder is replaced, links however spelled, `$${` becomes `${`, and values are not expanded again."""
    values = {"port:web": "80", "link:a -> b": "http://127.0.0.1:1", "python": "${port:web}"}
    assert expand("x${port:web}y ${link: a->b } $${HOME} ${python}", values) == (
        "x80y http://127.0.0.1:1 ${HOME} ${port:web}"
    )


def test_names_are_what_values_are_looked_up_by() -> None:
    """`names` gives the keys that `expand` asks for, in order."""
    assert names("${env:HOME}/${folder}/${broker:order}$${no}") == ("env:HOME", "folder", "broker:order")


def test_a_value_that_is_missing_is_named() -> None:
    """Nothing is silently left unexpanded."""
    with pytest.raises(LookupError, match=r"\$\{env:TOKEN\} has no value"):
        expand("${env:TOKEN}", {})


@pytest.mark.parametrize(
    "text", ["${port:a", "${", "${}", "${port}", "${port:}", "${folder:x}", "${HOME}", "${ port:a}", "${a${b}}"]
)
def test_what_is_not_well_formed_is_refused(text: str) -> None:
    """A misspelt placeholder never reaches a service as text."""
    with pytest.raises(ValueError, match=r"\$\{"):
        names(text)
