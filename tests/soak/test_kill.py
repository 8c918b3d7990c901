"""The killed runs as a test, few of them: `make soak` measures all."""

from __future__ import annotations

import pytest

from tests.soak import kill

pytestmark = [pytest.mark.soak, pytest.mark.service, pytest.mark.timeout(600)]


def test_nothing_is_left_of_runs_that_were_ended_at_random_instants() -> None:
    """Each signal twice, at instants of another seed than the page's; whatever is left is told in words."""
    section, clean = kill.run(times=8, seed=7)
    assert clean, section
