"""A shop's run, made up but plausible: what a report shows before, and without, any real run.

Three scenarios: customer hangs and the breaker does its work (pass), the same with a breaker that never opens (fail),
and poison for inventory whose load generator fell behind (inconclusive).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from chaoskit.model import event as ev
from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.story import Fate, ScenarioStory
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Outcome, Verdict

LINK = "order -> customer"
BASELINE_S, FAULT_S, RECOVERY_S, RATE_PER_S = 3.0, 6.0, 4.0, 50.0
TIMEOUT_S, OPENS_AFTER_S, RESET_S = 0.6, 1.0, 2.0
USUAL_BODY = '{"id": "o-1", "customer": {"id": "c-7", "name": "Ada"}}'
FALLBACK_BODY = '{"id": "o-1", "customer": {"id": "c-7", "name": "Customer", "_fallback": true}}'


@dataclass
class ExampleRun:
    """The four inputs of `write_html`."""

    record: RunRecord
    stories: dict[int, ScenarioStory] = field(default_factory=dict)
    events: dict[int, list[ev.Event]] = field(default_factory=dict)
    system: System | None = None


def example_run(seed: int = 7, rate_per_s: float = RATE_PER_S) -> ExampleRun:
    """The whole run; the same for the same seed."""
    rng = random.Random(seed)
    makers = (never_opens, hang_opens_breaker, poison)
    events: dict[int, list[ev.Event]] = {-1: _outside()}
    stories, scenarios, begin = {}, [], 4.0
    for index, make in enumerate(makers):
        rows, story, record = make(rng, index, begin, rate_per_s)
        events[index], stories[index] = rows, story
        scenarios.append(record)
        begin = record.ended + 0.8
    record = RunRecord(
        run="2026-11-24T14-41-42",
        system="shop",
        system_file="chaoskit.yaml",
        version="0.1.0",
        wall=1_795_531_302.0,
        duration_s=begin,
        engine="Toxiproxy 2.12.0, RabbitMQ 3.12.1",
        sight={LINK: "tap", "order -> broker": "broker", "inventory -> broker": "broker", "email -> broker": "broker"},
        seed=seed,
        command="chaoskit run scenarios",
        scenarios=tuple(scenarios),
    )
    return ExampleRun(record, stories, events, example_system())


def example_system() -> System:
    """The part of the shop that the example talks about."""
    return System.model_validate(
        {
            "system": "shop",
            "services": {name: {"url": "http://127.0.0.1:1"} for name in ("order", "customer", "inventory", "email")},
            "links": {
                LINK: {"upstream": "http://127.0.0.1:1"},
                "order -> broker": {"upstream": "amqp://127.0.0.1:1", "protocol": "amqp"},
            },
            "broker": {"kind": "rabbitmq"},
            "consumers": {
                name: {
                    "queue": f"{name}.order-placed",
                    "dead_letter": f"{name}.order-placed.dlq",
                    "key": "orderId",
                    "service": name,
                }
                for name in ("inventory", "email")
            },
        }
    )


def hang_opens_breaker(
    rng: random.Random, index: int, begin: float, rate_per_s: float = RATE_PER_S
) -> tuple[list[ev.Event], ScenarioStory, ScenarioRecord]:
    """Customer hangs for six seconds; calls time out, the breaker opens, probes, and closes after healing."""
    inject = begin + BASELINE_S
    heal = inject + FAULT_S
    opened = inject + OPENS_AFTER_S
    probes = [opened + (RESET_S + TIMEOUT_S) * i + RESET_S for i in range(2)]
    closes = max(probe for probe in [*probes, probes[-1] + TIMEOUT_S + RESET_S] if probe >= heal or probe > probes[-1])
    rows = _frame(index, begin, "A hanging customer service opens the order service's breaker", inject, heal)
    rest = list(probes)
    for due in _schedule(rng, begin, heal + RECOVERY_S, rate_per_s):
        quick = rng.lognormvariate(1.4, 0.3) / 1000
        if due < inject or due >= closes:
            rows += _answered(index, len(rows), due, quick)
        elif due < opened:
            rows += _timed_out(index, len(rows), due)
        elif rest and due >= rest[0]:
            rest.pop(0)
            rows += _timed_out(index, len(rows), due)
        else:
            rows.append(_sample(index, due, 0.0004 + quick / 4, body=FALLBACK_BODY))
    _close(rows, index, begin, heal + RECOVERY_S)
    states = [(opened, "open")]
    for probe in probes:
        states += [(probe, "half-open"), (probe + TIMEOUT_S, "open")]
    states += [(closes, "half-open"), (closes + 0.02, "closed")]
    failing = [i for i, e in enumerate(rows) if isinstance(e, ev.Call) and e.outcome == "abandoned"]
    verdicts = (
        Verdict.of(
            "breaker",
            3,
            LINK,
            [
                Finding("opens_within", Outcome.PASS, "≤ 6s", "1.004s", tuple(failing[:10]), opened, True),
                Finding("fails_fast", Outcome.PASS, "≤ 50ms", "2.1ms", (), opened + 1, True),
                Finding("half_opens_after", Outcome.PASS, "2s", "2.003s", (), probes[0], True),
                Finding("closes_within", Outcome.PASS, "≤ 15s", f"{closes - heal:.3f}s", (), closes, True),
            ],
            "order's breaker on customer opened 1.004 s after the hang began "
            f"and closed {closes - heal:.2f} s after it ended.",
        ),
        Verdict.of(
            "fallback",
            3,
            LINK,
            [Finding("body", Outcome.PASS, "100%", "243 of 243")],
            "Every degraded answer was the fallback.",
        ),
        Verdict.of("errors", None, "browse", [Finding("at_most", Outcome.PASS, "≤ 1%", "0%")], "No request failed."),
    )
    record = ScenarioRecord(
        index,
        "A hanging customer service opens the order service's breaker",
        "scenarios/2-hang.chaos.yaml",
        2,
        (3,),
        verdicts,
        begin - 0.4,
        heal + RECOVERY_S,
        "decided",
    )
    return rows, ScenarioStory(breakers={LINK: tuple(states)}), record


def never_opens(
    rng: random.Random, index: int, begin: float, rate_per_s: float = RATE_PER_S
) -> tuple[list[ev.Event], ScenarioStory, ScenarioRecord]:
    """The same hang, but nobody stops calling: every request waits for its timeout and some fail."""
    inject = begin + BASELINE_S
    heal = inject + FAULT_S
    name = "Without a breaker a hanging customer takes order down"
    rows = _frame(index, begin, name, inject, heal)
    for due in _schedule(rng, begin, heal + RECOVERY_S, rate_per_s):
        if due < inject or due >= heal:
            rows += _answered(index, len(rows), due, rng.lognormvariate(1.4, 0.3) / 1000)
        else:
            rows += _timed_out(index, len(rows), due, late_s=(due - inject) * 0.3, failed=rng.random() < 0.35)
    _close(rows, index, begin, heal + RECOVERY_S)
    calls = [i for i, e in enumerate(rows) if isinstance(e, ev.Call) and e.t >= inject]
    errors = [i for i, e in enumerate(rows) if isinstance(e, ev.Sample) and not e.ok]
    hung = sum(1 for i in calls if rows[i].t < heal)
    verdicts = (
        Verdict.of(
            "breaker",
            3,
            LINK,
            [
                Finding("opens_within", Outcome.FAIL, "≤ 6s", "never", tuple(calls[:14]), inject + FAULT_S, True),
                Finding("fails_fast", Outcome.INCONCLUSIVE, "≤ 50ms", "it was never open"),
            ],
            f"order's breaker on customer never opened: {hung} calls reached a hanging customer in 6 s.",
        ),
        Verdict.of(
            "errors",
            None,
            "browse",
            [
                Finding(
                    "at_most",
                    Outcome.FAIL,
                    "≤ 1%",
                    f"{len(errors) / 6.5:.1f}%",
                    tuple(errors[:10]),
                    rows[errors[0]].t,
                    True,
                )
            ],
        ),
        Verdict.of("timeout", 3, LINK, [Finding("within", Outcome.PASS, "≤ 1.05s", "0.604s", (), inject + 0.6, True)]),
    )
    record = ScenarioRecord(
        index, name, "scenarios/3-no-breaker.chaos.yaml", 2, (3,), verdicts, begin - 0.4, heal + RECOVERY_S, "decided"
    )
    return rows, ScenarioStory(breakers={LINK: ((begin, "closed"),)}), record


def poison(
    rng: random.Random, index: int, begin: float, rate_per_s: float = RATE_PER_S
) -> tuple[list[ev.Event], ScenarioStory, ScenarioRecord]:
    """Poison and copies for inventory; a generator that lagged, so nothing of it counts as passed."""
    end = begin + 9
    name = "Poison reaches the dead letter queue, the good ones behind it pass"
    rows: list[ev.Event] = [
        ev.ScenarioStarted(t=begin - 0.2, scenario=index, name=name, file="scenarios/7-poison.chaos.yaml")
    ]
    rows += [
        ev.PhaseStarted(t=begin, scenario=index, phase="baseline"),
        ev.PhaseStarted(t=begin + 2, scenario=index, phase="fault"),
    ]
    rows.append(
        ev.FaultAsked(
            t=begin + 1.99, scenario=index, fault="f1", name="poison", target="inventory", params="12 mutants"
        )
    )
    rows.append(
        ev.FaultConfirmed(
            t=begin + 2, scenario=index, fault="f1", name="poison", target="inventory", detail="published"
        )
    )
    queue, dead = "inventory.order-placed", "inventory.order-placed.dlq"
    for step in range(36):
        t = begin + step * 0.25
        backlog = max(0, int(60 - abs(step - 14) * 7)) if step > 7 else rng.randint(0, 2)
        rows.append(
            ev.QueueSeen(t=t, scenario=index, queue=queue, ready=backlog, unacked=min(10, backlog), consumers=1)
        )
        rows.append(
            ev.QueueSeen(t=t, scenario=index, queue=dead, ready=min(12, max(0, step - 9)), unacked=0, consumers=0)
        )
    for second in range(1, 8):
        lag = 340.0 if second == 4 else 2.0 + rng.random() * 4
        rows.append(
            ev.LoadSecond(
                t=begin + second, scenario=index, due=50, started=50, dropped=3 * (second == 4), lag_ms_max=lag
            )
        )
    rows.append(ev.FaultReverted(t=begin + 6.5, scenario=index, fault="f1", asked_t=begin + 6.5))
    rows.append(ev.PhaseStarted(t=begin + 6.5, scenario=index, phase="settle"))
    rows.append(ev.ScenarioEnded(t=end, scenario=index, reason="deadline"))
    verdicts = (
        Verdict(
            "dead_letter",
            5,
            "inventory",
            Outcome.INCONCLUSIVE,
            "11 of 12 poison messages were dead-lettered, one was still unsettled.",
            (Finding("all_dead_lettered", Outcome.INCONCLUSIVE, "12", "11", (3, 4), begin + 6.5),),
            ("the load generator lagged by 340 ms in a window judged at 100 ms",),
        ),
        Verdict.of("idempotent", 4, "inventory", [Finding("once", Outcome.PASS, "1 effect a key", "188 of 188")]),
    )
    record = ScenarioRecord(
        index,
        name,
        "scenarios/7-poison.chaos.yaml",
        2,
        (4, 5),
        verdicts,
        begin - 0.2,
        end,
        "deadline",
        ("isolates_poison[email]: its link was seen by load only; it needs the tap",),
    )
    ledger = {"accepted": 212, "effects": 188, "dead_lettered": 12, "ready": 7, "unacked": 3, "lost": 2, "twice": 0}
    fates = [Fate("inventory", f"p{i}", "truncated JSON", "dead-lettered") for i in range(6)]
    fates += [Fate("inventory", f"q{i}", "orderId missing", "dead-lettered") for i in range(5)]
    fates += [Fate("inventory", "q9", "orderId missing", "stuck", detail="unsettled for 30 s")]
    fates += [Fate("inventory", "w1", "quantity as text", "accepted", certain=False)]
    story = ScenarioStory(
        ledgers={"inventory": ledger, "email": {"accepted": 200, "effects": 200}},
        fates=tuple(fates),
        log_tails={"inventory": "Traceback (most recent call last):\n  …\nKeyError: 'orderId'\n"},
    )
    return rows, story, record


def _outside() -> list[ev.Event]:
    return [
        ev.RunStarted(t=0.0, system="shop", version="0.1.0", wall=1_795_531_302.0),
        ev.PartStarted(t=0.4, part="toxiproxy", role="engine", detail="2.12.0 on port 8474"),
        ev.PartStarted(t=2.9, part="broker", role="broker", detail="RabbitMQ 3.12.1, private node"),
        ev.PartStarted(t=3.6, part="order", role="service", detail="ready after 0.7 s"),
    ]


def _frame(index: int, begin: float, name: str, inject: float, heal: float) -> list[ev.Event]:
    return [
        ev.ScenarioStarted(t=begin - 0.4, scenario=index, name=name, file="x.chaos.yaml"),
        ev.LinkProof(t=begin - 0.1, scenario=index, link=LINK, passed=True, sight="tap", detail="1 call"),
        ev.PhaseStarted(t=begin, scenario=index, phase="baseline"),
        ev.LoadStarted(t=begin, scenario=index, journey="browse", rate_per_s=RATE_PER_S),
        ev.FaultAsked(t=inject - 0.006, scenario=index, fault="f1", name="hang", target=LINK, params=""),
        ev.FaultConfirmed(t=inject, scenario=index, fault="f1", name="hang", target=LINK, detail="rule r1 read back"),
        ev.PhaseStarted(t=inject, scenario=index, phase="fault"),
        ev.FaultReverted(t=heal, scenario=index, fault="f1", asked_t=heal - 0.004),
        ev.PhaseStarted(t=heal, scenario=index, phase="recovery"),
    ]


def _close(rows: list[ev.Event], index: int, begin: float, end: float) -> None:
    for second in range(1, int(end - begin) + 1):
        rows.append(
            ev.LoadSecond(t=begin + second, scenario=index, due=50, started=50, dropped=0, lag_ms_max=1.5 + second % 3)
        )
    rows.append(ev.ScenarioEnded(t=end, scenario=index, reason="decided"))


def _schedule(rng: random.Random, begin: float, end: float, rate_per_s: float) -> list[float]:
    count = int((end - begin) * rate_per_s)
    return [begin + i / rate_per_s + rng.random() * 0.0004 for i in range(count)]


def _sample(
    index: int, due: float, took_s: float, *, ok: bool = True, status: int = 200, body: str | None = None
) -> ev.Sample:
    return ev.Sample(
        t=due + 0.0003,
        scenario=index,
        name="GET /orders/{id}",
        due=due,
        latency_ms=took_s * 1000,
        service_ms=took_s * 1000 - 0.3,
        status=status,
        ok=ok,
        body=body,
    )


def _call(index: int, number: int, due: float, took_s: float, status: int, outcome: str) -> ev.Call:
    return ev.Call(
        t=due + 0.001,
        scenario=index,
        link=LINK,
        call=number,
        connection=number % 10,
        method="GET",
        path="/customers/c-7",
        end=due + 0.001 + took_s,
        status=status,
        outcome=outcome,
        injected="hang" if outcome == "abandoned" else "",
    )


def _answered(index: int, number: int, due: float, took_s: float) -> list[ev.Event]:
    return [_call(index, number, due, took_s * 0.6, 200, "answered"), _sample(index, due, took_s, body=USUAL_BODY)]


def _timed_out(index: int, number: int, due: float, late_s: float = 0.0, failed: bool = False) -> list[ev.Event]:
    call = _call(index, number, due, TIMEOUT_S, 0, "abandoned")
    if failed:
        return [
            call,
            _sample(index, due, TIMEOUT_S + late_s, ok=False, status=503, body='{"error": "customer timed out"}'),
        ]
    return [call, _sample(index, due, TIMEOUT_S + 0.004 + late_s, body=FALLBACK_BODY)]
