"""All checks of a scenario, and the gates that keep their verdicts honest. Pure.

A pass or a fail that a gate does not accept becomes inconclusive and says by what; a check that raises is
inconclusive and names the exception. What was not seen did not pass.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from chaoskit.checks.gates.clock_jumped import clock_jumped
from chaoskit.checks.gates.closed_before import closed_before
from chaoskit.checks.gates.fault_hit import fault_hit
from chaoskit.checks.gates.fault_in_force import fault_in_force
from chaoskit.checks.gates.generator_lag import generator_lag
from chaoskit.checks.gates.leftover import leftover
from chaoskit.checks.gates.link_proof import link_proof
from chaoskit.checks.gates.load_delivered import load_delivered
from chaoskit.checks.gates.part_died import part_died
from chaoskit.checks.gates.reason import Reason
from chaoskit.checks.gates.sight import sight
from chaoskit.checks.gates.stalls import stalls
from chaoskit.checks.gates.steady_state import steady_state
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Outcome, Verdict, worst

Gate = Callable[[Evidence, System, CheckSpec], list[Reason]]

# Causes before their consequences: the first reason is the one that a reader is told first.
GATES: tuple[Gate, ...] = (
    leftover,
    part_died,
    clock_jumped,
    link_proof,
    steady_state,
    closed_before,
    sight,
    fault_in_force,
    fault_hit,
    load_delivered,
    generator_lag,
    stalls,
)


def judge_scenario(evidence: Evidence, system: System, final: bool = False) -> tuple[Verdict, ...]:
    """One verdict per check, in the order of the file. `final`: the scenario is over, nothing more will come."""
    over = final or evidence.complete
    return tuple(_judge(check, evidence, system, over) for check in evidence.plan.scenario.expect)


def _judge(check: CheckSpec, evidence: Evidence, system: System, over: bool) -> Verdict:
    try:
        verdict = check.judge(evidence, system)
        reasons = [reason for gate in GATES for reason in gate(evidence, system, check)]
    except Exception as error:  # noqa: BLE001  a bug in a check must not look like a verdict, nor end the run
        return _crashed(check, error, over)
    if not verdict.findings:
        nothing = Finding(check.keyword, Outcome.INCONCLUSIVE, "something to judge", "nothing was checked", final=over)
        verdict = Verdict.of(verdict.check, verdict.rule, verdict.subject, [nothing])
    return _gated(verdict, reasons, over)


def _crashed(check: CheckSpec, error: Exception, over: bool) -> Verdict:
    text = f"the check itself failed: {type(error).__name__}: {error}"
    finding = Finding(check.keyword, Outcome.INCONCLUSIVE, "a verdict", text, final=over)
    try:
        subject = check.subject
    except Exception:  # noqa: BLE001  the same broken check
        subject = ""
    return Verdict.of(check.keyword, check.rule, subject, [finding], f"Not judged: {text}.")


def _gated(verdict: Verdict, reasons: list[Reason], over: bool) -> Verdict:
    findings, voided = [], dict[str, None]()
    for finding in verdict.findings:
        against = [reason for reason in reasons if _voids(reason, finding)]
        if finding.outcome is not Outcome.INCONCLUSIVE and against:
            voided.update(dict.fromkeys(reason.text for reason in against))
            lasting = any(reason.lasting for reason in against)
            finding = replace(finding, outcome=Outcome.INCONCLUSIVE, final=over or (finding.final and lasting))
        elif over and not finding.final:
            finding = replace(finding, final=True)
        findings.append(finding)
    outcome = worst(finding.outcome for finding in findings)
    if not voided:
        explains = reasons if over and outcome is Outcome.INCONCLUSIVE else []
        because = tuple(dict.fromkeys(reason.text for reason in explains if reason.voids_pass))
        return replace(verdict, findings=tuple(findings), outcome=outcome, voided_by=because)
    sentence = verdict.sentence
    if outcome is Outcome.INCONCLUSIVE:
        sentence = f"Not accepted, because {'; '.join(voided)}. What it would say: {verdict.sentence}"
    return replace(verdict, findings=tuple(findings), outcome=outcome, sentence=sentence, voided_by=tuple(voided))


def _voids(reason: Reason, finding: Finding) -> bool:
    if reason.findings is not None and finding.name not in reason.findings:
        return False
    if finding.outcome is Outcome.PASS:
        return reason.voids_pass
    return reason.voids_fail and not (finding.final and finding.at is not None and finding.at < reason.since)
