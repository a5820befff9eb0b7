"""SBOMs of 5,000 packages: the CPU time of judging one, and of 20 in one validation, in a process of its own.

Aims: one is judged in 40 ms of CPU time; the event loop's longest turn is under 100 ms, and the process stays under 200 MiB.
"""

import asyncio
import gc
import json
import resource
import subprocess
import sys
import time
from typing import Any

from bench.measure import table

_PACKAGES, _SBOMS, _RUNS = 5_000, 20, 7
_DENY = {
    "deniedLicenses": ["GPL-3.0-only"],
    "deniedPackages": [{"name": "left-pad"}, {"purl": "pkg:npm/lodash", "versions": "vers:npm/<4.17.21"}],
}


def report() -> str:
    """Measure and return the table."""
    done = subprocess.run([sys.executable, "-m", "bench.sboms"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    rows = [
        (
            f"one {name} document of {found[name][0] / 2**20:.2f} MiB",
            f"{found[name][1] * 1000:.0f} ms",
            "",
            "",
        )
        for name in ("CycloneDX", "SPDX")
    ]
    each = found["validation"]
    rows.append(
        (
            f"{_SBOMS} CycloneDX documents in one validation",
            f"{each['cpu'] * 1000:.0f} ms for each",
            f"{each['turn'] * 1000:.0f} ms",
            f"{each['peak']:.0f} MiB",
        )
    )
    head = (
        f"{_PACKAGES} packages, licenses and two denied packages",
        "CPU (aim: 40 ms)",
        "longest turn (aim: 100 ms)",
        "peak (aim: 200 MiB)",
    )
    return table("SBOMs", head, rows)


def documents(number: int = 0) -> dict[str, bytes]:
    """Return an SBOM of each format, as tools write them."""
    from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package

    licenses = ("MIT", "Apache-2.0", "ISC OR MIT")
    found = [
        (f"package-{number}-{index}", "1.2.3", licenses[index % 3], f"pkg:npm/package-{index}@1.2.3")
        for index in range(_PACKAGES)
    ]
    components = (
        component(name, version, text, purl=purl) | {"bom-ref": f"{purl}?package-id=0123456789abcdef"}
        for name, version, text, purl in found
    )
    packages = (spdx_package(name, version, text, purl=purl) for name, version, text, purl in found)
    return {"CycloneDX": cyclonedx(components), "SPDX": spdx(packages)}


def _measure() -> dict[str, Any]:
    from pyratify.config.decode import decode
    from pyratify.evidence.judgement import Circumstances
    from pyratify.evidence.sbom.read_sbom import parse_sbom
    from pyratify.evidence.sbom.sbom_options import SbomRuleOptions, sbom_rules
    from pyratify.testing.contracts import SUBJECT

    here = Circumstances(SUBJECT.descriptor, SUBJECT.now)
    rules = sbom_rules(decode(SbomRuleOptions, _DENY))
    found: dict[str, Any] = {}
    for name, data in documents().items():
        times = []
        for _ in range(_RUNS):
            start = time.process_time()
            rules.judge(parse_sbom(data), here)
            times.append(time.process_time() - start)
        found[name] = (len(data), min(times))
    return found | {"validation": asyncio.run(_validate(rules))}


async def _validate(rules: Any) -> dict[str, float]:
    from pyratify.core.executor import Executor
    from pyratify.core.policy import NoPolicy
    from pyratify.core.reference import Reference
    from pyratify.testing.memory import MemoryStore
    from pyratify.verifiers.sbom.sbom_verifier import SbomVerifier

    kind, store = "application/vnd.cyclonedx+json", MemoryStore()
    image = store.add_image()
    for number in range(_SBOMS):
        store.attach(image, kind, (kind, documents(number)["CycloneDX"]))
    executor = Executor(store=store, verifiers=(SbomVerifier("sbom", rules),), policy=NoPolicy())
    turns: list[float] = []
    watching = asyncio.create_task(_watch(turns))
    await asyncio.sleep(0.05)
    cpu = time.process_time()
    result = await executor.validate(Reference.parse("example.com/app:v1"))
    cpu = time.process_time() - cpu
    watching.cancel()
    passed = sum(each.passed for artifact in result.artifacts for each in artifact.results)
    if passed != _SBOMS:
        raise RuntimeError(f"{passed} of {_SBOMS} SBOMs passed")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu / _SBOMS, "turn": max(turns), "peak": peak}


async def _watch(turns: list[float]) -> None:
    """Record how much later than asked the loop comes back."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        turns.append(time.perf_counter() - start - 0.001)


if __name__ == "__main__":
    # As servers do (`serving.process`, `serving.housekeeping`).
    sys.setswitchinterval(0.001)
    gc.freeze()
    gc.set_threshold(2_000, 10, 1_000_000)
    print(json.dumps(_measure()))
