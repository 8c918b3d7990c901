"""Everything that chaoskit raises on purpose, and the exit code that each leads to.

::

    ChaoskitError
    ├── UsageProblem            2   bad usage, bad file, bad target: nothing was started
    │   └── FileProblem         2   one or more places in the user's files
    ├── PartFailed              4   something the run needs could not be started, or died
    │   ├── EngineFailed        4   Toxiproxy, the tap or the load child
    │   ├── BrokerFailed        4   the broker
    │   └── ServiceFailed       4   a service of the system under test
    ├── FaultFailed             3   a fault could not be injected, confirmed or reverted
    ├── LeftoversFound          4   an earlier run left something that could not be healed
    └── Aborted               130   stopped by a signal, a guard or the stop file

Every message says what happened, where, and what to do about it. Any other exception is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process ends with; documented in docs/reference/exit-codes.md."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    BROKEN = 4
    ABORTED = 130


class ChaoskitError(Exception):
    """Base of all errors that are ours to explain.

    `what` happened, `where` (a file:line:column, a URL, a process; may be empty), and the `remedy`.
    """

    exit_code: ExitCode = ExitCode.BROKEN

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  → {self.remedy}" if self.remedy else head


class UsageProblem(ChaoskitError):
    """The command line, a file or a target is not usable; nothing was started."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One place in a user's file that is wrong. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}" + (f"\n  → {self.remedy}" if self.remedy else "")


class FileProblem(UsageProblem):
    """All that is wrong in the user's files, found in one pass."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.message, where=f"{first.file}:{first.line}:{first.column}", remedy=first.remedy)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class PartFailed(ChaoskitError):
    """Something that the run needs could not be started, or died."""

    exit_code = ExitCode.BROKEN


class EngineFailed(PartFailed):
    """Toxiproxy, the tap or the load child failed."""


class BrokerFailed(PartFailed):
    """The broker could not be started or reached, refused us, or died."""


class ServiceFailed(PartFailed):
    """A service of the system under test could not be started, or died unasked."""


class FaultFailed(ChaoskitError):
    """A fault could not be injected, confirmed or reverted; what it was to prove stays unproven."""

    exit_code = ExitCode.INCONCLUSIVE


class LeftoversFound(ChaoskitError):
    """An earlier run left something changed that could not be put back."""

    exit_code = ExitCode.BROKEN


class Aborted(ChaoskitError):
    """The run was stopped: a signal, a guard, or the stop file. Everything was reverted first."""

    exit_code = ExitCode.ABORTED
