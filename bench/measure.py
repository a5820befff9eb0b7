"""How time is taken: several runs in turn, medians, and ratios pair by pair."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Ours against a peer's, measured in turn.

    Attributes:
        ours: The median of ours.
        peer: The median of the peer's.
        ratio: The median of the ratios of neighbours.
    """

    ours: float
    peer: float
    ratio: float


def in_turn(ours: Callable[[], float], peer: Callable[[], float], runs: int) -> Ratio:
    """Measure both in turn after a warm-up."""
    ours(), peer()
    pairs = [(ours(), peer()) for _ in range(runs)]
    return Ratio(
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def wall(command: Sequence[str], env: Mapping[str, str] | None = None) -> float:
    """Return the seconds from the start of a process to its end; it must succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **(env or {})})
    taken = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode()[-500:]}")
    return taken


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table under a title."""
    lines = [f"\n## {title}\n", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
