"""20 SARIF reports of 1 MiB in one validation, in a process of its own.

Aims: the event loop's longest turn is under 100 ms, and the process stays under 200 MiB.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from typing import Any

from bench.measure import table

_REPORTS, _FINDINGS = 20, 1150  # of 1 MiB each
_LINE = "x" * 400  # the description that scanners write


def report() -> str:
    """Measure and return the table."""
    done = subprocess.run([sys.executable, "-m", "bench.reports"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    head = (
        "validation of",
        "seconds",
        "longest turn (aim: 100 ms)",
        "peak (aim: 200 MiB)",
        "CPU of one report",
    )
    row = (
        f"{_REPORTS} SARIF reports of {found['bytes'] / 2**20:.2f} MiB",
        f"{found['seconds']:.2f}",
        f"{found['turn'] * 1000:.0f} ms",
        f"{found['peak']:.0f} MiB",
        f"{found['each'] * 1000:.0f} ms",
    )
    return table("Vulnerability reports", head, [row])


def sarif_report(number: int) -> bytes:
    """Return a report of 1 MiB without denied findings."""
    from pyratify.testing.vulnerability import Vulnerability, sarif

    found = [
        Vulnerability(f"CVE-2020-{number:02}{index:04}", "low", f"package-{index}")
        for index in range(_FINDINGS)
    ]
    document = sarif(found)
    for rule in document["runs"][0]["tool"]["driver"]["rules"]:
        rule["fullDescription"] = {"text": _LINE}
    return json.dumps(document).encode()


async def _measure() -> dict[str, Any]:
    from pyratify.core.executor import Executor
    from pyratify.core.policy import NoPolicy
    from pyratify.core.reference import Reference
    from pyratify.evidence.vulnerability.judge_report import VulnerabilityJudge
    from pyratify.evidence.vulnerability.rules import SeverityRules, VulnerabilityRules
    from pyratify.evidence.vulnerability.severity import Severity
    from pyratify.testing.memory import MemoryStore
    from pyratify.verifiers.report_rule import ReportJudge
    from pyratify.verifiers.vulnerability.vulnerability_verifier import VulnerabilityVerifier

    denied = SeverityRules(frozenset({Severity.CRITICAL}))
    judge = ReportJudge(VulnerabilityJudge(VulnerabilityRules(fixable=denied, unfixable=denied)))
    store = MemoryStore()
    image = store.add_image()
    for number in range(_REPORTS):
        data = sarif_report(number)
        store.attach(image, "application/sarif+json", ("application/sarif+json", data))
    executor = Executor(store=store, verifiers=(VulnerabilityVerifier("scan", judge),), policy=NoPolicy())
    turns: list[float] = []
    watching = asyncio.create_task(_watch(turns))
    await asyncio.sleep(0.05)
    start, cpu = time.perf_counter(), time.process_time()
    result = await executor.validate(Reference.parse("example.com/app:v1"))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    watching.cancel()
    passed = sum(each.passed for report in result.artifacts for each in report.results)
    if passed != _REPORTS:
        raise RuntimeError(f"{passed} of {_REPORTS} reports passed")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"bytes": len(data), "seconds": seconds, "turn": max(turns), "peak": peak, "each": cpu / _REPORTS}


async def _watch(turns: list[float]) -> None:
    """Record how much later than asked the loop comes back."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        turns.append(time.perf_counter() - start - 0.001)


if __name__ == "__main__":
    sys.setswitchinterval(0.001)  # as servers do (`serving.process`)
    print(json.dumps(asyncio.run(_measure())))
