"""A pair of database servers for the cases that run one after another, and free ports for the rest.

The cases are written against fixed ports.  Each runs in a copy in which those are replaced, so that
several can run at a time, whoever else runs cases on the machine.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cases import preloaded
from tests.servers import running

HOME = Path(__file__).absolute().parents[2]
TODAY = {
    "from dualwrite.apps.sql.mysql_session import": "from dualwrite.apps.sql.mysql.session import",
    "from dualwrite.sync.together.write import write_together": (
        "from dualwrite.sync.write_both.write import write_both as write_together"
    ),
    "from dualwrite import live\n": "",
    "from dualwrite import rates\n": "import dualwrite\n",
    "rates.read('.')": "dualwrite.read_rates('.')",
}
"""What scripts import of the engine by the names that it had when they were written."""
RIG = Path(__file__).parent / "rig" / "fast.py"

FIXED = ("55471", "55472", "55473", "55474", "55475", "15999", "15471", "15472")
FIXED += ("15441", "15442", "15443", "15444", "15445", "15446")
SAME = {"15442": "15445"}
"""torture/t03 dumps and restores by the port of a server that its project does not use."""
TEXT = (".sh", ".py")


@dataclass(frozen=True, slots=True)
class Pair:
    """A PostgreSQL and a MariaDB server on loopback ports, and what cases find beside them.

    Attributes:
        certificates: A folder of those of MariaDB, and of some that are none of its.
        bin: The folder of a `dualwrite` that starts at once.
    """

    postgresql: running.Server
    postgresql_port: int
    mariadb: running.Server
    mariadb_port: int
    certificates: Path
    bin: Path

    def settle(self) -> None:
        """Take back what a case may have set for the whole of a server."""
        self.mariadb.execute(
            "SET GLOBAL max_allowed_packet = 16777216",
            "SET GLOBAL innodb_force_primary_key = 0",
            "SET GLOBAL sql_mode = DEFAULT",
        )
        self.postgresql.execute("SELECT 1")


@contextmanager
def pair() -> Iterator[Pair]:
    """Start the two, each in a folder of its own that is gone at the end.

    Raises:
        NoServerError: One of them is not installed.
    """
    with (
        running.folder_of("dwcert") as certificates,
        running.folder_of("dwbin") as programs,
        preloaded.commands(programs, HOME) as bin_,
        running.postgresql_on_port() as (first, first_port),
    ):
        make_certificates(certificates)
        with running.mariadb_of_its_own(certificates=certificates) as second:
            yield Pair(first, first_port, second, port_of(second), certificates, bin_)


def port_of(server: running.Server) -> int:
    return int(server.url.rpartition(":")[2].partition("/")[0])


def make_certificates(folder: Path) -> None:
    """`ca.pem` (also the server's own), a client's `cc.pem`, `otherca.pem`, which signed none."""
    own = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30"]
    for name, key in (("ca", "key"), ("otherca", "otherkey")):
        _openssl(
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", *own],
            {"keyout": folder / f"{key}.pem", "out": folder / f"{name}.pem"},
        )
    request = folder / "client.csr"
    _openssl(
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=client"],
        {"keyout": folder / "ck.pem", "out": request},
    )
    _openssl(
        ["x509", "-req", "-days", "30", "-CAcreateserial"],
        {
            "in": request,
            "CA": folder / "ca.pem",
            "CAkey": folder / "key.pem",
            "out": folder / "cc.pem",
        },
    )
    for path in folder.iterdir():
        path.chmod(0o644)


def _openssl(arguments: list[str], files: Mapping[str, Path]) -> None:
    named = [word for name, path in files.items() for word in (f"-{name}", str(path))]
    subprocess.run(["openssl", *arguments, *named], check=True, capture_output=True)


def ports(pair: Pair) -> dict[str, str]:
    """For each fixed port the one that is used instead."""
    found = {port: str(running.free_port()) for port in FIXED}
    found["55471"], found["55472"] = str(pair.postgresql_port), str(pair.mariadb_port)
    for port, other in SAME.items():
        found[port] = found[other]
    return found


def copy(source: Path, target: Path, replaced: Mapping[str, str]) -> None:
    """Copy the folder of all cases, with other ports in its scripts, and our part of the rig."""
    shutil.copytree(source, target)
    if (target / "torture" / RIG.name).is_file():
        shutil.copy(RIG, target / "torture")
    for path in target.rglob("*"):
        if path.suffix in TEXT:
            text = path.read_text(encoding="utf-8")
            for former, now in TODAY.items():
                text = text.replace(former, now)
            path.write_text(with_ports(text, replaced), encoding="utf-8")


def with_ports(text: str, replaced: Mapping[str, str]) -> str:
    """The text with the ports replaced, all at once."""
    for port in replaced:
        text = text.replace(port, f"<{port}>")
    for port, other in replaced.items():
        text = text.replace(f"<{port}>", other)
    return text
