# ruff: noqa: E501  one mistake a line: a table is read across
"""Bad system files: each mistake at its line:column, placeholders included."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.errors import FileProblem

from tests.unit.files.vocabulary import SYSTEM, system_of


def changed(old: str, new: str) -> str:
    """The sound system with one mistake in it."""
    assert old in SYSTEM
    return SYSTEM.replace(old, new, 1)


BAD = {
    "empty": ("", "0:0", "is empty: it must hold one system"),
    "two documents": (SYSTEM + "---\n" + SYSTEM, "0:0", "holds 2 documents"),
    "no name": (changed("system: shop\n", ""), "1:1", "'system' is missing"),
    "name with a blank": (changed("system: shop", "system: my shop"), "1:9", "system: 'my shop' does not fit"),
    "unknown key": (changed("consumers:", "consumer:"), "11:1", "did you mean 'consumers'?"),
    "unknown key of a service": (changed("    command:", "    comand:"), "5:5", "in services.order did you mean 'command'?"),
    "command is a mapping": (changed("python -m shop.order", "{a: b}"), "5:14", "services.order.command: expected text or a list, found a mapping"),
    "command is a number": (changed("python -m shop.order", "5"), "5:14", "expected text or a list, found '5'"),
    "env is a number": (changed('HOME: "$${HOME}"', "PORT: 8080"), "6:87", 'expected text, found \'8080\' quote it: "8080"'),
    "port of an unknown service": (changed("${port:order}", "${port:ordr}"), "4:10", "services.order.url: unknown service 'ordr' in ${port:ordr} did you mean 'order'?"),
    "unknown link": (changed("${link:order->customer}", "${link:order->custmer}"), "6:25", "unknown link 'order -> custmer' in ${link:order -> custmer} did you mean 'order -> customer'?"),
    "unknown kind": (changed("${link:order->customer}", "${lnik:order->customer}"), "6:25", "unknown placeholder '${lnik:order->customer}' did you mean 'link'?"),
    "shell variable": (changed("$${HOME}", "${HOME}"), "6:87", "python, folder; $${ stands for a literal ${"),
    "placeholder without a name": (changed("${port:order}", "${port}"), "4:10", "names nothing: write ${port:name}"),
    "placeholder never closed": (changed("${port:order}", "${port:order"), "4:10", "never closes it"),
    "bare placeholder with a name": (changed("${port:order}", "${python:3}"), "4:10", "takes no name: write ${python}"),
    "broker that is not there": (changed("broker: {kind: rabbitmq}\n", ""), "6:62", "the system has no broker in ${broker:order} add 'broker: {kind: rabbitmq}'"),
    "service without url": (changed("    url: http://127.0.0.1:${port:order}\n", "").replace("${port:customer}", "${service:order}"), "6:19", "service 'order' has no url"),
    "circle": (changed("http://127.0.0.1:${port:order}", "${service:customer}").replace("http://127.0.0.1:${port:customer}", "${service:order}"), "4:10", "in a circle: ${service:order} → ${service:customer} → ${service:order}"),
    "circle of one": (changed("http://127.0.0.1:${port:order}", "${service:order}"), "4:10", "in a circle: ${service:order} → ${service:order}"),
    "unknown dependency": (changed("[order]", "[ordr]"), "7:69", "services.customer.depends_on[0]: unknown service 'ordr'"),
    "services wait for each other": (changed("depends_on: [order]", "depends_on: [customer]"), "7:68", "services wait for each other: customer → customer"),
    "neither url nor command": (changed('url: "http://127.0.0.1:${port:customer}", ', "").replace("${service:customer}", "127.0.0.1:1"), "7:13", "services.customer: neither command nor url"),
    "link name": (changed("  order->customer: {", "  order=>customer: {"), "9:3", "not a link: 'order=>customer'"),
    "link twice": (changed("links:\n", "links:\n  order -> customer: {upstream: 127.0.0.1:1}\n"), "10:3", "link 'order -> customer' stands here twice"),
    "link without a way": (changed('upstream: "${service:customer}", ', ""), "9:20", "a link needs either upstream"),
    "protocol": (changed("timeout: 3s", "protocol: htp"), "9:64", "links.order->customer.protocol: expected 'http', 'tcp' or 'amqp', found 'htp' did you mean 'http'?"),
    "timeout without unit": (changed("timeout: 3s", "timeout: 3000"), "9:63", "links.order->customer.timeout: a duration needs a unit"),
    "nested key": (changed("opens_at", "opens"), "9:77", "unknown key 'opens' in links.order->customer.breaker did you mean 'opens_at'?"),
    "attempts": (changed("timeout: 3s", "attempts_max: 0"), "9:68", "must be at least 1, found '0'"),
    "consumer without queue": (changed("queue: inventory.orders, ", ""), "12:14", "'queue' is missing in consumers.inventory"),
    "probe of an unknown service": (changed("GET {order}/r", "GET {odrer}/r"), "12:69", "consumers.inventory.effect.http: unknown service 'odrer' did you mean 'order'?"),
    "probe that is no request": (changed("GET {order}/r", "{order}/r"), "12:69", "not a request"),
    "path": (changed("$.items", "$.items.."), "12:102", "not a path: '$.items..'"),
    "count and value": (changed("count: $.items", "count: $.items, value: $.x"), "12:62", "a probe needs exactly one of count and value"),
    "journey of an unknown service": (changed("GET {order}/orders", "GET {orders}/orders"), "14:19", "journeys.browse[0].http: unknown service 'orders'"),
    "journey is text": (changed('[{http: "GET {order}/orders/{seeded.order}"}]', "fast"), "14:11", "journeys.browse: expected a list or a mapping, found 'fast'"),
    "journey is empty": (changed('[{http: "GET {order}/orders/{seeded.order}"}]', "[]"), "14:11", "journeys.browse: no request"),
    "unknown key in a journey": (changed('[{http: "GET', '[{htp: 1, http: "GET'), "14:13", "unknown key 'htp' in journeys.browse[0]"),
    "misspelt locust": (changed('[{http: "GET {order}/orders/{seeded.order}"}]', "{locst: a.py:A}"), "14:12", "unknown key 'locst' in journeys.browse did you mean 'locust'?"),
    "locust class": (changed('[{http: "GET {order}/orders/{seeded.order}"}]', "{locust: users}"), "14:20", "not a user class"),
    "seeded values": (changed("{seeded.order}", "{seeded.oder}"), "14:19", "no seeded values named 'oder' did you mean 'order'?"),
    "breaker log": (changed("    command: python -m shop.order", "    breaker_log: '(state'"), "5:18", "not a regular expression"),
    "breaker log without state": (changed("    command: python -m shop.order", "    breaker_log: 'x'"), "5:18", "has no group 'state'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_system_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    """A mistake in the system file is the one problem, where it stands, with what to do about it."""
    text, place, words = BAD[name]
    with pytest.raises(FileProblem) as caught:
        system_of(tmp_path, text)
    found = [(f"{p.line}:{p.column}", f"{p.message} {p.remedy}") for p in caught.value.problems]
    assert len(found) == 1, found
    assert found[0][0] == place, found
    assert words in found[0][1]


def test_a_mistake_does_not_hide_wrong_placeholders(tmp_path: Path) -> None:
    """Placeholders are checked even where the rest of the file is not valid yet."""
    text = changed("timeout: 3s", "timeout: 3").replace("${port:order}", "${port:ordr}")
    with pytest.raises(FileProblem) as caught:
        system_of(tmp_path, text)
    assert [problem.line for problem in caught.value.problems] == [4, 9]
