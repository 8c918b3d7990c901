"""`*.chaos.yaml` → scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chaoskit.errors import FileProblem, Problem, UsageProblem
from chaoskit.files.document import Document, Steps, read_documents
from chaoskit.files.references import Names
from chaoskit.files.suggestion import closest, did_you_mean
from chaoskit.files.validation import UNDO_REMEDY, keys_of, spelled, unknown_key, validate
from chaoskit.model.scenario import PLACE_FIELDS, CheckSpec, FaultSpec, Needs, Scenario, Vocabulary
from chaoskit.model.system import BROKER, System

SUFFIX = ".chaos.yaml"
FILES_MAX = 10_000


def load_scenarios(paths: Sequence[Path], vocabulary: Vocabulary, system: System) -> tuple[Scenario, ...]:
    """All scenarios of the files, and of the `*.chaos.yaml` in the folders, by name of file and place in it.

    Raises FileProblem with everything that is wrong in any of them, UsageProblem where there is nothing to load.
    """
    problems: list[Problem] = []
    reader = _Reader(vocabulary, system, problems)
    scenarios: list[Scenario] = []
    for file in scenario_files(paths):
        before = len(problems)
        seen: dict[str, int] = {}
        empty = True
        for document in read_documents(file, problems):
            empty = False
            if (found := reader.scenario(document)) is not None:
                scenarios.append(found)
            problems += _same_name(document, seen)
        if empty and len(problems) == before:
            problems.append(Problem(str(file), 0, 0, "holds no scenario", "begin with 'scenario: what must hold'"))
    if problems:
        raise FileProblem(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column)))
    return tuple(scenarios)


def scenario_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and what the folders hold, each once. Raises UsageProblem if one is missing or empty."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob(f"*{SUFFIX}"))
            if not inside:
                raise UsageProblem(
                    f"no *{SUFFIX} in this folder", where=str(path), remedy="name another folder or a file"
                )
        elif path.is_file():
            inside = [path]
        else:
            raise UsageProblem("no such file or folder", where=str(path), remedy="check the path")
        for file in inside:
            found.setdefault(file.absolute(), file)
    if not 0 < len(found) <= FILES_MAX:
        what = "no scenario file was named" if not found else f"more than {FILES_MAX} scenario files"
        raise UsageProblem(what, remedy=f"name *{SUFFIX} files, or folders that hold some")
    return list(found.values())


class _Reader:
    """Documents to scenarios of one system; problems are collected."""

    def __init__(self, vocabulary: Vocabulary, system: System, problems: list[Problem]) -> None:
        self.vocabulary = vocabulary
        self.system = system
        self.names = Names.of(system)
        self.problems = problems

    def scenario(self, document: Document) -> Scenario | None:
        before = len(self.problems)
        if not isinstance(document.value, dict):
            self._refuse(document, (), "a scenario is a mapping", "begin with 'scenario: what must hold'")
            return None
        values = {key: value for key, value in document.value.items() if key not in PLACE_FIELDS}
        strange = [key for key in document.value if key in PLACE_FIELDS]
        self.problems += [unknown_key(document, (key,), keys_of(Scenario)) for key in strange]
        faults = self._items(document, "faults", "fault", FaultSpec, self.vocabulary.faults)
        checks = self._items(document, "expect", "check", CheckSpec, self.vocabulary.checks)
        values |= {"faults": tuple(faults.values()), "expect": tuple(checks.values())}
        lines = tuple(document.place(steps)[0] for steps in checks)
        values |= {"file": document.file, "line": document.line, "expect_lines": lines}
        scenario = self._envelope(document, values)
        self.problems += self._references(document, scenario, {**faults, **checks})
        return scenario if len(self.problems) == before else None

    def _envelope(self, document: Document, values: dict[str, Any]) -> Scenario | None:
        """Everything but the faults and checks; that no check survived is no news where some were written."""
        found: list[Problem] = []
        if not document.value.get("expect") and not _misspelt(document, "expect"):
            self._refuse(
                document, ("expect",), "expect: no check: nothing could pass or fail", "write at least one check"
            )
        if not values["expect"]:
            values = {**values, "expect": (CheckSpec(),)}
        scenario = validate(Scenario, document, values, (), found)
        self.problems += found
        return scenario

    def _items(
        self, document: Document, key: str, word: str, base: type[BaseModel], classes: Mapping[str, type[BaseModel]]
    ) -> dict[Steps, Any]:
        items = document.value.get(key)
        if items is None:
            return {}
        if not isinstance(items, list):
            self._refuse(document, (key,), f"{key}: expected a list", f"begin each {word} with '- '")
            return {}
        found: dict[Steps, Any] = {}
        for i, item in enumerate(items):
            cls = self._class_of(document, (key, i), item, word, base, classes)
            model = validate(cls, document, item, (key, i), self.problems) if cls else None
            if model is not None:
                found[(key, i)] = model
        return found

    def _class_of(
        self,
        document: Document,
        at: Steps,
        item: Any,
        word: str,
        base: type[BaseModel],
        classes: Mapping[str, type[BaseModel]],
    ) -> type[BaseModel] | None:
        """The class that the one keyword among the item's keys stands for."""
        if not isinstance(item, dict):
            example = next(iter(classes), word)
            self._refuse(document, at, f"{spelled(at)}: expected a mapping", f"write {{{example}: …}}")
            return None
        keywords = [key for key in item if key in classes]
        if len(keywords) > 1:  # a keyword may also be an option of another one
            keywords = [one for one in keywords if set(keywords) <= set(keys_of(classes[one]))] or keywords
        if len(keywords) == 1:
            return classes[keywords[0]]
        if keywords:
            both = " and ".join(f"'{one}'" for one in keywords)
            self._refuse(document, (*at, keywords[1]), f"{spelled(at)}: {both} in one {word}", f"write one {word} each")
        else:
            self._no_keyword(document, at, item, word, base, classes)
        return None

    def _no_keyword(
        self,
        document: Document,
        at: Steps,
        item: dict[str, Any],
        word: str,
        base: type[BaseModel],
        classes: Mapping[str, type[BaseModel]],
    ) -> None:
        strange = [key for key in item if key not in keys_of(base)]
        known = f"known {word}s"
        if not strange:
            self._refuse(document, at, f"{spelled(at)}: names no {word}", did_you_mean("", classes, known))
            return
        key = next((key for key in strange if closest(key, classes)), strange[0])
        problem = unknown_key(document, (*at, key), classes, known)
        message = problem.message if problem.remedy == UNDO_REMEDY else f"{spelled(at)}: unknown {word} '{key}'"
        self._refuse(document, (*at, key), message, problem.remedy, key=True)

    def _references(
        self, document: Document, scenario: Scenario | None, items: Mapping[Steps, BaseModel]
    ) -> Iterator[Problem]:
        if scenario is not None and scenario.load is not None:
            yield from self.names.in_model(document, ("load",), scenario.load)
        for at, item in items.items():
            found = list(self.names.in_model(document, at, item))
            yield from found
            if isinstance(item, FaultSpec) and item.broker is not None:
                yield from self._broker(document, (*at, "broker"), item.broker)
            if isinstance(item, CheckSpec) and not found:
                yield from self._needs(document, at, item)

    def _broker(self, document: Document, steps: Steps, name: str) -> Iterator[Problem]:
        if f"{name} -> {BROKER}" in self.names.by_kind["link"]:
            return
        if self.system.broker is None and not any(link.endswith(f"-> {BROKER}") for link in self.system.links):
            yield document.problem(
                steps, f"{spelled(steps)}: the system has no broker", "add 'broker:' to chaoskit.yaml"
            )
        elif name != "all" and (problem := self.names.unknown(document, steps, "service", name)):
            yield problem

    def _needs(self, document: Document, at: Steps, check: CheckSpec) -> Iterator[Problem]:
        """What a check needs must be there: names that only the check itself knows to be names, and load."""
        try:
            needs = check.needs(self.system)
        except NotImplementedError:
            return
        except LookupError as error:
            name = str(error.args[0]) if error.args else ""
            known = [known for names in self.names.by_kind.values() for known in names]
            yield document.problem(
                _find(document, at, name), f"{spelled(at)}: unknown name '{name}'", did_you_mean(name, known)
            )
            return
        yield from self._needed_names(document, at, needs)
        if needs.load and document.value.get("load") is None:
            remedy = "add load: {journey: …, rate: 50/s}"
            yield document.problem(at, f"{spelled(at)}: needs load, and this scenario has none", remedy)

    def _needed_names(self, document: Document, at: Steps, needs: Needs) -> Iterator[Problem]:
        wanted = {"link": needs.links, "consumer": (*needs.effects, *needs.dead_letters), "saga": needs.sagas}
        for kind, names in wanted.items():
            for name in dict.fromkeys(names):
                if name not in self.names.by_kind[kind] and (
                    problem := self.names.unknown(document, _find(document, at, name), kind, name)
                ):
                    yield problem

    def _refuse(self, document: Document, steps: Steps, message: str, remedy: str, *, key: bool = False) -> None:
        self.problems.append(document.problem(steps, message, remedy, key=key))


def _misspelt(document: Document, key: str) -> bool:
    """Whether a key that stands there was most likely meant to be `key`."""
    known = keys_of(Scenario)
    return any(closest(word, known) == key for word in document.value if word not in known)


def _find(document: Document, at: Steps, name: str) -> Steps:
    """Where in an item a name stands; the item itself if it is nowhere to be seen."""
    return next((steps for steps, text in document.texts() if steps[: len(at)] == at and text.strip() == name), at)


def _same_name(document: Document, seen: dict[str, int]) -> list[Problem]:
    """Whether another scenario of the file has the name; `seen` maps names to lines and learns this one."""
    name = document.value.get("scenario") if isinstance(document.value, dict) else None
    if not isinstance(name, str):
        return []
    first = seen.setdefault(name, document.line)
    if first == document.line:
        return []
    message = f"a second scenario named '{name}' (the first begins in line {first})"
    return [document.problem(("scenario",), message, "reports tell them apart by name: give it another")]
