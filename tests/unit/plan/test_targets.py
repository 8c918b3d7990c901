"""Faults touch only what the system file allows."""

from __future__ import annotations

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.model.system import System
from chaoskit.plan.targets import check_targets


def system(upstream: str, *allow: str) -> System:
    values: dict[str, object] = {"system": "s", "links": {"a -> b": {"upstream": upstream}}}
    return System.model_validate(values | ({"allow": allow} if allow else {}))


@pytest.mark.parametrize(
    "upstream",
    [
        "http://127.0.0.1:80",
        "127.8.9.1:80",
        "http://localhost:1/x",
        "http://127.0.0.1:${port:b}",
        "${service:b}",
        "[::1]:80",
    ],
)
def test_loopback_is_allowed_by_default(upstream: str) -> None:
    """A system on this machine needs no allow-list; a reference is checked where it is written."""
    check_targets(system(upstream), "chaoskit.yaml")


@pytest.mark.parametrize("upstream", ["http://10.0.0.7:80", "prod.internal:443", "http://127.0.0.1.evil.example"])
def test_anything_else_is_refused(upstream: str) -> None:
    """A target outside the allow-list stops the run before it begins, and the message names it."""
    with pytest.raises(UsageProblem, match="not on the allow-list"):
        check_targets(system(upstream), "chaoskit.yaml")


@pytest.mark.parametrize("entry", ["10.0.0.0/8", "10.0.0.7", "10.0.0.7:80"])
def test_what_is_listed_is_allowed(entry: str) -> None:
    """Networks, hosts and single ports can be allowed."""
    check_targets(system("http://10.0.0.7:80", entry), "chaoskit.yaml")


def test_a_port_allows_only_itself() -> None:
    """`host:port` in the list does not open the host's other ports."""
    with pytest.raises(UsageProblem):
        check_targets(system("http://10.0.0.7:81", "10.0.0.7:80"), "chaoskit.yaml")


@pytest.mark.parametrize(
    "values",
    [
        {"services": {"x": {"url": "http://10.1.1.1"}}},
        {"broker": {"url": "amqp://10.1.1.1"}},
        {"links": {"a -> b": {"toxiproxy": {"url": "http://10.1.1.1:8474", "proxy": "p"}}}},
    ],
)
def test_all_kinds_of_targets_are_checked(values: dict[str, object]) -> None:
    """Services, the broker and a foreign Toxiproxy are targets as well."""
    with pytest.raises(UsageProblem, match=r"10\.1\.1\.1"):
        check_targets(System.model_validate({"system": "s", **values}), "chaoskit.yaml")
