"""What a run leaves behind in `run.json` (schema `chaoskit/run/1`)."""

from __future__ import annotations

from msgspec import Struct

from chaoskit.model.verdict import Outcome, Verdict, worst

RUN_SCHEMA = "chaoskit/run/1"


class ScenarioRecord(Struct, frozen=True):
    """One judged scenario. Times in run seconds; `reason` why it ended; `notes` what was not judged and why."""

    index: int
    name: str
    file: str
    line: int
    rules: tuple[int, ...]
    verdicts: tuple[Verdict, ...]
    started: float
    ended: float
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return worst(v.outcome for v in self.verdicts)


class RunRecord(Struct, frozen=True):
    """One run. `wall` is the epoch second of its start; `broken` says what could not be started or died, else ""."""

    run: str
    system: str
    system_file: str
    version: str
    wall: float
    duration_s: float
    engine: str
    sight: dict[str, str]
    seed: int
    command: str
    scenarios: tuple[ScenarioRecord, ...]
    broken: str = ""
    aborted: str = ""

    @property
    def outcome(self) -> Outcome:
        """The worst of all scenarios; a broken or aborted run can fail, but never pass."""
        outcomes = [s.outcome for s in self.scenarios]
        if self.broken or self.aborted:
            outcomes.append(Outcome.INCONCLUSIVE)
        return worst(outcomes)
