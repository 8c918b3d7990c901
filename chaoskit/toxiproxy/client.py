"""The adapter on toxiproxy-python: its types and its reading of answers, on a connection of our own.

Every call has a deadline, every toxic is validated before it is sent, every change is compared with what the server
says it stored, and a toxic that cannot be removed is removed with its proxy, which is then put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from chaoskit.errors import EngineFailed, FaultFailed
from chaoskit.toxiproxy.control import TIMEOUT_S, Answer, Control, EngineSilent
from chaoskit.toxiproxy.toxic_types import validated
from chaoskit.toxiproxy.toxiproxy_python import ProxyState, ToxicState, toxiproxy_python

Snapshot = dict[str, Any]
"""A proxy with its toxics, in Toxiproxy's own JSON: name, listen, upstream, enabled, toxics."""


class Missing(FaultFailed):
    """There is no such proxy or toxic."""


class Taken(FaultFailed):
    """A proxy or toxic of that name exists already."""


class EngineClient:
    """The Toxiproxy at `url`. Raises EngineSilent or EngineFailed from every call when it hangs or is gone."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.control = Control(url, timeout_s=timeout_s)
        self.url = self.control.url
        self._library = toxiproxy_python()
        self._seen: dict[str, Snapshot] = {}

    def version(self) -> str:
        """`2.12.0`. Raises EngineFailed where something else answers at this address."""
        answer = self.control.exchange("GET", "/version")
        version = answer.json().get("version") if answer.status_code == 200 and answer.content[:1] == b"{" else None
        if not isinstance(version, str):
            raise EngineFailed("what answers here is no Toxiproxy", where=self.url, remedy="correct the URL")
        return version

    def snapshots(self) -> dict[str, Snapshot]:
        """All proxies by name."""
        return dict(self._call("GET", "/proxies").json())

    def snapshot(self, proxy: str) -> Snapshot:
        """One proxy with its toxics. Raises Missing."""
        seen: Snapshot = self._call("GET", _path(proxy)).json()
        self._seen[proxy] = seen
        return seen

    def proxy(self, name: str) -> ProxyState:
        """One proxy. Raises Missing."""
        return self._library.make_proxy(**_proxy_fields(self.snapshot(name)))

    def toxics(self, proxy: str) -> dict[str, ToxicState]:
        """A proxy's toxics by name. Raises Missing."""
        return {toxic["name"]: self._library.make_toxic(**toxic) for toxic in self.snapshot(proxy)["toxics"]}

    def create_proxy(
        self,
        name: str,
        *,
        upstream: str,
        listen: str = "127.0.0.1:0",
        toxics: Sequence[Mapping[str, Any]] = (),
        enabled: bool = True,
    ) -> ProxyState:
        """Create a proxy; no connection gets through before all its toxics are in force. Raises Taken, FaultFailed."""
        at_once = enabled and not toxics
        body = {"name": name, "upstream": upstream, "listen": listen, "enabled": at_once}
        made: Snapshot = self._call("POST", "/proxies", body).json()
        self._seen[name] = {**made, "toxics": []}
        for toxic in toxics:
            self._post_toxic(name, dict(toxic))
        if enabled and not at_once:
            return self.set_enabled(name, True)
        return self._library.make_proxy(**_proxy_fields(made))

    def populate(self, proxies: Iterable[Mapping[str, Any]]) -> list[ProxyState]:
        """Create or replace many proxies in one call; toxics are not among what the server takes here."""
        wanted = [{key: proxy[key] for key in ("name", "upstream", "listen", "enabled")} for proxy in proxies]
        made = self._call("POST", "/populate", wanted).json()["proxies"]
        return [self._library.make_proxy(**_proxy_fields(row)) for row in made]

    def set_enabled(self, proxy: str, enabled: bool) -> ProxyState:
        """Open or close a proxy's door; closing also closes its connections. Raises Missing, FaultFailed."""
        stored: Snapshot = self._call("PATCH", _path(proxy), {"enabled": enabled}).json()
        self._compare(f"proxy {proxy}", {"enabled": enabled}, stored)
        self._seen.setdefault(proxy, {**stored, "toxics": stored.get("toxics", [])})["enabled"] = enabled
        return self._library.make_proxy(**_proxy_fields(stored))

    def delete_proxy(self, proxy: str) -> bool:
        """False if there was none."""
        try:
            self._call("DELETE", _path(proxy))
        except Missing:
            return False
        finally:
            self._seen.pop(proxy, None)
        return True

    def add_toxic(
        self,
        proxy: str,
        name: str,
        *,
        type: str,
        attributes: Mapping[str, int],
        stream: str = "downstream",
        toxicity: float = 1.0,
    ) -> ToxicState:
        """Raises UsageProblem before anything is sent, Missing (no such proxy), Taken, FaultFailed."""
        checked = validated(type, attributes, stream, toxicity)
        body = {"name": name, "type": type, "stream": stream, "toxicity": toxicity, "attributes": checked}
        return self._post_toxic(proxy, body)

    def update_toxic(
        self, proxy: str, name: str, *, attributes: Mapping[str, int] | None = None, toxicity: float | None = None
    ) -> ToxicState:
        """Change a toxic in force; what is not given stays. Raises UsageProblem, Missing, FaultFailed."""
        now = self.toxic(proxy, name)
        wanted = {**now.attributes, **(attributes or {})}
        share = now.toxicity if toxicity is None else toxicity
        body = {"attributes": validated(now.type, wanted, now.stream, share), "toxicity": share}
        stored = self._call("PATCH", _path(proxy, name), body).json()
        self._compare(f"toxic {name}", body, stored)
        return self._library.make_toxic(**stored)

    def toxic(self, proxy: str, name: str) -> ToxicState:
        """One toxic as it stands. Raises Missing."""
        return self._library.make_toxic(**self._call("GET", _path(proxy, name)).json())

    def remove_toxic(self, proxy: str, name: str) -> str:
        """How it went: `removed`, `was gone`, or `its proxy was recreated` where removing it alone hung."""
        try:
            self._call("DELETE", _path(proxy, name))
        except Missing:
            return "was gone"
        except EngineSilent:
            self._recreate_without(proxy, name)
            return "its proxy was recreated"
        if proxy in self._seen:
            toxics = self._seen[proxy]["toxics"]
            toxics[:] = [toxic for toxic in toxics if toxic["name"] != name]
        return "removed"

    def close(self) -> None:
        """Close the connection."""
        self.control.close()

    def _post_toxic(self, proxy: str, body: dict[str, Any]) -> ToxicState:
        stored = self._call("POST", _path(proxy) + "/toxics", body).json()
        self._compare(f"toxic {body['name']}", body, stored)
        if proxy in self._seen:
            self._seen[proxy]["toxics"].append(stored)
        return self._library.make_toxic(**stored)

    def _recreate_without(self, proxy: str, toxic: str) -> None:
        """Toxiproxy can deadlock on removing a toxic under load; deleting the whole proxy still works then."""
        seen = self._seen.get(proxy)
        if seen is None:
            raise EngineFailed(
                f"the toxic {toxic} cannot be removed from {proxy}, whose state we never saw",
                where=self.url,
                remedy="restart Toxiproxy",
            )
        self.delete_proxy(proxy)
        others = [row for row in seen["toxics"] if row["name"] != toxic]
        self.create_proxy(
            proxy, upstream=seen["upstream"], listen=seen["listen"], enabled=seen["enabled"], toxics=others
        )

    def _compare(self, what: str, asked: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
        for key, value in asked.items():
            if stored.get(key) != value:
                raise FaultFailed(
                    f"Toxiproxy stored another {key} for {what}: {stored.get(key)!r} instead of {value!r}",
                    where=self.url,
                    remedy="use Toxiproxy 2.12 (other versions know other attributes)",
                )

    def _call(self, method: str, path: str, body: object = None) -> Answer:
        answer = self.control.exchange(method, path, body)
        if answer.status_code < 400:
            return answer
        reason, where = _reason(answer), f"{method} {self.url}{path}"
        try:
            self._library.validate_response(answer)
        except self._library.not_found as error:
            raise Missing(reason, where=where) from error
        except self._library.exists as error:
            raise Taken(reason, where=where) from error
        except self._library.invalid as error:
            raise FaultFailed(reason, where=where) from error
        raise FaultFailed(f"Toxiproxy answered {answer.status_code}: {reason}", where=where)


def _path(proxy: str, toxic: str = "") -> str:
    path = f"/proxies/{quote(proxy, safe='')}"
    return f"{path}/toxics/{quote(toxic, safe='')}" if toxic else path


def _proxy_fields(row: Snapshot) -> Snapshot:
    return {key: row[key] for key in ("name", "upstream", "enabled", "listen")}


def _reason(answer: Answer) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.content.decode(errors="replace")[:200] or f"status {answer.status_code}"
