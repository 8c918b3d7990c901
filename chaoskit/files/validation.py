"""A document's values against a pydantic class; every error at its place, without pydantic's own noise.

pydantic puts more into an error's `loc` than keys: tags of the members of a union and `[key]`. Whatever does not lead
further into the document is such a tag; of a union only the member that the user meant is reported.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel, ValidationError

from chaoskit.errors import Problem
from chaoskit.files.document import Document, Steps
from chaoskit.files.suggestion import closest, did_you_mean
from chaoskit.files.wording import expected, message_and_remedy, shown
from chaoskit.model.scenario import PLACE_FIELDS, Scenario

M = TypeVar("M", bound=BaseModel)

_UNDO_WORDS = {
    *("rollback", "rollbacks", "revert", "reverts", "undo", "cleanup", "clean_up", "teardown", "tear_down"),
    *("restore", "recover", "heal", "finally", "reset_after", "on_failure", "on-failure", "after", "method"),
}
UNDO_REMEDY = "faults are reverted by themselves, whatever happens: delete this key"


class _Found(Struct, frozen=True):
    """One error, its `loc` taken apart: `steps` lead to the value, the first union tag stands after `union_at`."""

    error: Any
    steps: Steps
    at_key: bool
    missing: str
    tag: str
    union_at: Steps
    at_member_root: bool


def validate(cls: type[M], document: Document, value: Any, at: Steps, problems: list[Problem]) -> M | None:
    """The value under `at` as a `cls`, or None and its problems appended."""
    try:
        return cls.model_validate(value)
    except ValidationError as error:
        problems.extend(_translate(cls, document, at, error))
        return None


def unknown_key(document: Document, steps: Steps, known: Iterable[str], what: str = "known keys") -> Problem:
    """The problem of a key that nobody reads."""
    key = str(steps[-1])
    remedy = UNDO_REMEDY if key.lower() in _UNDO_WORDS and key not in known else did_you_mean(key, known, what)
    where = spelled(steps[:-1])
    return document.problem(steps, f"unknown key '{key}'" + (f" in {where}" if where else ""), remedy, key=True)


def keys_of(cls: type[BaseModel]) -> list[str]:
    """The keys that a class reads, as a user writes them."""
    hidden = PLACE_FIELDS if cls is Scenario else ()
    return [field.alias or name for name, field in cls.model_fields.items() if name not in hidden]


def spelled(steps: Steps) -> str:
    """`("expect", 0, "opens_within")` → `expect[0].opens_within`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _translate(cls: type[BaseModel], document: Document, at: Steps, error: ValidationError) -> Iterator[Problem]:
    found = [_take_apart(document, at, entry) for entry in error.errors(include_url=False)]
    misspelt = set(_misspelt(cls, at, found))
    found = [one for one in found if not one.missing or (one.steps, one.missing) not in misspelt]
    for one in found:
        if not one.tag:
            yield _problem(cls, document, at, one)
    for union_at in dict.fromkeys(one.union_at for one in found if one.tag):
        members: dict[str, list[_Found]] = {}
        for one in found:
            if one.tag and one.union_at == union_at:
                members.setdefault(one.tag, []).append(one)
        yield from _of_union(cls, document, at, members)


def _misspelt(cls: type[BaseModel], at: Steps, found: list[_Found]) -> Iterator[tuple[Steps, str]]:
    """(where, key) of keys that are not missing but misspelt: one mistake is one problem."""
    missing = {(one.steps, one.missing) for one in found if one.missing}
    for one in found if missing else ():
        if one.error["type"] == "extra_forbidden":
            meant = closest(str(one.steps[-1]), _known_keys(cls, one.steps[len(at) : -1]))
            if meant is not None:
                yield one.steps[:-1], meant


def _of_union(cls: type[BaseModel], document: Document, at: Steps, members: dict[str, list[_Found]]) -> list[Problem]:
    """The member whose shape the value has; where it has none, one problem that names them all."""
    meant = [errors for errors in members.values() if not _wrong_shape(errors[0])]
    if meant:
        return [_problem(cls, document, at, one) for one in min(meant, key=len)]
    first = next(iter(members.values()))[0]
    kinds = [expected(errors[0].error["type"]) or "" for errors in members.values()]
    words = " or ".join(dict.fromkeys(kinds))
    return [
        document.problem(first.steps, f"{_prefix(first.steps)}expected {words}, found {shown(first.error['input'])}")
    ]


def _wrong_shape(one: _Found) -> bool:
    return one.at_member_root and expected(one.error["type"]) is not None


def _take_apart(document: Document, at: Steps, error: Any) -> _Found:
    steps, at_key, missing, tag, union_at, at_member_root = at, False, "", "", at, False
    loc = error["loc"]
    for i, step in enumerate(loc):
        if step == "[key]":
            at_key = True
        elif document.has((*steps, step)):
            steps, at_member_root = (*steps, step), False
        elif i == len(loc) - 1 and error["type"] == "missing":
            missing = str(step)
        elif not tag:
            tag, union_at, at_member_root = str(step), steps, True
    return _Found(error, steps, at_key, missing, tag, union_at, at_member_root)


def _problem(cls: type[BaseModel], document: Document, at: Steps, one: _Found) -> Problem:
    if one.error["type"] == "extra_forbidden":
        known = _known_keys(cls, one.steps[len(at) : -1])
        return unknown_key(document, one.steps, known)
    if one.missing:
        where = spelled(one.steps)
        return document.problem(one.steps, f"'{one.missing}' is missing" + (f" in {where}" if where else ""))
    message, remedy = message_and_remedy(one.error)
    return document.problem(one.steps, f"{_prefix(one.steps)}{message}", remedy, key=one.at_key)


def _prefix(steps: Steps) -> str:
    return f"{spelled(steps)}: " if steps else ""


def _known_keys(cls: type[BaseModel], steps: Steps) -> list[str]:
    annotations: list[Any] = [cls]
    for step in steps:
        annotations = [deeper for annotation in annotations for deeper in _under(annotation, step)]
    return [key for annotation in annotations for model in _models(annotation) for key in keys_of(model)]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return [model for argument in get_args(annotation) for model in _models(argument)]
    return []


def _under(annotation: Any, step: str | int) -> list[Any]:
    """The annotations of what lies one step below."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType, Annotated):
        return [deeper for argument in arguments for deeper in _under(argument, step)]
    if origin in (tuple, list):
        return [arguments[0]]
    if origin is dict:
        return [arguments[1]]
    return [
        field.annotation
        for model in _models(annotation)
        for name, field in model.model_fields.items()
        if step in (name, field.alias)
    ]
