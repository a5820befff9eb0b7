"""What every verifier and every policy has to do.

An author inherits the contract in a test module and gives it a fixture `case`; the contract's methods are tests for
pytest with `asyncio_mode = "auto"`. Providers of credentials and keys have theirs in
`pyratify.testing.provider_contracts`, stores in `pyratify.testing.store_contract`.

```python
class TestMyVerifier(VerifierContract):
    @pytest.fixture
    def case(self) -> VerifierCase:
        return VerifierCase(MyVerifier("mine", keys), good=attach_signature, bad=(attach_forged_signature,))
```
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import (
    Failure,
    InconclusiveError,
    StoreError,
    VerificationError,
)
from pyratify.core.manifest import OCI_MANIFEST, Manifest, parse_manifest
from pyratify.core.policy import PolicyEnforcer, Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, Verdict
from pyratify.core.verifier import Details, Evidence, Verifier
from pyratify.testing.checks import error_of, must
from pyratify.testing.memory import MemoryStore, as_json, make_manifest

Attach = Callable[[MemoryStore, Descriptor], Descriptor]

_REFERENCE = Reference.parse("example.com/team/app:v1")
SUBJECT = Subject(
    _REFERENCE, Descriptor(OCI_MANIFEST, Digest.of(b"image"), 5), "", datetime(2026, 6, 1, tzinfo=UTC)
)
"""What the contract asks a policy about."""
_FAULT = Failure(Reason.SIG_INVALID, "not good", "none")


@dataclass(frozen=True, slots=True)
class VerifierCase:
    """A verifier and evidence for it.

    Attributes:
        verifier: The verifier.
        good: Attaches evidence that it must accept to a subject in a store, and returns what the artifact is.
        bad: Each attaches evidence of its kind that it must refuse.
    """

    verifier: Verifier
    good: Attach
    bad: tuple[Attach, ...]


class VerifierContract:
    """The contract of verifiers; needs a fixture `case` that gives a `VerifierCase`."""

    async def test_it_has_a_name(self, case: VerifierCase) -> None:
        """Policies refer to it by its name."""
        must(bool(case.verifier.name), "a verifier has a name")

    async def test_it_accepts_its_own_kind_without_reading(self, case: VerifierCase) -> None:
        """Whether it verifies an artifact, it says from the manifest alone."""
        store, evidence = _attached(case.good)
        must(case.verifier.accepts(evidence.manifest) is True, "a verifier accepts its own kind")
        must(store.calls == [], "accepting reads nothing")

    async def test_it_does_not_accept_foreign_kinds(self, case: VerifierCase) -> None:
        """Artifacts of unknown types, and images, belong to other verifiers."""
        for artifact_type in ("application/vnd.example.unknown", None):
            manifest = _parse(make_manifest(artifact_type=artifact_type))
            must(case.verifier.accepts(manifest) is False, "a verifier does not accept foreign kinds")

    async def test_good_evidence_gives_details(self, case: VerifierCase) -> None:
        """What it found can be read by people and by machines."""
        _, evidence = _attached(case.good)
        details = await case.verifier.verify(evidence)
        must(isinstance(details, Details) and bool(details.description), "good evidence is described")
        must(_is_json(details.data), "the details' data is JSON")
        # Policies count signers (docs/decisions/0003): a duplicate would count one key twice.
        must(len(set(details.signers)) == len(details.signers), "every signer is named once")

    async def test_bad_evidence_is_the_artifacts_fault(self, case: VerifierCase) -> None:
        """Whatever is wrong with an artifact is a `VerificationError`."""
        # A case without bad evidence would make the loop below pass by doing nothing.
        must(bool(case.bad), "the case has bad evidence")
        for attach in case.bad:
            _, evidence = _attached(attach)
            error = await error_of(case.verifier.verify(evidence))
            must(isinstance(error, VerificationError), f"bad evidence is refused, not {error!r}")

    async def test_evidence_of_another_subject_is_refused(self, case: VerifierCase) -> None:
        """Good evidence that is moved to another image is not evidence for it."""
        store, evidence = _attached(case.good)
        other = store.add_image("other", b"another image")
        # Only the manifest's subject is rewritten: what was signed must give the move away, not the manifest.
        document = json.loads(store.manifests[evidence.manifest.descriptor.digest])
        document["subject"] = as_json(other)
        moved = store.add_manifest(json.dumps(document).encode())
        error = await error_of(case.verifier.verify(_evidence(store, other, moved)))
        must(isinstance(error, VerificationError), f"moved evidence is refused, not {error!r}")

    async def test_a_stores_fault_is_not_the_artifacts(self, case: VerifierCase) -> None:
        """What could not be read is inconclusive."""
        store, evidence = _attached(case.good)
        store.faults["fetch_blob"] = StoreError(Reason.REGISTRY_UNREACHABLE, "the network is down")
        error = await error_of(case.verifier.verify(evidence))
        # A verifier whose evidence is all in the manifest reads no blob and cannot meet the fault.
        read = "fetch_blob" in dict(store.calls)
        inconclusive = isinstance(error, StoreError | InconclusiveError)
        must(not read or inconclusive, f"a store's fault is passed on, not {error!r}")

    async def test_many_can_be_verified_at_once(self, case: VerifierCase) -> None:
        """Verifications at the same time do not disturb one another."""
        _, evidence = _attached(case.good)
        details = await asyncio.gather(*(case.verifier.verify(evidence) for _ in range(8)))
        must(all(one == details[0] for one in details), "equal evidence gives equal details")

    async def test_it_can_be_cancelled(self, case: VerifierCase) -> None:
        """A cancelled caller is not held up, and gets no answer."""
        store, evidence = _attached(case.good, _Silent())
        task = asyncio.create_task(case.verifier.verify(evidence))
        waiting = asyncio.create_task(store.reading.wait())
        # Either comes first: a verifier that reads no blob ends without ever waiting.
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        waiting.cancel()
        results = await asyncio.gather(task, waiting, return_exceptions=True)
        held_up = store.reading.is_set() and not isinstance(results[0], asyncio.CancelledError)
        must(not held_up, "a cancelled verification ends as cancelled")


class _Silent(MemoryStore):
    """A store whose blobs never come."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = asyncio.Event()

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        del reference, descriptor, limit
        self.reading.set()
        # A future that is never resolved: no timer that a slow machine could reach.
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def _attached(attach: Attach, store: Any = None) -> tuple[Any, Evidence]:
    store = MemoryStore() if store is None else store
    image = store.add_image()
    return store, _evidence(store, image, attach(store, image))


def _evidence(store: MemoryStore, subject: Descriptor, artifact: Descriptor) -> Evidence:
    manifest = parse_manifest(store.manifests[artifact.digest], artifact)
    # By digest, as the executor asks: a tag could be moved between two reads.
    return Evidence(_REFERENCE.at(subject.digest), subject, manifest, Content(store))


def _parse(data: bytes) -> Manifest:
    return parse_manifest(data, MemoryStore().add_manifest(data))


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """A policy and reports that satisfy it.

    Attributes:
        policy: The policy.
        satisfying: Reports with passed results that it must allow.
    """

    policy: PolicyEnforcer
    satisfying: tuple[ArtifactReport, ...]


class PolicyContract:
    """The contract of policies that decide; needs a fixture `case` that gives a `PolicyCase`."""

    async def test_satisfying_evidence_is_allowed(self, case: PolicyCase) -> None:
        """The same reports are allowed each time."""
        # Twice: a policy that keeps state between decisions would be unsafe with concurrent requests.
        for _ in range(2):
            must(await _decision(case, case.satisfying) is Decision.ALLOW, "satisfying evidence is allowed")

    async def test_no_evidence_is_never_allowed(self, case: PolicyCase) -> None:
        """Nothing attached, or artifacts without a result, are no reason to allow."""
        # The artifacts stay, their results go: presence must not be mistaken for proof.
        bare = tuple(replace(report, results=(), nested=()) for report in case.satisfying)
        for reports in ((), bare):
            must(await _decision(case, reports) is not Decision.ALLOW, "no evidence is not allowed")

    async def test_only_what_passed_counts(self, case: PolicyCase) -> None:
        """Failed and inconclusive results never allow anything."""
        for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE):
            reports = tuple(_spoiled(report, outcome) for report in case.satisfying)
            must(await _decision(case, reports) is not Decision.ALLOW, f"{outcome} results do not count")

    async def test_a_refusal_says_why(self, case: PolicyCase) -> None:
        """A denied subject comes with a reason."""
        verdict = await _verdict(case, ())
        # A policy that only reports decides nothing and owes no reason.
        must(verdict.decision is Decision.NONE or verdict.failure is not None, "a refusal has a reason")

    async def test_settled_means_allowed_for_good(self, case: PolicyCase) -> None:
        """Where it would stop, what comes later cannot change the answer."""
        must(case.policy.settled(()) is False, "nothing is settled before anything is known")
        if case.policy.settled(case.satisfying):
            # A failure that arrives late must not turn the answer, or the order of referrers would decide.
            more = tuple(_spoiled(report, Outcome.FAILED) for report in case.satisfying)
            for reports in (case.satisfying, (*case.satisfying, *more)):
                must(await _decision(case, reports) is Decision.ALLOW, "what is settled stays allowed")

    async def test_it_wants_those_whose_evidence_it_counts(self, case: PolicyCase) -> None:
        """A policy never excludes a verifier that it needs."""
        wanted = case.policy.wants(())
        used = {result.verifier for report in case.satisfying for result in report.results if result.passed}
        must(wanted is None or bool(wanted & used), "the verifiers that satisfy it are wanted")


async def _decision(case: PolicyCase, reports: tuple[ArtifactReport, ...]) -> Decision:
    return (await _verdict(case, reports)).decision


async def _verdict(case: PolicyCase, reports: tuple[ArtifactReport, ...]) -> Verdict:
    answer = case.policy.decide(SUBJECT, reports)
    return answer if isinstance(answer, Verdict) else await answer


def _spoiled(report: ArtifactReport, outcome: Outcome) -> ArtifactReport:
    results = tuple(
        replace(result, outcome=outcome, details=None, failure=_FAULT) for result in report.results
    )
    return replace(report, results=results, nested=tuple(_spoiled(one, outcome) for one in report.nested))


def _is_json(data: Mapping[str, Any]) -> bool:
    try:
        # NaN is no JSON (RFC 8259, section 6); and tuples or number keys would not come back as they were.
        return bool(json.loads(json.dumps(dict(data), allow_nan=False)) == dict(data))
    except (TypeError, ValueError):
        return False
