"""Finding a user's own Locust class: `path/to/file.py:ClassName`."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from locust import User

from chaoskit.load.child.failure import UserCodeBroken, place_of


def load_user_class(spec: str, urls: Mapping[str, str]) -> tuple[type[Any], str]:
    """The class and its file. Raises UserCodeBroken with what is wrong and where.

    A `host` such as `"{order}"` is replaced by that service's URL; without one, the first service is taken. The file
    finds all of them in the environment as `CHAOSKIT_URL_ORDER` and so on.
    """
    path, _, name = spec.rpartition(":")
    file = Path(path)
    if not path or not file.is_file():
        raise UserCodeBroken(f"{spec}: there is no file {path or spec!r}; write path/to/file.py:ClassName")
    for service, url in urls.items():
        os.environ[f"CHAOSKIT_URL_{service.upper().replace('-', '_').replace('.', '_')}"] = url
    cls = _user_class(_module(file), file, name)
    host = cls.host or next(iter(urls.values()), None)
    if host and host.startswith("{") and host[1:].partition("}")[0] in urls:
        service, _, rest = host[1:].partition("}")
        host = urls[service].rstrip("/") + rest
    cls.host = host
    return cls, str(file)


def _module(file: Path) -> ModuleType:
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = f"chaoskit_load_{file.stem}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(file):
        return known  # its event listeners must not be there twice
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserCodeBroken(f"{place_of(error, str(file))}: {type(error).__name__}: {error}") from error
    return module


def _user_class(module: ModuleType, file: Path, name: str) -> type[Any]:
    users = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, User) and value.__module__ == module.__name__
    }
    if name not in users:
        close = difflib.get_close_matches(name, users, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(sorted(users)) or 'none'}"
        raise UserCodeBroken(f"{file}: no Locust user class {name!r}; {hint}")
    cls: type[Any] = users[name]
    if not cls.tasks:
        line = inspect.getsourcelines(cls)[1]
        raise UserCodeBroken(f"{file}:{line}: {name} has no tasks; mark its methods with @task")
    return cls
