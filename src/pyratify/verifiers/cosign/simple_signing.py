"""Classic cosign signatures: simple signing, any number of signatures in one manifest (cosign SIGNATURE_SPEC)."""

import asyncio
from collections.abc import Iterable

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import RatifyError, StoreError, VerificationError
from pyratify.core.offload import give_way, offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.sigstore import json_fields
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import BYTES_PER_UNIT, Budget
from pyratify.sigstore.untrusted_certificate import read_certificate
from pyratify.sigstore.verification_material import Signed, VerificationMaterial
from pyratify.verifiers.cosign.check_claim import check_claim, check_tag
from pyratify.verifiers.cosign.checked_signature import CheckedSignature
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.formats import (
    CERTIFICATE_ANNOTATION,
    MAX_PAYLOAD,
    SIGNATURE_ANNOTATION,
    SIMPLE_SIGNING,
)
from pyratify.verifiers.cosign.simple_signing_payload import read_simple_signing

# Which error is reported for a manifest without a good signature: first those that only a trusted signer can cause.
_PRECEDENCE = (
    Reason.PAYLOAD_SUBJECT_MISMATCH,
    Reason.IDENTITY_MISMATCH,
    Reason.METADATA_MISMATCH,
    Reason.TAG_REF_MISMATCH,
    Reason.PAYLOAD_TYPE,
    Reason.ATTEMPT_LIMIT,
    Reason.SIG_INVALID,
    Reason.SIGNER_KIND,
)


_CONCURRENCY = 16  # signatures that are read at the same time


async def verify_classic(
    evidence: Evidence, policy: CosignTrustPolicy, authenticator: Authenticator
) -> Details:
    """Verify each signature independently; one that meets the whole policy suffices.

    Raises:
        VerificationError: None is good; the first of `_PRECEDENCE` is reported.
        StoreError: None is good, and one could not be read.
    """
    layers = evidence.manifest.layers
    if not layers:
        json_fields.malformed("the manifest has no signature")
    # Before anything is read: each layer costs a request, and their number is not trusted.
    if len(layers) > (most := evidence.content.limits.signatures):
        raise VerificationError(
            Reason.SIGNATURE_LIMIT, f"the manifest has {len(layers)} signatures, more than the {most} allowed"
        )
    read = await _payloads(evidence)
    # Trying many signatures takes as long as reading a large document does.
    cost = BYTES_PER_UNIT * len(layers) * authenticator.typical_cost
    size = evidence.manifest.descriptor.size + sum(layer.size for layer in layers) + cost
    budget = Budget()
    try:
        checked = await offload(size, _check_all, evidence, read, policy, authenticator, budget)
    finally:
        # Cancelled or late: the thread goes on until its next attempt, and then stops.
        budget.end()
    # Distinct and sorted: copies of one signature add no signer, and reports are stable.
    signers = tuple(sorted({each.signer for each in checked if each.signer is not None}))
    if not signers:
        raise _reported_error(checked)
    return Details(
        f"{_count(len(signers), authenticator.signer_kind)} signed this image",
        signers,
        {
            "format": "simple-signing",
            **_first(checked),
            "verifiedSignatures": [each.as_data() for each in checked],
        },
    )


async def _payloads(evidence: Evidence) -> tuple[tuple[Descriptor, bytes | RatifyError], ...]:
    """Return each signature's payload, or why it could not be read; a shared payload is read once."""
    slots = asyncio.Semaphore(_CONCURRENCY)
    tasks: dict[Descriptor, asyncio.Task[bytes | RatifyError]] = {}
    async with asyncio.TaskGroup() as group:
        for layer in evidence.manifest.layers:
            if (bare := _bare(layer)) not in tasks:
                tasks[bare] = group.create_task(_payload(evidence, bare, slots))
    return tuple((layer, tasks[_bare(layer)].result()) for layer in evidence.manifest.layers)


def _bare(layer: Descriptor) -> Descriptor:
    return Descriptor(layer.media_type, layer.digest, layer.size)


async def _payload(evidence: Evidence, layer: Descriptor, slots: asyncio.Semaphore) -> bytes | RatifyError:
    try:
        # Another layer is reported, not fatal: one bad layer must not hide a good signature.
        if layer.media_type != SIMPLE_SIGNING:
            raise VerificationError(
                Reason.MEDIATYPE_MISMATCH, f"a layer is of type {layer.media_type[:120]!r}, no signature"
            )
        async with slots:
            return await evidence.blob(layer, most=MAX_PAYLOAD)
    # Returned: one payload that cannot be read must not hide the others.
    except (StoreError, VerificationError) as error:
        return error


def _check_all(
    evidence: Evidence,
    read: Iterable[tuple[Descriptor, bytes | RatifyError]],
    policy: CosignTrustPolicy,
    authenticator: Authenticator,
    budget: Budget,
) -> list[CheckedSignature]:
    """Check one signature after the other, within the budget."""

    def check(layer: Descriptor, payload: bytes | RatifyError) -> CheckedSignature:
        if isinstance(payload, RatifyError):
            return CheckedSignature(layer.digest, error=payload)
        give_way()  # a thousand of them take a tenth of a second
        try:
            material = _material(layer, payload, authenticator)
            budget.spend(authenticator.cost(material))
            # Before the payload is parsed: what is not authentic is not read.
            signer = authenticator.authenticate(material)
            claim = read_simple_signing(payload, evidence.subject.digest)
            check_claim(claim, policy, evidence.reference)
            check_tag(signer, policy, evidence.tag)
        except VerificationError as error:  # frames would keep all payloads in memory
            return CheckedSignature(layer.digest, error=error.with_traceback(None))
        facts = {"dockerReference": claim.docker_reference, "optional": dict(claim.annotations[0])}
        return CheckedSignature(
            layer.digest, signer.name, facts={**facts, **signer.facts}, common=signer.common
        )

    return [check(layer, payload) for layer, payload in read]


def _material(layer: Descriptor, payload: bytes, authenticator: Authenticator) -> VerificationMaterial:
    pem = layer.annotations.get(CERTIFICATE_ANNOTATION)
    certificate = None if pem is None else read_certificate(pem.encode(), "the certificate annotation")
    # Lines: the annotation may hold what the program `base64` printed.
    signature = json_fields.octets(
        layer.annotations.get(SIGNATURE_ANNOTATION), "the signature annotation", lines=True
    )
    material = VerificationMaterial(Signed(payload), signature, certificate)
    if not authenticator.requirements.has_trust:
        return material
    from pyratify.sigstore.classic_annotations import with_proofs  # only where proofs are verified

    return with_proofs(material, layer.annotations)


def _first(checked: list[CheckedSignature]) -> dict[str, str]:
    """Return the common facts of the earliest signature that counts; of those without a time, by the signer's name."""
    good = [each for each in checked if each.signer is not None]
    # The earliest: signing old evidence again must not make it newer.
    return min(good, key=lambda each: (each.common.get("createdAt", "~"), each.signer or "")).common


def _reported_error(checked: list[CheckedSignature]) -> RatifyError:
    errors = [each.error for each in checked if each.error is not None]
    unread = [error for error in errors if isinstance(error, StoreError)]
    ranked = sorted(errors, key=lambda error: _rank(error.reason))
    # First: the layer that could not be read may have been the good one, so the answer is not final.
    return unread[0] if unread else ranked[0]


def _rank(reason: Reason) -> int:
    return _PRECEDENCE.index(reason) if reason in _PRECEDENCE else len(_PRECEDENCE)


def _count(number: int, kind: str) -> str:
    several = "identities" if kind == "identity" else f"{kind}s"
    return f"{number} trusted {kind if number == 1 else several}"
