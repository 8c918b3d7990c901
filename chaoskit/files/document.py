"""YAML text → plain data that still knows its places.

YAML 1.1's traps are off: `on`, `no`, `1:30`, `010` and dates are text. Refused: duplicate keys, tags, keys that are
not scalars, merge keys, more than `BYTES_MAX` of text, more than `VALUES_MAX` values once aliases are expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from chaoskit.errors import Problem

BYTES_MAX = 4 * 2**20
VALUES_MAX = 200_000
DEPTH_MAX = 40

Steps = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_DEFAULT_TAGS = {ScalarNode: _TAG + "str", SequenceNode: _TAG + "seq", MappingNode: _TAG + "map"}
# Digits are bounded so that no number can be too long to convert.
_RESOLVERS = (
    ("null", re.compile(r"(?:~|null|)$"), ["~", "n", ""]),
    ("bool", re.compile(r"(?:true|True|false|False)$"), list("tTfF")),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789")),
    ("float", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,2})?$"), list("-+0123456789")),
)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml where PyYAML has it
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own protocol

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """The tag of an untagged node. PyYAML's own also looks for path resolvers, which we have none of."""
        if kind is ScalarNode and implicit[0]:
            assert value is not None
            for tag, pattern in self.yaml_implicit_resolvers.get(value[:1], ()):
                if pattern.match(value):
                    return tag
        return _DEFAULT_TAGS[kind]

    def descend_resolver(self, current_node: Node | None, current_index: object) -> None:
        """Nothing, on every node: see `resolve`."""

    def ascend_resolver(self) -> None:
        """Nothing, on every node: see `resolve`."""


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)


class Document(Struct, frozen=True):
    """One YAML document: its plain value, and the nodes to look places up in."""

    file: str
    root: Node
    value: Any

    @property
    def line(self) -> int:
        """Where it begins, counted from 1."""
        return int(self.root.start_mark.line) + 1

    def place(self, steps: Steps, *, key: bool = False) -> tuple[int, int]:
        """(line, column) of the value under `steps`, or of its key; of the deepest part of the way that exists."""
        node: Node = self.root
        mark = node.start_mark
        for i, step in enumerate(steps):
            child = _child(node, step)
            if child is None:
                break
            key_node, node = child
            mark = key_node.start_mark if key and i == len(steps) - 1 and key_node is not None else node.start_mark
        return mark.line + 1, mark.column + 1

    def problem(self, steps: Steps, message: str, remedy: str = "", *, key: bool = False) -> Problem:
        """A problem at the place of `steps`."""
        return Problem(self.file, *self.place(steps, key=key), message, remedy)

    def has(self, steps: Steps) -> bool:
        """Whether there is a value under `steps`."""
        node: Node = self.root
        for step in steps:
            child = _child(node, step)
            if child is None:
                return False
            node = child[1]
        return True

    def texts(self) -> Iterator[tuple[Steps, str]]:
        """Every piece of text in the values, with the way to it."""
        yield from _texts(self.value, ())


def read_documents(path: Path, problems: list[Problem]) -> Iterator[Document]:
    """The documents of a file that are not empty, one at a time; what is wrong as YAML goes to `problems`.

    One at a time, because ten thousand nodes kept alive cost more in garbage collection than in parsing.
    """
    name = str(path)
    text = _read(path, problems)
    if text is None:
        return
    try:
        for root in yaml.compose_all(text, Loader=_Loader):
            if root is None or (isinstance(root, ScalarNode) and root.tag == _TAG + "null"):
                continue
            found = _Plain(name)
            value = found.value(root, 0)
            problems.extend(found.problems)
            if not found.problems:
                yield Document(name, root, value)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problems.append(Problem(name, line, column, f"not YAML: {_words(error)}", "check indentation and brackets"))
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0] if isinstance(error, yaml.YAMLError) else "nested too deeply"
        problems.append(Problem(name, 0, 0, f"not YAML: {reason}", "write plain UTF-8 text"))


def _read(path: Path, problems: list[Problem]) -> str | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(BYTES_MAX + 1)
        if len(raw) > BYTES_MAX:
            problems.append(Problem(str(path), 0, 0, f"larger than {BYTES_MAX >> 20} MiB", "split the file"))
            return None
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        problems.append(Problem(str(path), line, column, "not UTF-8", "save the file as UTF-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.append(Problem(str(path), 0, 0, f"cannot be read: {reason}", "check the path and its permissions"))
    return None


class _Plain:
    """Nodes to plain data, within bounds."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.left = VALUES_MAX
        self.full = False

    def value(self, node: Node, depth: int) -> Any:
        self.left -= 1
        if self.full:
            return None
        if self.left < 0 or depth > DEPTH_MAX:
            self.full = True
            limit = f"{VALUES_MAX} values" if self.left < 0 else f"{DEPTH_MAX} levels"
            self._refuse(node, f"more than {limit}, aliases expanded", "write it out with fewer anchors")
            return None
        if node.tag not in _PLAIN_TAGS:
            self._refuse(node, f"YAML tags such as {node.tag.replace(_TAG, '!!')} are not read", "write a plain value")
            return None
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if isinstance(node, SequenceNode):
            return [self.value(child, depth + 1) for child in node.value if not self.full]
        assert isinstance(node, MappingNode)
        return self._mapping(node, depth)

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, child in node.value:
            if self.full:
                break
            if not isinstance(key, ScalarNode):
                self._refuse(key, "a key must be a word, not a list or a mapping", "quote a key that contains ${ or {")
            elif key.value == "<<":
                self._refuse(key, "merge keys (<<) are not read", "repeat the keys; a plain alias (*name) works")
            elif key.value in result:
                self._refuse(key, f"'{key.value}' stands here twice", "the second would hide the first: keep one")
            else:
                result[key.value] = self.value(child, depth + 1)
        return result

    def _refuse(self, node: Node, message: str, remedy: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message, remedy))


def _scalar(node: ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    try:
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float":
                return float(text)
    except ValueError:  # an explicit !!int before something else
        return text
    return text


def _child(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return None, node.value[step]
    return None


def _texts(value: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(value, str):
        yield steps, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _texts(child, (*steps, key))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from _texts(child, (*steps, i))


def _words(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.problem, error.context) if part)
