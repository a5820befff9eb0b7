"""Policies over reports: the time of one decision, without what is attached being read."""

import asyncio
from datetime import UTC, datetime
from time import perf_counter

from bench.measure import table
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.policy import PolicyEnforcer, Subject
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, Verdict, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.policies import cel_plugin, rego_plugin
from pyratify.policies.rego_contract import Contract
from pyratify.policies.rule import Require, Rule
from pyratify.policies.threshold import ThresholdPolicy

REFERENCE = Reference.parse("registry.example.com/team/app:v1")
SUBJECT = Subject(
    REFERENCE, Descriptor(OCI_MANIFEST, Digest.of(b"image"), 5), "team", datetime(2026, 6, 1, tzinfo=UTC)
)
CEL = 'artifacts.all(a, a.results.all(r, r.outcome == "PASSED" && r.data.issuer == "https://issuer.example.com"))'

REGO = """
package pyratify

default allow := false

allow if {
  every artifact in input.artifacts {
    every result in artifact.results {
      result.outcome == "PASSED"
      result.data.issuer == "https://issuer.example.com"
    }
  }
}
"""


class _Resources:
    verifiers = ("cosign",)
    verifier_types = {"cosign": "cosign"}  # noqa: RUF012


def report() -> str:
    """Measure and return the table."""
    options = cel_plugin.CelOptions(expression=CEL)
    rego = rego_plugin.RegoOptions(policy=REGO, rego_version="v1", contract=Contract.PYRATIFY)
    policies: dict[str, PolicyEnforcer] = {
        "threshold, `require: all`": ThresholdPolicy(Rule(None, (Rule("cosign", require=Require.ALL),))),
        "CEL": asyncio.run(cel_plugin.build("cel", options, _Resources())),
        "Rego, embedded": asyncio.run(rego_plugin.build("rego", rego, _Resources())),
    }
    rows = [
        (name, *(f"{_measure(policy, count):.0f} µs" for count in (10, 800)))
        for name, policy in policies.items()
    ]
    return table(
        "One decision over reports",
        ("policy", "10 reports (aims: CEL 50 µs, Rego 150 µs)", "800 reports"),
        rows,
    )


def _measure(policy: PolicyEnforcer, count: int) -> float:
    reports = tuple(_report(number) for number in range(count))
    rounds, best = max(5, 5_000 // count), float("inf")
    for _ in range(7):
        best = min(best, asyncio.run(_rounds(policy, reports, rounds)))
    return best * 1e6


async def _rounds(policy: PolicyEnforcer, reports: tuple[ArtifactReport, ...], rounds: int) -> float:
    start = perf_counter()
    for _ in range(rounds):
        answer = policy.decide(SUBJECT, reports)
        verdict = answer if isinstance(answer, Verdict) else await answer
        if verdict.decision is not Decision.ALLOW:
            raise RuntimeError("the policy denied what it allows")
    return (perf_counter() - start) / rounds


def _report(number: int) -> ArtifactReport:
    data = {
        "signer": "release@example.com",
        "issuer": "https://issuer.example.com",
        "createdAt": "2026-05-01T00:00:00Z",
    }
    digest = Digest.of(str(number).encode())
    result = VerifierResult("cosign", Outcome.PASSED, Details("signed", ("k",), data))
    return ArtifactReport(
        REFERENCE, Descriptor(OCI_MANIFEST, digest, 500), Discovery.REFERRERS_API, (result,)
    )
