"""A user's own Locust class under the open model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaoskit.errors import EngineFailed
from chaoskit.model.event import LoadEnded, Sample
from chaoskit.model.scenario import Load

from tests.service.load_target import Driven, Stage, Target, stage

pytestmark = pytest.mark.service

USERS = """
from locust import FastHttpUser, HttpUser, TaskSet, between, task

class Shopper(FastHttpUser):
    host = "{order}/api"
    wait_time = between(5, 10)  # the schedule decides, not this

    def on_start(self):
        self.client.post("/login", json={"user": "a"})

    @task(3)
    def look(self):
        self.client.get("/orders/1", name="/orders/[id]")

    @task(1)
    def judge(self):
        with self.client.get("/orders/2", name="judged", catch_response=True) as answer:
            answer.failure("not what I wanted")

class Classic(HttpUser):
    @task
    def missing(self):
        self.client.get("/status/404")

class Nested(FastHttpUser):
    @task
    class Basket(TaskSet):
        @task
        def add(self):
            self.client.get("/add")

        def on_start(self):
            self.client.get("/enter")

class Fragile(FastHttpUser):
    @task
    def read(self):
        assert self.client.get("/status/500").json()["id"]

class Broken(FastHttpUser):
    @task
    def typo(self):
        self.client.gett("/")

class Idle(FastHttpUser):
    pass
"""


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(USERS.splitlines(), 1) if text in line)


def journeys(file: Path) -> dict[str, object]:
    names = ("Shopper", "Classic", "Nested", "Fragile", "Broken", "Idle", "Shoper")
    return {name.lower(): {"locust": f"{file}:{name}"} for name in names} | {
        "gone": {"locust": f"{file.parent / 'none.py'}:Shopper"},
        "syntax": {"locust": f"{file.parent / 'syntax.py'}:Shopper"},
    }


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One child for all tests of this module, and the files with the classes."""
    file = tmp_path_factory.mktemp("users") / "shop_users.py"
    file.write_text(USERS)
    (file.parent / "syntax.py").write_text("x = 1\nclass Shopper(\n")
    with stage(journeys(file)) as shared:
        yield shared


def test_classes_of_the_users_own(on: Stage) -> None:
    """Protects existing Locust suites: tasks, on_start, names, own verdicts, both clients, nested task sets."""

    async def run(served: Target, load: Driven) -> None:
        await load.load("shopper", "100/s", until=lambda: len(load.of(Sample)) >= 80)
        found = Counter((s.name, s.status, s.ok, s.error) for s in load.of(Sample))
        assert set(found) == {
            ("POST /login", 200, True, ""),
            ("GET /orders/[id]", 200, True, ""),
            ("GET judged", 200, False, "CatchResponseError: not what I wanted"),
        }
        assert {path for _, path, _, _ in served.seen} == {"/api/login", "/api/orders/1", "/api/orders/2"}
        assert load.of(LoadEnded)[0].dropped == 0

        load.recorder.events.clear()
        await load.load("classic", "20/s", until=lambda: len(load.of(Sample)) >= 5)
        assert {(s.name, s.status, s.ok) for s in load.of(Sample)} == {("GET /status/404", 404, False)}

        load.recorder.events.clear()
        await load.load("nested", "20/s", until=lambda: len(load.of(Sample)) >= 10)
        assert {s.name for s in load.of(Sample)} == {"GET /enter", "GET /add"}

        load.recorder.events.clear()
        await load.load("fragile", "20/s", until=lambda: len(load.of(Sample)) >= 10)
        errors = [s.error for s in load.of(Sample) if s.name == "Fragile"]
        assert errors
        assert all(f"shop_users.py:{line_of('assert')}" in error for error in errors)
        assert load.child.dead() == ""

    on.play(run)


def test_mistakes_in_the_users_code_name_their_place(on: Stage) -> None:
    """Protects from a load that silently does nothing: every kind of broken class is told with file and line."""
    told = {
        "gone": "there is no file .*none.py",
        "syntax": r"syntax\.py:2: SyntaxError",
        "idle": r"shop_users\.py:\d+: Idle has no tasks",
        "shoper": "no Locust user class 'Shoper'; did you mean 'Shopper'",
    }

    async def run(served: Target, load: Driven) -> None:
        for journey, message in told.items():
            with pytest.raises(EngineFailed, match=message):
                await load.child.begin(Load.model_validate({"journey": journey, "rate": "10/s"}), bodies=False, seed=1)
        await load.load("broken", "20/s", until=lambda: bool(load.child.dead()))
        assert f"shop_users.py:{line_of('gett')}" in load.child.dead()
        assert "gett" in load.child.dead()
        await load.load("shopper", "50/s", until=lambda: len(load.of(Sample)) >= 10)
        assert load.child.dead() == ""

    on.play(run)
