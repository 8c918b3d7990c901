"""`chaoskit.yaml` → the system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaoskit.errors import FileProblem, Problem, UsageProblem
from chaoskit.files.document import Document, read_documents
from chaoskit.files.placeholder_check import placeholder_problems
from chaoskit.files.system_check import system_problems
from chaoskit.files.validation import validate
from chaoskit.model.system import System, parse_link_name

SYSTEM_FILE = "chaoskit.yaml"


def find_system_file(near: Path) -> Path:
    """The `chaoskit.yaml` in the folder of `near` (or in `near` itself) or the closest one above.

    Raises UsageProblem if there is none.
    """
    start = near.resolve() if near.is_dir() else near.resolve().parent
    for folder in (start, *start.parents):
        if (folder / SYSTEM_FILE).is_file():
            return folder / SYSTEM_FILE
    raise UsageProblem(
        f"no {SYSTEM_FILE} here or in any folder above",
        where=str(near),
        remedy="describe the system there (docs/reference/system-file.md), or name it with --system FILE",
    )


def load_system(path: Path) -> System:
    """The system that a file describes. Raises FileProblem with everything that is wrong in it."""
    problems: list[Problem] = []
    documents = list(read_documents(path, problems))
    system = None
    if len(documents) == 1 and not problems:
        system = _validated(documents[0], problems)
    elif not problems:
        what = "is empty" if not documents else f"holds {len(documents)} documents"
        problems.append(Problem(str(path), 0, 0, f"{what}: it must hold one system", "begin with 'system: NAME'"))
    if problems or system is None:
        raise FileProblem(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return _with_files(system, path.resolve().parent)


def _with_files(system: System, folder: Path) -> System:
    """The same system with the files that it names as absolute paths: they stand relative to the system file."""
    consumers = {
        name: one.model_copy(update={"message": str(folder / one.message)}) if one.message else one
        for name, one in system.consumers.items()
    }
    services = {
        name: one.model_copy(update={"openapi": str(folder / one.openapi)}) if one.openapi else one
        for name, one in system.services.items()
    }
    return system.model_copy(update={"consumers": consumers, "services": services})


def _validated(document: Document, problems: list[Problem]) -> System | None:
    if not isinstance(document.value, dict):
        problems.append(document.problem((), "a system is a mapping", "begin with 'system: NAME'"))
        return None
    system = validate(System, document, document.value, (), problems)
    problems += _same_links(document)
    problems += placeholder_problems(document)
    if system is not None:
        problems += system_problems(document, system)
    return system


def _same_links(document: Document) -> Iterator[Problem]:
    """`a->b` and `a -> b` are one link; the second would hide the first."""
    links = document.value.get("links")
    seen: set[str] = set()
    for written in links if isinstance(links, dict) else ():
        try:
            name = parse_link_name(written)
        except ValueError:  # reported by the model
            continue
        if name in seen:
            yield document.problem(("links", written), f"link '{name}' stands here twice", "keep one of them", key=True)
        seen.add(name)
