"""Ways to servers that a bastion host alone reaches, by the machine's OpenSSH client.

    postgresql://user:password@db.internal/erp?ssh=deploy@bastion.example.com:2222

Keys, known hosts and all else are those of `ssh` itself: its agent and its configuration, or the
file that `ssh_config` names.  A tunnel serves all connections of a process to one server, is
opened anew when it has ended, and ends with the process, however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

OPEN_SECONDS = 15.0
"""So long a tunnel may take to open."""
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
}
_BASTION = re.compile(r"(?P<host>(?:[\w.+~-]+@)?[\w][\w.-]*)(?::(?P<port>\d+))?")
_REFUSALS = re.compile(
    r"ssh.*(Permission denied|Host key verification failed|not installed|is no host"
    r"|wants one server|Can't open user config|Bad configuration)"
)
_WATCH = """
import os, subprocess, sys, threading
ssh = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (os.read(0, 1), ssh.terminate()), daemon=True).start()
sys.exit(ssh.wait())
"""
"""Ends `ssh` when its own standard input ends: with the process that has the other end."""


class TunnelError(Exception):
    """`ssh` made no way to the server."""

    @property
    def refused(self) -> bool:
        """Whether waiting does not mend it."""
        return _REFUSALS.search(str(self)) is not None


@dataclass
class _Tunnel:
    """The way to one server, and the process that keeps it open."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    process: subprocess.Popen[bytes] | None = None
    port: int = 0


_TUNNELS: defaultdict[tuple[str, str, str, int], _Tunnel] = defaultdict(_Tunnel)
_GUARD = threading.Lock()


def local_port(options: MutableMapping[str, Any], host: str, port: int) -> int | None:
    """The port on 127.0.0.1 that leads to a server, opened where it is not; None without `ssh`.

    Takes `ssh` and `ssh_config` out of the URL's options.

    Raises:
        TunnelError: `ssh` is not there, or could not open it.
    """
    bastion, config = options.pop("ssh", None), options.pop("ssh_config", "")
    if bastion is None:
        return None
    with _GUARD:
        tunnel = _TUNNELS[str(bastion), str(config), host, port]
    with tunnel.lock:
        if tunnel.process is None or tunnel.process.poll() is not None:
            _end(tunnel.process)
            tunnel.process, tunnel.port = _opened(str(bastion), str(config), host, port)
        return tunnel.port


def _opened(bastion: str, config: str, host: str, port: int) -> tuple[subprocess.Popen[bytes], int]:
    found = _BASTION.fullmatch(bastion)
    if found is None:
        msg = f"ssh={bastion} is no host: write ssh=user@host or ssh=user@host:port"
        raise TunnelError(msg)
    if shutil.which("ssh") is None:
        msg = "ssh, the client of OpenSSH, is not installed"
        raise TunnelError(msg)
    own = _free_port()
    target = f"[{host}]" if ":" in host else host
    command = ["ssh", "-N", "-T", "-L", f"127.0.0.1:{own}:{target}:{port}"]
    command += [part for name, value in _OPTIONS.items() for part in ("-o", f"{name}={value}")]
    command += ["-F", config] * bool(config) + ["-p", found["port"]] * bool(found["port"])
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - the bastion is checked, and stands after --
            [sys.executable, "-I", "-c", _WATCH, *command, "--", found["host"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,  # Ctrl-C ends our work first, and the tunnel with us
        )
        end = time.monotonic() + OPEN_SECONDS
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", own), 1):
                return process, own
            time.sleep(0.05)
        _end(process)
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    reason = lines[-1].strip().rstrip(".") if lines else f"no answer for {OPEN_SECONDS:.0f} s"
    msg = f"ssh {bastion}: {reason}"
    raise TunnelError(msg)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


@atexit.register
def close_all() -> None:
    """End every tunnel of this process; one that is asked for again is opened anew."""
    with _GUARD:
        tunnels = [*_TUNNELS.values()]
        _TUNNELS.clear()
    for tunnel in tunnels:
        _end(tunnel.process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
