"""The worker that is tortured: begun, disturbed, killed, and begun again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.disturbances import Disturbance

ROOT = Path(__file__).parents[2]
LOCKED = 180.0


@dataclass
class Live:
    """Live syncs of one project; `ended` counts how they ended, by their disturbance."""

    project: Path
    every: float
    """Seconds from the start of one to its kill, or twice as many."""
    chance: random.Random
    ended: Counter[str] = field(default_factory=Counter)

    def and_die(self, seconds: float, chaos: Mapping[str, Disturbance]) -> None:
        """Live sync for so long, killed and begun again; each disturbance comes at least once."""
        end = time.monotonic() + seconds
        # each comes, whatever the chance; then they are drawn
        todo = self.chance.sample(list(chaos), len(chaos))
        while todo or time.monotonic() < end:
            name = todo.pop() if todo else self.chance.choice(["", *chaos])
            self._once(name, chaos)
            self.ended[name] += 1

    def _once(self, name: str, chaos: Mapping[str, Disturbance]) -> None:
        command = [sys.executable, "-m", "dualwrite", "live", "--project", str(self.project)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as live:
            assert live.stderr is not None
            # it is to die at work, not while it starts
            assert live.stderr.readline().startswith(b"Live."), live.stderr.read()
            try:
                with chaos[name](live) if name else nullcontext():
                    time.sleep(self.every + self.chance.random() * self.every)
                if self.chance.random() < 0.5:
                    time.sleep(self.every)  # it goes on by itself
            finally:
                live.send_signal(signal.SIGKILL)
        assert live.returncode == -signal.SIGKILL, f"it lives until it is killed, also {name}"

    def command_until(self, text: str, *words: str) -> None:
        """Repeat a command until it says this: locks of a dead worker may stay for two minutes."""
        end = time.monotonic() + LOCKED
        whole = [sys.executable, "-m", "dualwrite", *words, "--project", str(self.project)]
        while True:
            done = subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False)
            if text in done.stdout + done.stderr:
                return
            assert time.monotonic() < end, done.stdout + done.stderr
