"""A host that lets others through: `sshd` on a loopback port, with keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.running import NoServerError, free_port

PATIENCE = 20.0
ALIAS = "bastion"


@dataclass(frozen=True, slots=True)
class Bastion:
    """The configuration of `ssh` that knows the host as `bastion`, and its processes."""

    config: Path
    process: subprocess.Popen[bytes]
    folder: Path

    def hang_up(self) -> None:
        """End every connection through it, as a network does."""
        sessions = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=False
        )
        for pid in sessions.stdout.split():
            os.kill(int(pid), 9)


@contextmanager
def bastion(folder: Path) -> Iterator[Bastion]:
    """Run one.

    Raises:
        NoServerError: The machine has no `sshd`.
    """
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or shutil.which("ssh") is None:
        raise NoServerError("OpenSSH (ssh and sshd) is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    for name in ("host", "own", "foreign"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(key, check=True)
    shutil.copy(folder / "own.pub", folder / "authorized")
    host_key = (folder / "host.pub").read_text(encoding="utf-8")
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host_key}", encoding="utf-8")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\n"
        f"AuthorizedKeysFile {folder / 'authorized'}\nStrictModes no\nUsePAM no\nPidFile none\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
        encoding="utf-8",
    )
    for name, identity in (("ssh_config", "own"), ("foreign_config", "foreign")):
        (folder / name).write_text(
            f"Host {ALIAS}\nHostName 127.0.0.1\nPort {port}\nUser {getpass.getuser()}\n"
            f"IdentityFile {folder / identity}\nIdentitiesOnly yes\nIdentityAgent none\n"
            f"UserKnownHostsFile {folder / 'known'}\nGlobalKnownHostsFile /dev/null\n",
            encoding="utf-8",
        )
    log = (folder / "sshd.log").open("wb")
    process = subprocess.Popen(
        [program, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=log, stderr=log
    )
    log.close()
    try:
        end = time.monotonic() + PATIENCE
        while b"Server listening" not in (folder / "sshd.log").read_bytes():
            if process.poll() is not None or time.monotonic() > end:
                said = (folder / "sshd.log").read_text(encoding="utf-8", errors="replace")
                raise NoServerError(f"sshd did not start: {said.strip()[-200:]}")
            time.sleep(0.05)
        yield Bastion(folder / "ssh_config", process, folder)
    finally:
        process.terminate()
        process.wait()
