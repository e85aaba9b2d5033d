"""A separate Prefect server, as an operator starts one, and commands that use it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """This process' environment without a word of Prefect, and more."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**mine, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **more}


def until(found, *, seconds: float):
    """What `found` gives, once it gives something."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        if result := found():
            return result
        pause.wait(0.5)
    pytest.fail(f"nothing after {seconds} seconds")


@dataclass
class Server:
    """A server that answers at `url`, and what runs beside it."""

    url: str
    home: Path
    env: dict[str, str]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """`prefect WORDS`, left running."""
        with (self.home / f"{words[0]}.log").open("wb") as log:
            return subprocess.Popen(
                [_prefect(), *words],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def prefect(self, *words: str) -> str:
        """What `prefect WORDS` says."""
        return self._done([_prefect(), *words])

    def python(self, *words: str) -> str:
        """What `python WORDS` says."""
        return self._done([sys.executable, *words])

    def _done(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def healthy(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/health") as answer:
                return answer.status == 200
        except OSError:
            return False


@contextmanager
def a_server(home: Path, **more: str) -> Iterator[Server]:
    """A server with its database in `home`; commands see `more` in their environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = environment(PREFECT_HOME=str(home / "prefect"), PREFECT_API_URL=url, **more)
    server = Server(url, home, env)
    process = server.start("server", "start", "--port", str(port))
    try:
        until(server.healthy, seconds=180)
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; a worker that waits for a run of its schedule is ended with that run."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def _prefect() -> str:
    return str(Path(sys.executable).with_name("prefect"))
