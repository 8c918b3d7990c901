"""Faults of the broker: from what the user writes to instructions."""

from __future__ import annotations

from typing import Any

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.faults.duplicate import Duplicate
from chaoskit.faults.outage import Outage
from chaoskit.faults.poison import Poison
from chaoskit.model.instruction import DuplicateMessages, PoisonMessages, ProxyDown
from chaoskit.model.poison import MUTANTS
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import System
from pydantic import ValidationError

SYSTEM = System.model_validate(
    {
        "system": "shop",
        "services": {
            "order": {"command": "x", "env": {"AMQP_URL": "${broker:order}", "OTHER": "${port:order}"}},
            "email": {"command": "x", "env": {"AMQP_URL": "${broker:email}/%2F"}},
            "customer": {"command": "x"},
        },
        "links": {"audit -> broker": {"upstream": "tcp://127.0.0.1:5672", "protocol": "amqp"}},
    }
)


def test_duplicate_asks_for_each_way_once() -> None:
    """One instruction a way, in the order written; only late ones have a delay, and the seed is passed on."""
    spec = Duplicate.model_validate(
        {
            "consumer": "inventory",
            "duplicate": ["late", "adjacent", "late"],
            "copies": 2,
            "messages": "25%",
            "delay": "5s",
        }
    )
    assert spec.instructions(SYSTEM, 7) == (
        DuplicateMessages("inventory", "late", copies=2, share=0.25, seed=7, delay_s=5.0),
        DuplicateMessages("inventory", "adjacent", copies=2, share=0.25, seed=7, delay_s=0.0),
    )
    one = Duplicate.model_validate({"consumer": "inventory", "duplicate": "adjacent"})
    assert one.instructions(SYSTEM, 1) == (DuplicateMessages("inventory", seed=1),)


def test_poison_all_is_the_whole_catalogue() -> None:
    """`all` sends every mutant, names send just those, each once."""
    everything = Poison.model_validate({"consumer": "inventory", "poison": "all"})
    assert everything.instructions(SYSTEM, 1) == (PoisonMessages("inventory", tuple(MUTANTS), good_behind=5, seed=1),)
    some = Poison.model_validate({"consumer": "inventory", "poison": ["empty", "huge", "empty"], "good_behind": 0})
    assert some.instructions(SYSTEM, 1) == (PoisonMessages("inventory", ("empty", "huge"), good_behind=0, seed=1),)
    single = Poison.model_validate({"consumer": "inventory", "poison": "empty"})
    assert single.instructions(SYSTEM, 1)[0] == PoisonMessages("inventory", ("empty",), good_behind=5, seed=1)


def test_an_outage_takes_the_broker_from_all_that_use_it_or_from_one() -> None:
    """The links are those of `${broker:NAME}` and those declared; a service without one is told what to write."""
    everybody = Outage.model_validate({"broker": "all", "outage": True})
    links = ("order -> broker", "email -> broker", "audit -> broker")
    assert everybody.instructions(SYSTEM, 1) == tuple(ProxyDown(link) for link in links)
    one = Outage.model_validate({"broker": "email", "outage": True})
    assert one.instructions(SYSTEM, 1) == (ProxyDown("email -> broker"),)
    assert one.target == "email -> broker"
    with pytest.raises(UsageProblem, match="'customer' does not get the broker's address") as raised:
        Outage.model_validate({"broker": "customer", "outage": True}).instructions(SYSTEM, 1)
    assert "order, email, audit" in raised.value.remedy
    with pytest.raises(UsageProblem, match="no service gets"):
        everybody.instructions(System(system="bare"), 1)


@pytest.mark.parametrize(
    ("fault", "document"),
    [
        (Duplicate, {"consumer": "i", "duplicate": "adjacnt"}),
        (Duplicate, {"consumer": "i", "duplicate": "late", "delay": "2"}),
        (Duplicate, {"consumer": "i", "duplicate": "late", "copies": 0}),
        (Duplicate, {"link": "a -> b", "duplicate": "late"}),
        (Poison, {"consumer": "i", "poison": ["trucated"]}),
        (Poison, {"consumer": "i", "poison": []}),
        (Poison, {"broker": "all", "poison": "all"}),
        (Outage, {"broker": "all", "outage": False}),
        (Outage, {"link": "a -> b", "outage": True}),
    ],
)
def test_mistakes_are_refused(fault: type[FaultSpec], document: dict[str, Any]) -> None:
    """A misspelt way or mutant, a wrong target, a number without unit: refused, never ignored."""
    with pytest.raises(ValidationError):
        fault.model_validate(document)
