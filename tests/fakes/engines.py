"""An engine that does what it is told in memory, and can be told to misbehave."""

from __future__ import annotations

from chaoskit.errors import EngineFailed, FaultFailed
from chaoskit.model.instruction import Confirmation, Instruction, Undo


class FakeActuator:
    """Keeps what is in force in `in_force`; `fail_inject`, `fail_revert`, `gone` and `dead` make it misbehave."""

    def __init__(self) -> None:
        self.in_force: dict[str, Instruction] = {}
        self.log: list[str] = []
        self.fail_inject = ""
        self.fail_revert = ""
        self.gone = ""
        self.dead = ""
        self.hits: int | None = 0

    def prepare(self, fault: str, instruction: Instruction) -> tuple[str, tuple[Undo, ...]]:
        self.log.append(f"prepare {fault}")
        return f"ck-{fault}", (Undo("toxic", {"toxic": f"ck-{fault}"}),)

    async def inject(self, handle: str, instruction: Instruction) -> Confirmation:
        self.log.append(f"inject {handle}")
        if self.dead:
            raise EngineFailed(self.dead)
        if self.fail_inject:
            raise FaultFailed(self.fail_inject)
        self.in_force[handle] = instruction
        return Confirmation(f"{handle} read back")

    async def hold(self, handle: str, instruction: Instruction) -> tuple[int | None, str]:
        if self.dead:
            raise EngineFailed(self.dead)
        return self.hits, self.gone

    async def revert(self, handle: str, instruction: Instruction) -> Confirmation:
        self.log.append(f"revert {handle}")
        if self.dead:
            raise EngineFailed(self.dead)
        if self.fail_revert:
            raise FaultFailed(self.fail_revert)
        self.in_force.pop(handle, None)
        return Confirmation(f"{handle} gone")


class FakeJournal:
    """Keeps open entries in `open`, and everything that was ever entered in `entered`."""

    def __init__(self) -> None:
        self.open: dict[str, Undo] = {}
        self.entered: list[Undo] = []

    def enter(self, undo: Undo) -> str:
        token = f"t{len(self.entered)}"
        self.entered.append(undo)
        self.open[token] = undo
        return token

    def done(self, token: str) -> None:
        self.open.pop(token, None)

    def guard_process(self, pid: int, name: str) -> str:
        return self.enter(Undo("process", {"pid": pid, "name": name}))

    def guard_folder(self, path: str) -> str:
        return self.enter(Undo("folder", {"path": path}))

    def release(self, token: str) -> None:
        self.done(token)
