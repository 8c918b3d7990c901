#!/usr/bin/env python3
"""Set up all that chaoskit needs, below .venv and .tools of this checkout: `make setup`.

uv (from PyPI), the locked Python packages, Toxiproxy and RabbitMQ; each is skipped where it is there already, and an
interrupted set-up is simply run again. `--peers` adds the tools that `make bench` measures against.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
NEEDED = (3, 11)


def main() -> int:
    """Run all steps; the exit code."""
    use_new_enough_python()
    begin = time.monotonic()
    peers = "--peers" in sys.argv[1:]
    if is_done(peers):
        return 0
    # RabbitMQ needs neither uv nor packages: its download runs beside theirs. Toxiproxy may need uv, for Go.
    steps = [Step("chaoskit.broker.install")]
    try:
        uv = find_uv()
        steps.append(Step("chaoskit.toxiproxy.install"))  # compiles while the packages are downloaded
        sync(uv, peers)
    except subprocess.CalledProcessError as error:
        for step in steps:
            step.process.terminate()
        return fail(f"{' '.join(map(str, error.cmd))} ended with exit code {error.returncode}; its output is above")
    codes = [step.wait() for step in steps]
    if any(codes):
        return max(codes)
    mark_done(peers)
    say(f"ready after {time.monotonic() - begin:.0f} s")
    return 0


def use_new_enough_python() -> None:
    """Go on in a newer Python where `python3` is an old one."""
    if sys.version_info >= NEEDED:
        return
    for minor in range(20, NEEDED[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])
    needed = ".".join(str(part) for part in NEEDED)
    sys.exit(f"setup: chaoskit needs Python {needed} or newer; name it: make PYTHON=/path/to/python3")


# --- done already? --------------------------------------------------------------------------------------------------


def stamp(peers: bool) -> Path:
    return TOOLS / (".set-up-peers" if peers else ".set-up")


def state() -> str:
    """What the set-up depends on; another lock file or another Python means to set up again."""
    digest = hashlib.sha256()
    for path in (ROOT / "uv.lock", ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    given = [os.environ.get(f"CHAOSKIT_{name}", "") for name in ("AMQP_URL", "TOXIPROXY_URL", "TOXIPROXY_BIN")]
    digest.update("\n".join([sys.version, str(ROOT), *given]).encode())
    return digest.hexdigest()


def is_done(peers: bool) -> bool:
    """True where nothing changed since the last set-up and its results are still there."""
    mark = stamp(peers)
    if not (mark.is_file() and mark.read_text() == state() and (ROOT / ".venv/bin/chaoskit").exists()):
        return False
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = (
        "import sys; from chaoskit.broker import install as b; "
        "from chaoskit.toxiproxy import install as t; sys.exit(not (t.present() and b.present()))"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True).returncode == 0


def mark_done(peers: bool) -> None:
    TOOLS.mkdir(exist_ok=True)
    partial = TOOLS / f".set-up.{os.getpid()}"
    partial.write_text(state())
    partial.rename(stamp(peers))


# --- steps ----------------------------------------------------------------------------------------------------------


class Step:
    """An installer that runs beside the others; its lines appear as they come."""

    def __init__(self, module: str) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=env)

    def wait(self) -> int:
        return self.process.wait()


def find_uv() -> str:
    """uv from PATH, or from PyPI into .tools/uv."""
    own = TOOLS / "uv" / "bin" / "uv"
    for uv in (shutil.which("uv"), str(own)):
        if uv and os.access(uv, os.X_OK) and run_quietly([uv, "--version"]):
            return uv
    say("getting uv from PyPI")
    fresh = TOOLS / ".uv-partial"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(TOOLS / "uv", ignore_errors=True)
    TOOLS.mkdir(exist_ok=True)
    pip = pip_command(fresh)
    quietly = ["--quiet", "--disable-pip-version-check"]
    os.environ["PIP_ROOT_USER_ACTION"] = "ignore"  # below our own folder root does no harm
    subprocess.run([*pip, "install", *quietly, "--target", str(fresh / "packages"), "uv"], check=True)
    (fresh / "bin").mkdir(exist_ok=True)
    found = fresh / "packages" / "bin" / "uv"
    target = fresh / "bin" / "uv"
    target.unlink(missing_ok=True)
    found.rename(target)
    for rest in ("packages", "venv"):
        shutil.rmtree(fresh / rest, ignore_errors=True)
    fresh.rename(TOOLS / "uv")
    return str(own)


def pip_command(folder: Path) -> "list[str]":
    """A pip that works here: in a virtual environment, else this Python's own, else the one that apt installs."""
    if run_quietly([sys.executable, "-m", "venv", str(folder / "venv")]):
        return [str(folder / "venv" / "bin" / "python"), "-m", "pip"]
    own = [sys.executable, "-m", "pip"]
    if run_quietly([*own, "--version"]):
        return own
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        say("this Python has neither venv nor pip: installing python3-venv and python3-pip with apt")
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "python3-venv", "python3-pip"]):
            subprocess.run(["apt-get", "-q", *words], check=True, env=env)
        return own
    sys.exit(
        "setup: this Python has neither venv nor pip, so uv can't be fetched. Install one of them, then run again:\n"
        "    Debian, Ubuntu   sudo apt-get install python3-venv\n"
        "    Fedora           sudo dnf install python3-pip\n"
        "    Arch             sudo pacman -S python-pip\n"
        "    macOS            brew install python\n"
        "or install uv itself and put it on PATH"
    )


def sync(uv: str, peers: bool) -> None:
    """The locked packages into .venv; the peers, which nothing of ours imports, into a folder of their own."""
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    env.pop("VIRTUAL_ENV", None)
    quiet = [] if sys.stdout.isatty() else ["--no-progress"]
    say("installing the locked Python packages into .venv")
    common = [uv, "sync", "--locked", "--python", sys.executable, *quiet]
    subprocess.run([*common, "--extra", "demo"], cwd=ROOT, env={**env, "UV_PROJECT_ENVIRONMENT": ".venv"}, check=True)
    if peers:
        say("installing what we measure against into .tools/peers")
        env["UV_PROJECT_ENVIRONMENT"] = str(TOOLS / "peers")
        subprocess.run([*common, "--only-group", "bench"], cwd=ROOT, env=env, check=True)


def run_quietly(command: "list[str]") -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def fail(text: str) -> int:
    print(f"setup: {text}", file=sys.stderr, flush=True)
    return 4


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; run it again to go on")
