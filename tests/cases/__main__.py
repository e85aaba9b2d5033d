"""`python -m tests.cases [NAME...]`: run the cases of ../shared/cases and judge each.

A line for each: its name, the verdict (right, wrong, not judged), seconds, the reason.  The cases
lie outside of the repository; what is right for each stands in `tests/cases/judges`.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cases.found import CLIENTS, PROGRAMS, Case, chosen, find
from tests.cases.judges import judge
from tests.cases.output import Output, Verdict
from tests.cases.running import HOME, run
from tests.cases.servers import Pair, pair
from tests.servers.running import NoServerError

FOLDER = HOME.parent / "shared" / "cases"
ELSEWHERE = Path("/work/shared/cases")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case."""

    name: str
    verdict: Verdict
    reason: str
    seconds: float

    def line(self) -> str:
        return f"{self.name:34} {self.verdict:10} {self.seconds:6.1f}  {self.reason}".rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 where a case is wrong, 2 where nothing can be run."""
    asked = _parser().parse_args(arguments)
    folder: Path = asked.cases
    if not folder.is_dir():
        print(f"There are no cases in {folder}; --cases names another folder.")
        return 0 if asked.if_present else 2
    try:
        cases = chosen(find(folder), asked.names)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    if asked.list:
        for case in cases:
            print(f"{case.name:34} {case.limit:5.0f} s at most")
        return 0
    try:
        results = judge_again(cases, asked.again) if asked.again else run_all(cases, folder, asked)
    except NoServerError as error:
        print(error, file=sys.stderr)
        return 2
    return _sum_up(results)


def _sum_up(results: list[Result]) -> int:
    counts = Counter(result.verdict for result in results)
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    return 1 if counts[Verdict.WRONG] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a case, or how its name begins")
    parser.add_argument("--list", action="store_true", help="show the names, run nothing")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--cases", type=Path, default=_folder(), help="the folder of all cases")
    parser.add_argument("--if-present", action="store_true", help="0 where that folder is absent")
    parser.add_argument("--patience", type=float, default=1.0, help="times the limit of a case")
    parser.add_argument("--keep", type=Path, help="a folder for what each case printed")
    parser.add_argument("--again", type=Path, help="judge what was kept there, run nothing")
    return parser


def _folder() -> Path:
    return FOLDER if FOLDER.is_dir() or not ELSEWHERE.is_dir() else ELSEWHERE


def run_all(cases: list[Case], folder: Path, asked: argparse.Namespace) -> list[Result]:
    """Run the cases, `--jobs` at a time, and print a line as each ends; in the cases' order."""
    if missing := [program for program in CLIENTS if not _installed(program)]:
        raise NoServerError(f"not installed: {', '.join(missing)}")
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in sorted(cases, key=lambda case: -case.limit):
        waiting.put(case)
    results: dict[str, Result] = {}
    lock = threading.Lock()
    failures: list[Exception] = []

    def work() -> None:
        try:
            take()
        except (NoServerError, OSError, subprocess.CalledProcessError) as error:
            failures.append(error)

    def take() -> None:
        with ExitStack() as stack:
            servers: Pair | None = None
            while True:
                try:
                    case = waiting.get_nowait()
                except queue.Empty:
                    return
                servers = servers or stack.enter_context(pair())
                result, output = one(case, folder, servers, asked.patience)
                with lock:
                    results[case.name] = result
                    print(result.line(), flush=True)
                    _keep(asked.keep, case, output)
                if output is None or output.code is None:
                    stack.close()
                    servers = None

    threads = [threading.Thread(target=work) for _ in range(max(1, min(asked.jobs, len(cases))))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures and len(results) < len(cases):
        raise NoServerError(f"{len(results)} of {len(cases)} cases were run: {failures[0]}")
    return [results[case.name] for case in cases]


def one(
    case: Case, folder: Path, servers: Pair, patience: float = 1.0
) -> tuple[Result, Output | None]:
    """Run and judge one case; no output where it could not be run."""
    program = PROGRAMS.get(case.name)
    if program and not _installed(program):
        reason = f"{program} is not installed"
        return Result(case.name, Verdict.NOT_JUDGED, reason, 0.0), Output("")
    try:
        output = run(case, folder, servers, patience)
    except (NoServerError, OSError) as error:
        return Result(case.name, Verdict.NOT_JUDGED, f"could not be run: {error}", 0.0), None
    verdict, reason = judge(case, output)
    return Result(case.name, verdict, reason, output.seconds), output


def _keep(keep: Path | None, case: Case, output: Output | None) -> None:
    if keep is not None and output is not None:
        keep.mkdir(parents=True, exist_ok=True)
        kept = keep / f"{case.name.replace('/', '-')}.json"
        kept.write_text(json.dumps(asdict(output), indent=1, default=str), encoding="utf-8")


def judge_again(cases: list[Case], folder: Path) -> list[Result]:
    """Judge what `--keep` has kept."""
    results = []
    for case in cases:
        kept = folder / f"{case.name.replace('/', '-')}.json"
        if not kept.is_file():
            continue
        output = Output(**json.loads(kept.read_text(encoding="utf-8")))
        results.append(Result(case.name, *judge(case, output), output.seconds))
        print(results[-1].line())
    return results


def _installed(program: str) -> bool:
    return shutil.which(program, path=f"{sys.exec_prefix}/bin:/usr/bin:/bin:/usr/sbin") is not None


if __name__ == "__main__":
    sys.exit(main())
