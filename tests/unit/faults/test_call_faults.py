"""The faults on single calls: what a user may write, and the rule that it becomes."""

from __future__ import annotations

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.faults.change_body import ChangeBody
from chaoskit.faults.cut_body import CutBody
from chaoskit.faults.hang import Hang
from chaoskit.faults.headers_only import HeadersOnly
from chaoskit.faults.hold import Hold
from chaoskit.faults.status import Status
from chaoskit.model.instruction import TapRule
from chaoskit.model.system import System
from pydantic import ValidationError

LINK = "order -> customer"
SYSTEM = System.model_validate({"system": "shop", "links": {LINK: {"upstream": "http://127.0.0.1:1"}}})


@pytest.mark.parametrize(
    ("fault", "written", "action", "params"),
    [
        (Hang, {"hang": True}, "hang", {}),
        (Status, {"status": 502}, "answer", {"status": 502, "body": "", "headers": ""}),
        (
            Status,
            {"status": 503, "body": {"a": 1}, "headers": {"Retry-After": "1", "X": "y"}},
            "answer",
            {"status": 503, "body": '{"a": 1}', "headers": "Retry-After: 1\nX: y"},
        ),
        (HeadersOnly, {"headers_only": True}, "headers_only", {}),
        (CutBody, {"cut_body": 10}, "cut_body", {"bytes": 10}),
        (ChangeBody, {"change_body": {"find": "a", "replace": ""}}, "change_body", {"find": "a", "replace": ""}),
        (Hold, {"hold": True}, "hold", {}),
    ],
)
def test_each_fault_is_one_rule(fault, written: dict, action: str, params: dict) -> None:
    """Protects the way from what a user writes to what the tap does, seed and choice of calls included."""
    spec = fault.model_validate(
        {**written, "link": "order->customer", "calls": "30%", "first": 2, "match": "GET /customers"}
    )
    assert spec.instructions(SYSTEM, 7) == (TapRule(LINK, action, params, 0.3, 2, 7, "GET", "/customers"),)
    plain = fault.model_validate({**written, "link": LINK})
    assert plain.instructions(SYSTEM, 1) == (TapRule(LINK, action, params, seed=1),)


@pytest.mark.parametrize(
    ("match", "method", "path"),
    [("GET", "GET", ""), ("/a/b", "", "/a/b"), (" POST   /x ", "POST", "/x"), ("/", "", "/")],
)
def test_match_is_a_method_a_path_or_both(match: str, method: str, path: str) -> None:
    """Protects the choice of calls by method and start of the path."""
    (rule,) = Hang.model_validate({"link": LINK, "hang": True, "match": match}).instructions(SYSTEM, 0)
    assert isinstance(rule, TapRule)
    assert (rule.match_method, rule.match_path) == (method, path)


@pytest.mark.parametrize(
    ("fault", "written"),
    [
        (Hang, {"hang": False}),
        (Hang, {"hang": True, "match": "get /x"}),
        (Hang, {"hang": True, "match": "GET/x"}),
        (Hang, {"hang": True, "match": ""}),
        (Hang, {"hang": True, "first": 0}),
        (Hang, {"hang": True, "calls": "130%"}),
        (Status, {"status": 99}),
        (Status, {"status": 500, "headers": {"Content-Length": "3"}}),
        (Status, {"status": 500, "headers": {"X": "a\r\nB: c"}}),
        (CutBody, {"cut_body": -1}),
        (ChangeBody, {"change_body": {"find": "", "replace": "x"}}),
        (ChangeBody, {"change_body": {"find": "x", "replace": "y", "regex": True}}),
    ],
)
def test_what_makes_no_sense_is_refused(fault, written: dict) -> None:
    """Protects from faults that would do nothing, or something else than written."""
    with pytest.raises(ValidationError):
        fault.model_validate({**written, "link": LINK})


def test_link_without_calls_is_refused() -> None:
    """Protects from a call fault on a database link, which would never hit."""
    system = System.model_validate({"system": "s", "links": {LINK: {"upstream": "127.0.0.1:5432", "protocol": "tcp"}}})
    with pytest.raises(UsageProblem, match="protocol: tcp"):
        Hang.model_validate({"link": LINK, "hang": True}).instructions(system, 0)
