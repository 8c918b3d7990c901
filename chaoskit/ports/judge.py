"""The shape of a check's `judge`, spelled out with its types."""

from __future__ import annotations

from typing import Protocol

from chaoskit.model.evidence import Evidence
from chaoskit.model.system import System
from chaoskit.model.verdict import Verdict


class Judge(Protocol):
    """A pure function of the evidence so far. It is called again and again while a scenario runs.

    While `evidence.complete` is False, what has not happened yet is `inconclusive` and not final; a finding is
    `final` when no later event could change it. It must never raise: a check that raises makes its scenario
    inconclusive.
    """

    def __call__(self, evidence: Evidence, system: System) -> Verdict: ...
