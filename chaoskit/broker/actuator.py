"""The broker's hands: messages doubled and spoilt. See ports/actuator.py."""

from __future__ import annotations

import secrets

from chaoskit.broker.copies import CopyMaker
from chaoskit.broker.management import Management
from chaoskit.broker.poisoner import Poisoner
from chaoskit.broker.topology import read_topology
from chaoskit.errors import FaultFailed, UsageProblem
from chaoskit.model.instruction import Confirmation, DuplicateMessages, Instruction, PoisonMessages, Undo
from chaoskit.model.system import System
from chaoskit.ports.clock import Clock
from chaoskit.ports.engines import BrokerEngine
from chaoskit.ports.recorder import Recorder


class BrokerActuator:
    """All that it makes at the broker is exclusive to a connection of ours: our death takes it back.

    So the journal has nothing to undo. No queue of the system is purged, deleted or consumed.
    """

    def __init__(self, broker: BrokerEngine, system: System, clock: Clock, recorder: Recorder) -> None:
        self._broker = broker
        self._system = system
        self._clock = clock
        self._recorder = recorder
        self._in_force: dict[str, CopyMaker | Poisoner] = {}

    def prepare(self, fault: str, instruction: Instruction) -> tuple[str, tuple[Undo, ...]]:
        """A handle, which also begins the ids of all messages of this fault; nothing to undo."""
        return f"ck-{fault}-{secrets.token_hex(4)}", ()

    async def inject(self, handle: str, instruction: Instruction) -> Confirmation:
        """Raises FaultFailed where the queue or its messages can't be had, BrokerFailed when the broker is gone."""
        worker = self._worker(handle, instruction)
        self._in_force[handle] = worker
        try:
            async with Management(self._broker.url, self._broker.management_url) as management:
                topology = await read_topology(management)
            return Confirmation(await worker.start(self._broker.url, topology))
        except UsageProblem as error:  # a queue that is not there: the fault can't be, the run goes on
            raise FaultFailed(error.what, where=error.where, remedy=error.remedy) from error

    async def hold(self, handle: str, instruction: Instruction) -> tuple[int | None, str]:
        """(copies or spoilt messages that the broker confirmed, why it stopped or "")."""
        worker = self._in_force.get(handle)
        return (worker.count, worker.trouble) if worker else (None, "it was not injected")

    async def revert(self, handle: str, instruction: Instruction) -> Confirmation:
        """Drain and close. Raises nothing: a connection that is gone has taken everything with it."""
        worker = self._in_force.get(handle)
        return Confirmation(await worker.stop() if worker else "it was not injected")

    def _worker(self, handle: str, instruction: Instruction) -> CopyMaker | Poisoner:
        if not isinstance(instruction, (DuplicateMessages, PoisonMessages)):
            raise FaultFailed(f"the broker can't carry out {type(instruction).__name__}")
        consumer = self._system.consumers.get(instruction.consumer)
        if consumer is None:
            raise FaultFailed(f"there is no consumer {instruction.consumer!r}", remedy="see `consumers:`")
        if isinstance(instruction, DuplicateMessages):
            return CopyMaker(handle, instruction, consumer, self._clock, self._recorder)
        return Poisoner(handle, instruction, consumer, self._clock, self._recorder)
