"""A `dualwrite` command without the seconds that its imports take.

Cases start hundreds of commands.  A process that has imported all of `dualwrite` forks one for
each; what a case calls is a small program that hands over its arguments, folder, environment and
streams, and waits for the exit code.  `live`, which cases freeze and kill, is its own process.
"""

from __future__ import annotations

import contextlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from tests.servers.running import NoServerError

LATER = ("dualwrite.console", "dualwrite.__main__")
"""Not needed by a command, and slow to import or a program itself."""
ALSO = ("adbc_driver_postgresql.dbapi", "psycopg", "pymysql")
ALSO += ("sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql", "alembic.command")
PATIENCE = 120.0

PROGRAM = """#!{python} -IS
import array, json, os, socket, sys
real = [{python!r}, "-m", "dualwrite", *sys.argv[1:]]
if sys.argv[1:2] == ["live"]:
    os.execv(real[0], real)
to = socket.socket(socket.AF_UNIX)
to.connect({address!r})
said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
descriptors = array.array("i", [0, 1, 2])
to.sendmsg([len(said).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
to.sendall(said)
code = to.recv(1)
sys.exit(code[0] if code else 70)
"""


@contextmanager
def commands(folder: Path, home: Path) -> Iterator[Path]:
    """A folder with `dualwrite` and `python`, while the process behind them runs."""
    bin_, address = folder / "bin", folder / "socket"
    bin_.mkdir()
    program = bin_ / "dualwrite"
    program.write_text(PROGRAM.format(python=sys.executable, address=str(address)))
    program.chmod(0o755)
    # an environment like ours: scripts look for the command beside their Python
    (bin_ / "python").symlink_to(sys.executable)
    (folder / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cases.preloaded", str(address)],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(home), "NO_COLOR": "1", "COLUMNS": "160"},
        stdin=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE
        while not address.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise NoServerError("the process that commands are forked from did not start")
            time.sleep(0.05)
        yield bin_
    finally:
        process.terminate()
        process.wait()


def serve(address: str) -> None:
    """Fork a command for each connection, until a signal ends this process."""
    _import_all()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{address}.part")
    listening.listen(64)
    Path(f"{address}.part").chmod(0o777)
    Path(f"{address}.part").rename(address)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 70
            try:
                code = _command(client)
            finally:
                with contextlib.suppress(OSError):
                    sys.stdout.flush()
                    sys.stderr.flush()
                with contextlib.suppress(OSError):
                    client.sendall(bytes([code % 256]))
                os._exit(code)
        client.close()


def _import_all() -> None:
    import dualwrite

    for name in ALSO:
        import_module(name)
    for module in pkgutil.walk_packages(dualwrite.__path__, "dualwrite."):
        if not module.name.startswith(LATER) and ".migrations." not in module.name:
            import_module(module.name)


def _command(client: socket.socket) -> int:
    length, descriptors, _, _ = socket.recv_fds(client, 4, 3)
    said = b""
    while len(said) < int.from_bytes(length, "big"):
        said += client.recv(1 << 16)
    words, folder, environment = json.loads(said)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = ["dualwrite", *words]
    threading.Thread(target=_end_with, args=(client,), daemon=True).start()
    from dualwrite.cli.main import app

    try:
        app()
    except SystemExit as ended:
        if isinstance(ended.code, int) or ended.code is None:
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    return 0


def _end_with(client: socket.socket) -> None:
    """End this command when the program that asked for it is gone."""
    with contextlib.suppress(OSError):
        client.recv(1)
    os._exit(143)


if __name__ == "__main__":
    serve(sys.argv[1])
