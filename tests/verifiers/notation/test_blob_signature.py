"""Signatures of files: bound to the file's bytes by the signer's own hash, under a statement chosen by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import GOOD, SIGNERS, Recipe, algorithm_of
from pyratify.verifiers.notation.blob_policy_document import read_blob_policy
from pyratify.verifiers.notation.blob_signature import Blob, BlobVerifier, envelope_type
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import LEAF, MIDDLE, ROOT

DATA = b"a file of some bytes"
TYPE = "application/octet-stream"


def statement(name: str, level: str = "strict", **changes: Any) -> dict[str, Any]:
    """Return a statement that trusts the root."""
    trust = {} if level == "skip" else {"trustStores": ["ca:test"], "trustedIdentities": ["*"]}
    return {"name": name, "signatureVerification": {"level": level}, **trust, **changes}


def verifier(*statements: Mapping[str, Any], root: Issued = ROOT, **options: Any) -> BlobVerifier:
    """Return a verifier with these statements, or one global statement."""
    chosen = statements or (statement("all", globalPolicy=True),)
    policy = read_blob_policy({"version": "1.0", "trustPolicies": list(chosen)})
    return BlobVerifier(
        "notation", policy, {StoreName("ca", "test"): (root.material,)}, FakeClock(), **options
    )


def sign(
    leaf: Issued = LEAF, recipe: Recipe = GOOD, media_type: str = JWS_TYPE, algorithm: str | None = None
) -> bytes:
    """Sign the file's bytes, by the hash of the signer's algorithm."""
    digest = Digest.of(DATA, algorithm or algorithm_of(leaf).hash)
    return SIGNERS[media_type](leaf, Descriptor(TYPE, digest, len(DATA)), recipe)


async def judge(
    folder: Path,
    envelope: bytes,
    *,
    data: bytes = DATA,
    media_type: str | None = None,
    by: BlobVerifier | None = None,
    name: str | None = None,
    kind: str = JWS_TYPE,
) -> Details:
    """Write the file and verify the envelope."""
    path = folder / "file"
    path.write_bytes(data)
    return await (by or verifier()).verify_blob(Blob(path, media_type), envelope, kind, name)


@pytest.mark.parametrize("kind", [JWS_TYPE, COSE_TYPE])
@pytest.mark.parametrize("key", ["p256", "p384", "p521"])
async def test_a_file_is_bound_by_the_hash_of_its_signers_algorithm(
    key: str, kind: str, tmp_path: Path
) -> None:
    """SHA-256, SHA-384 or SHA-512, as the key has it."""
    leaf = signer(MIDDLE, kind=key)
    details = await judge(tmp_path, sign(leaf, media_type=kind), kind=kind)
    assert details.data["trustPolicy"] == "all"
    assert details.signers


async def test_another_hash_than_the_signers_own_is_refused(tmp_path: Path) -> None:
    """A P-384 signature that names a SHA-256 digest is not what the specification makes."""
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, sign(signer(MIDDLE, kind="p384"), algorithm="sha256"))
    assert error.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH


@pytest.mark.parametrize("data", [b"", DATA + b"\n", DATA[:-1], b"a file of same bytes"])
async def test_a_changed_file_is_refused(data: bytes, tmp_path: Path) -> None:
    """Each byte counts."""
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, sign(), data=data)
    assert error.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH


async def test_a_wrong_size_is_refused_though_the_digest_is_right(tmp_path: Path) -> None:
    """The descriptor counts as a whole."""
    recipe = Recipe(payload=lambda payload: payload["targetArtifact"].update(size=1))
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, sign(recipe=recipe))
    assert error.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH


async def test_the_media_type_counts_where_it_is_given(tmp_path: Path) -> None:
    """A file has none of its own, so any will do unless one is asked for; none at all is not a payload."""
    await judge(tmp_path, sign(), media_type=TYPE)
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, sign(), media_type="text/plain")
    assert error.value.reason is Reason.PAYLOAD_SUBJECT_MISMATCH
    without = Recipe(payload=lambda payload: payload["targetArtifact"].pop("mediaType") and None)
    with pytest.raises(VerificationError, match="no media type"):
        await judge(tmp_path, sign(recipe=without))


async def test_the_statement_is_chosen_by_name(tmp_path: Path) -> None:
    """An unknown name, or none where no statement is global, is refused."""
    by = verifier(statement("one"), statement("two", level="audit"))
    assert (await judge(tmp_path, sign(), by=by, name="two")).data["level"] == "audit"
    for name in (None, "three", ""):
        with pytest.raises(VerificationError) as error:
            await judge(tmp_path, sign(), by=by, name=name)
        assert error.value.reason is Reason.POLICY_NOT_FOUND


async def test_all_other_checks_are_those_of_images(tmp_path: Path) -> None:
    """An untrusted root and missing metadata are refused; what the policy skips says so."""
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, sign(), by=verifier(root=authority("other")))
    assert error.value.reason is Reason.CHAIN_UNTRUSTED
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, sign(), by=verifier(required_metadata={"stage": "prod"}))
    assert error.value.reason is Reason.METADATA_MISMATCH
    with pytest.raises(VerificationError) as error:
        await judge(tmp_path, b"{}")
    assert error.value.reason is Reason.ENVELOPE_MALFORMED
    details = await judge(tmp_path, b"", by=verifier(statement("s", level="skip")), name="s")
    assert not details.signers
    assert details.warnings


async def test_a_file_that_cannot_be_read_decides_nothing(tmp_path: Path) -> None:
    """No signature is wrong here."""
    with pytest.raises(InconclusiveError) as error:
        await verifier().verify_blob(Blob(tmp_path / "missing"), sign(), JWS_TYPE)
    assert error.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt.jws.sig", b"\xd2", JWS_TYPE),
        ("a.txt.cose.sig", b"{", COSE_TYPE),
        ("a.sig", b' {"payload":""}', JWS_TYPE),
        ("a.sig", b"\xd2\x84", COSE_TYPE),
        ("a", b"", COSE_TYPE),
    ],
)
def test_the_name_says_which_envelope_it_is(name: str, data: bytes, expected: str) -> None:
    """The content decides only where the name does not."""
    assert envelope_type(name, data) == expected
