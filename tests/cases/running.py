"""Runs one case in a copy of its own, with a limit, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.cases.found import Case
from tests.cases.output import Output
from tests.cases.servers import HOME, Pair, copy, ports
from tests.servers.running import NoServerError, folder_of

BIN = Path(sys.executable).parent
OTHERS = ("DUALWRITE_", "PREFECT_", "PG", "MYSQL_", "INPROC", "PYTHONDONTWRITEBYTECODE")
"""How the names of variables begin that a case is not given: hundreds of commands want bytecode."""
OWN_PROCESS = ("corners/resolve-race", "corners/flow-counts-conflicts")
OWN_PROCESS += ("torture/repro_initial", "torture/t13_initial", "torture/t13_initial-kill")
LOOK = 120.0
"""Seconds to ask the projects of a case afterwards."""


def run(case: Case, source: Path, pair: Pair, patience: float = 1.0) -> Output:
    """Run a case against the pair of servers; its folder is gone afterwards.

    Args:
        patience: How many times its limit the case may take, on a machine that has other work.

    Raises:
        NoServerError: The servers do not answer.
    """
    pair.settle()
    with folder_of("dwcase") as folder:
        work, cases = folder / "work", folder / "cases"
        _make_work(work, pair.certificates)
        copy(source, cases, ports(pair))
        script = cases / case.script
        programs = BIN if case.name in OWN_PROCESS else pair.bin
        runner = "bash" if script.suffix == ".sh" else str(programs / "python")
        command = (runner, script.name, *case.arguments)
        _fresh(pair)
        try:
            text, code, seconds = run_limited(
                command, script.parent, environment(work, pair, programs), case.limit * patience
            )
            return Output(text, seconds, code, look(work))
        finally:
            end_all(work)


def run_limited(
    command: tuple[str, ...], folder: Path, env: dict[str, str], limit: float
) -> tuple[str, int | None, float]:
    """Run a command to its end or its limit: its output, exit code (None: stopped), seconds."""
    begun = time.monotonic()
    written = folder / ".output"
    with written.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    text = written.read_text(encoding="utf-8", errors="replace")
    return text, code, time.monotonic() - begun


def environment(work: Path, pair: Pair, programs: Path) -> dict[str, str]:
    """What the README of the cases tells to set, and no project or server from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    first, second = (
        f"{scheme}@127.0.0.1:{port}"
        for scheme, port in (
            ("postgresql://postgres", pair.postgresql_port),
            ("mysql://root", pair.mariadb_port),
        )
    )
    return kept | {
        "PATH": f"{programs}:{BIN}:{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec",
        "PYTHONPATH": str(HOME),
        "DUALWRITE_HOME": str(HOME),
        "PROJECT_BIN": str(programs),
        "CASES_WORK": str(work),
        "PGP": str(pair.postgresql_port),
        "MYP": str(pair.mariadb_port),
        "CASES_PG": first,
        "CASES_MARIA_PORT": str(pair.mariadb_port),
        "PG_URL_F": f"{first}/corner_f",
        "PG_URL_D": f"{first}/corner_d",
        "MY_URL_F": f"{second}/corner_f",
        "MY_URL_D": f"{second}/corner_d",
        "PREFECT_HOME": str(work / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "COLUMNS": "160",
        "LC_ALL": "C.UTF-8",
    }


def _make_work(work: Path, certificates: Path) -> None:
    work.mkdir(mode=0o755)
    shutil.copytree(certificates, work / "srv")
    for name in ("work", "srv/bouncer", "boxes"):
        (work / name).mkdir()
    if os.geteuid() == 0:
        shutil.chown(work / "srv/bouncer", "postgres")


def _fresh(pair: Pair) -> None:
    """Empty databases for the corners."""
    for name in ("corner_f", "corner_d"):
        pair.postgresql.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        pair.postgresql.execute(f"CREATE DATABASE {name}")
        pair.mariadb.execute(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")


def look(work: Path) -> dict[str, dict[str, Any]]:
    """What the projects below a folder hold, by the last part of their path."""
    journals = sorted(work.rglob(".dualwrite/journal.db"))
    folders = [str(path.parents[1]) for path in journals]
    if not folders:
        return {}
    env = os.environ | {"PYTHONPATH": str(HOME), "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.cases.looked", *folders],
            capture_output=True,
            env=env,
            check=False,
            timeout=LOOK,
        )
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return {}
    return {Path(folder).name: said for folder, said in found.items()}


def end_all(work: Path) -> None:
    """Kill every process whose environment or arguments name this work folder: the case's own."""
    for _ in range(50):
        left = [pid for pid in _processes() if pid != os.getpid() and _belongs(pid, str(work))]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        time.sleep(0.1)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _belongs(pid: int, work: str) -> bool:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        if "\nState:\tZ" in status:
            return False
        for name in ("environ", "cmdline"):
            parts = Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0")
            if any(work.encode() in part for part in parts):
                return True
    return False


__all__ = ["HOME", "NoServerError", "end_all", "environment", "look", "run", "run_limited"]
