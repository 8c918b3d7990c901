"""What the installers share: nothing half-done in its final place, clear words when a step fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from chaoskit.errors import PartFailed
from chaoskit.installing import install_folder, place, run_installer, run_step, staging


def test_a_stage_is_empty_and_gone_afterwards(tmp_path: Path) -> None:
    """What an interrupted installer left is not built upon, and nothing is left of this one either."""
    left = tmp_path / ".staging" / "thing-old"
    left.mkdir(parents=True)
    (left / "half").touch()
    with staging(tmp_path, "thing") as stage:
        assert not left.exists()
        assert list(stage.iterdir()) == []
        (stage / "half").touch()
    assert [path.name for path in (tmp_path / ".staging").iterdir()] == ["thing.lock"]


def test_two_installers_at_once(tmp_path: Path) -> None:
    """The second one waits for the first instead of building beside it."""
    code = (
        "import sys, pathlib, time\nfrom chaoskit.installing import staging\n"
        f"with staging(pathlib.Path({str(tmp_path)!r}), 'thing'): print('in', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"in\n"
        second = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert second.stdout is not None
        assert b"waiting" in second.stdout.readline()
        assert first.stdin is not None
        first.stdin.close()
        assert second.stdout.readline() == b"in\n"
        second.communicate(b"\n", timeout=10)


def test_a_step_that_fails_tells_its_last_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason stands in the error, not only somewhere above in the output."""
    with pytest.raises(PartFailed, match="no space left") as failed:
        run_step("thing", ["sh", "-c", "echo begun; echo no space left >&2; exit 3"])
    assert "exit code 3" in failed.value.what
    assert "thing:   begun" in capsys.readouterr().out


def test_a_program_that_is_missing() -> None:
    """Not a traceback."""
    with pytest.raises(PartFailed, match="cannot run no-such-program"):
        run_step("thing", ["no-such-program"])


def test_a_folder_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    """Installing again replaces, also where the older one is a full folder."""
    new, old = tmp_path / "stage" / "new", tmp_path / "tools" / "thing"
    for folder, name in ((new, "new"), (old, "old")):
        folder.mkdir(parents=True)
        (folder / name).touch()
    place(new, old)
    assert [path.name for path in old.iterdir()] == ["new"]


def test_exit_code_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    """An installer ends with the exit code of its error, and says what to do."""

    def install() -> str:
        raise PartFailed("it rained", remedy="wait")

    assert run_installer("thing", install) == 4
    assert "it rained\n  → wait" in capsys.readouterr().err


def test_where_programs_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder that was named; in a checkout its own; never merely the current directory's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHAOSKIT_TOOLS", raising=False)
    assert install_folder() == Path(__file__).resolve().parents[2] / ".tools"
    monkeypatch.setenv("CHAOSKIT_TOOLS", str(tmp_path / "mine"))
    assert install_folder() == tmp_path / "mine"
    monkeypatch.delenv("CHAOSKIT_TOOLS")
    monkeypatch.setattr("chaoskit.installed.__file__", str(tmp_path / "site" / "chaoskit" / "installed.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert install_folder() == tmp_path / "cache" / "chaoskit" / "tools"


def test_terminated_it_ends_what_it_started() -> None:
    """When set-up ends an installer, no compiler goes on below it."""
    code = (
        "from chaoskit.installing import run_installer, run_step\n"
        "run_installer('x', lambda: run_step('x', ['sh', '-c', 'echo $$; exec sleep 60']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as installer:
        assert installer.stdout is not None
        child = installer.stdout.readline().split()[-1]
        installer.terminate()
        installer.wait(timeout=20)
    assert not Path(f"/proc/{child}").exists()
