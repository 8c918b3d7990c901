"""Proof, before any fault, that traffic really passes each link on which one will be put.

Where the tap stands in the way, or a client of the broker comes through us, its calls and connections are counted.
Where nobody looks at the link (`sight: load`, a Toxiproxy of the system's own) it is *nudged*: a little latency is put
on it, and the answers that a client sees must become slower by it and quick again without it. That toxic is journalled,
read back and reverted like any other, but it is no fault: only `link.proof` tells of it, and it lies before the
baseline, in the phase `proof`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from statistics import median

from msgspec import Struct

from chaoskit.model.event import LinkProof
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.instruction import Toxic
from chaoskit.model.plan import ScenarioPlan
from chaoskit.run.cast import Cast
from chaoskit.run.listen_address import connections_to

NUDGE_MS = 60
NUDGE_SHARE_OF_TIMEOUT = 0.3
"""Of the link's declared timeout: the nudge must not look like a failure to the caller."""
GROWTH_MIN = 0.5
"""The share of the nudge by which the median must grow."""
ANSWERS_MIN, PROBES_MIN = 5, 3
"""How many answers of one name a median is made of: the load's, or those to our own requests."""
LOOK_S, LOOK_S_MAX = 2.0, 10.0
"""How long each look may take; longer where the load is too slow to give enough answers in that time."""
ATTEMPTS = 2

Tick = Callable[[], Awaitable[None]]
Medians = dict[str, float]


class _Looks(Struct, frozen=True):
    """Median service time (ms) by request name: before, during and after the nudge."""

    before: Medians
    during: Medians
    after: Medians

    def slower(self, than: Medians, by_ms: float) -> list[str]:
        return [name for name, ms in self.during.items() if name in than and ms - than[name] >= by_ms]


class LinkProofs:
    """The proofs of one scenario. `missing` are the links not proven yet, `failed` those of which the contrary is."""

    def __init__(self, plan: ScenarioPlan, cast: Cast, evidence: Evidence) -> None:
        self._plan, self._cast, self._evidence = plan, cast, evidence
        links = [getattr(i, "link", "") for fault in plan.faults for i in fault.instructions]
        self.missing = dict.fromkeys(link for link in links if link in cast.plan.links)
        self.failed: list[str] = []
        self._traffic_before: dict[str, int] = {}

    @property
    def blind(self) -> list[str]:
        """Links that have to be nudged, because nobody sees what passes them."""
        return [link for link in self.missing if self._cast.plan.links[link] == "load"]

    async def traffic(self, link: str) -> int:
        """What the tap has seen on a link so far; all of it is recorded when this returns."""
        tap = self._cast.tap
        return await tap.traffic(link) if tap is not None and link in self._cast.tapped else 0

    async def look(self) -> None:
        """Take what the tap has seen since the first look as proof."""
        for link in list(self.missing):
            sight, traffic = self._cast.plan.links[link], await self.traffic(link)
            seen = traffic - self._traffic_before.setdefault(link, traffic)
            if sight == "broker" and traffic > 0:
                self._settle(link, True, f"{traffic} connections to the broker pass it")
            elif sight == "tap" and seen > 0:
                self._settle(link, True, f"{seen} calls and connections passed it")
            elif held := self._held_open(link):
                self._settle(link, True, f"{held} connections are open at {self._cast.adopted[link]}")

    def _held_open(self, link: str) -> int:
        """Clients of a broker stay connected, and no answer waits for them: the open connections are the proof."""
        described = self._cast.plan.system.links.get(link)
        if link not in self._cast.adopted or described is None or described.protocol != "amqp":
            return 0
        return connections_to(self._cast.adopted[link])

    def give_up(self, why: str) -> None:
        """Time is up: what is not proven now counts as not used."""
        for link in list(self.missing):
            self._settle(link, False, why)

    def _settle(self, link: str, passed: bool, detail: str) -> None:
        self.missing.pop(link, None)
        if not passed:
            self.failed.append(link)
        sight = self._cast.plan.links[link]
        self._cast.recorder.record(
            LinkProof(t=self._cast.clock.now(), link=link, passed=passed, sight=sight, detail=detail)
        )

    # --- the nudge -------------------------------------------------------------------------------------------------

    async def nudge(self, tick: Tick) -> None:
        """Prove or disprove all blind links, with the load on where there is one. Raises FaultFailed, EngineFailed."""
        for link in self.blind:
            if not self._plan.scenario.load and not self._requests:
                why = "nobody looks at this link, and the scenario has neither load nor probe whose answers could tell"
                self._settle(link, False, why)
                continue
            by_ms = self._nudge_ms(link)
            for attempt in range(ATTEMPTS):
                looks = await self._nudged(link, by_ms, tick)
                told = _told(looks, by_ms)
                if told is not None or attempt == ATTEMPTS - 1:
                    self._settle(link, *(told or (False, f"its answers are too unsteady to show {by_ms} ms")))
                    break

    @property
    def _requests(self) -> tuple[str, ...]:
        return self._plan.needs.probes if self._cast.probes is not None else ()

    def _nudge_ms(self, link: str) -> int:
        described = self._cast.plan.system.links.get(link)
        if described is None or described.timeout is None:
            return NUDGE_MS
        return max(10, min(NUDGE_MS, round(NUDGE_SHARE_OF_TIMEOUT * described.timeout * 1000)))

    async def _nudged(self, link: str, by_ms: int, tick: Tick) -> _Looks:
        cast, need = self._cast, GROWTH_MIN * by_ms
        toxic = Toxic(link, "latency", {"latency": by_ms, "jitter": 0})
        actuator = cast.actuator_of(toxic)
        before = await self._medians(cast.clock.now() - LOOK_S, bool, tick)
        handle, undos = actuator.prepare("proof", toxic)
        tokens = [cast.journal.enter(undo) for undo in undos]
        try:
            await actuator.inject(handle, toxic)
            since = cast.clock.now()
            during = await self._medians(since, lambda m: bool(_Looks(before, m, {}).slower(before, need)), tick)
        finally:
            await actuator.revert(handle, toxic)
            for token in tokens:
                cast.journal.done(token)
        after = await self._medians(cast.clock.now(), bool, tick)
        return _Looks(before, during, after)

    async def _medians(self, since: float, enough: Callable[[Medians], bool], tick: Tick) -> Medians:
        """Watch until the medians of what began after `since` are `enough`, or the time for one look is up."""
        load, clock = self._plan.scenario.load, self._cast.clock
        wanted = ANSWERS_MIN if load else PROBES_MIN
        deadline = clock.now() + min(LOOK_S_MAX, max(LOOK_S, 1.5 * wanted / load.rate if load else LOOK_S))
        while True:
            times: dict[str, list[float]] = {}
            for sample in self._evidence.samples(Window(since)):
                if sample.status > 0:
                    times.setdefault(sample.name, []).append(sample.service_ms)
            medians = {name: median(ms) for name, ms in times.items() if len(ms) >= wanted}
            if enough(medians) or clock.now() >= deadline:
                return medians
            if load:
                await tick()
            elif all(len(times.get(name, ())) >= wanted for name in self._requests):
                return medians  # enough to say no as well
            else:
                for request in self._requests:
                    await self._send(request)

    async def _send(self, request: str) -> None:
        assert self._cast.probes is not None
        await self._cast.probes.send(request)


def _told(looks: _Looks, by_ms: int) -> tuple[bool, str] | None:
    """Passed or not, in words; None while it can't be told: slower before or after for another reason."""
    need = GROWTH_MIN * by_ms
    up, down = looks.slower(looks.before, need), looks.slower(looks.after, need)
    if both := [name for name in up if name in down]:
        name = both[0]
        took, usual = looks.during[name], looks.before[name]
        return True, f"with {by_ms} ms of latency put on it, {name} took {took:.0f} ms instead of {usual:.0f} ms"
    if up or down:
        return None
    if not looks.before or not looks.during:
        return False, f"too few answers to see whether {by_ms} ms of latency put on it slow them down"
    pairs = [
        f"{name} {looks.before[name]:.0f} → {ms:.0f} ms" for name, ms in looks.during.items() if name in looks.before
    ]
    seen = ", ".join(pairs[:3])
    return False, (
        f"{by_ms} ms of latency put on it slowed no answer down ({seen}): the caller seems to bypass this proxy, "
        f"or these requests never use the link"
    )
