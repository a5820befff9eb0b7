"""The command: from the start of the process to its verdict, against `cosign verify --key` on the same image."""

import sys
import tempfile
from pathlib import Path

from bench.measure import in_turn, table, wall
from bench.peers import MATERIAL, program, registry

DELAYS_MS = (0, 20, 100)
AIMS = {0: "-", 20: "1.0 x", 100: "0.6 x"}
IMAGES = ("cosign-v3", "cosign-v2")
RUNS = 7
RATIFY = str(Path(sys.executable).parent / "ratify")


def report() -> str:
    """Measure and return the table."""
    rows = [_row(delay, image) for delay in DELAYS_MS for image in IMAGES]
    head = ("delay of each answer", "image", "ratify", "requests", "cosign", "requests", "ratio", "aim")
    return table("`verify --key`, whole process", head, rows)


def _row(delay: int, image: str) -> tuple[str, ...]:
    key = str(MATERIAL / "keys" / "cosign.pub")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "requests.log"
        with registry(delay_ms=delay, log=log) as address:
            reference = f"{address}/demo:{image}"
            ours = (RATIFY, "verify", "--no-cache", "--key", key, reference)
            flags = ("--insecure-ignore-tlog=true",)
            if image == "cosign-v2":
                peer = (program("cosign2"), "verify", "--key", key, *flags, reference)
            else:
                peer = (program("cosign"), "verify", "--key", key, *flags, reference)
            counts = []
            for command in (ours, peer):
                before = _lines(log)
                wall(command)
                counts.append(str(_lines(log) - before))
            result = in_turn(lambda: wall(ours), lambda: wall(peer), RUNS)
    return (
        f"{delay} ms",
        image,
        f"{result.ours * 1000:.0f} ms",
        counts[0],
        f"{result.peer * 1000:.0f} ms",
        counts[1],
        f"{result.ratio:.2f} x",
        AIMS[delay],
    )


def _lines(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.is_file() else 0
