"""The broker is gone for its clients: open connections are closed, new ones refused."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.errors import UsageProblem
from chaoskit.model.instruction import Instruction, ProxyDown
from chaoskit.model.placeholder import names
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import BROKER, System


class Outage(FaultSpec):
    """Takes the broker away from one service (`broker: order`) or from all at once (`broker: all`)."""

    keyword: ClassVar[str] = "outage"
    targets: ClassVar[tuple[str, ...]] = ("broker",)

    outage: Literal[True]

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One link down per service. Raises UsageProblem where no service talks to the broker through a link."""
        linked = broker_users(system)
        wanted = linked if self.broker == "all" else tuple(name for name in linked if name == self.broker)
        if not wanted:
            raise UsageProblem(
                "no service gets the broker's address from chaoskit"
                if self.broker == "all"
                else f"service {self.broker!r} does not get the broker's address from chaoskit",
                where="outage",
                remedy="give the service its address as ${broker:SERVICE} in its env, so that a link lies between"
                + (f"; these have one: {', '.join(linked)}" if linked else ""),
            )
        return tuple(ProxyDown(f"{name} -> {BROKER}") for name in wanted)


def broker_users(system: System) -> tuple[str, ...]:
    """The services with a link to the broker: `${broker:NAME}` in somebody's env, or a link of their own."""
    found: dict[str, None] = {}
    for service in system.services.values():
        for text in service.env.values():
            for key in names(text):
                kind, _, name = key.partition(":")
                if kind == "broker":
                    found.setdefault(name)
    for link in system.links:
        caller, _, callee = link.partition(" -> ")
        if callee == BROKER:
            found.setdefault(caller)
    return tuple(found)
