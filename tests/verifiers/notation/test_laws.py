"""Laws of the verification: whatever is changed, nothing else is verified than what was signed."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.content import check_content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.pki.chain import validate_chain
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import GOOD, SIGNERS, Recipe, attach_signature, make_verifier
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE, Envelope, parse_envelope
from pyratify.verifiers.notation.notation_verifier import MAX_ENVELOPE
from pyratify.verifiers.notation.signed_payload import check_payload
from pyratify.verifiers.notation.validations import check_signature
from support.notation_bench import FORMATS, LEAF, REFERENCE, ROOT, details, found, judge
from support.notation_layouts import validate

IMAGE = Descriptor(OCI_MANIFEST, Digest.of(b"image"), 5)
SIGNED = {
    kind: sign(LEAF, IMAGE, Recipe(expiry=datetime(2030, 1, 1, tzinfo=UTC))) for kind, sign in SIGNERS.items()
}


@dataclass(frozen=True)
class Meaning:
    """What an envelope that was verified says with the signer's authority."""

    payload: bytes
    scheme: str
    signing_time: datetime
    expiry: datetime | None
    plugin: str | None
    leaf: bytes


def meaning(envelope: Envelope) -> Meaning:
    """Return it."""
    return Meaning(
        envelope.payload,
        envelope.scheme,
        envelope.signing_time,
        envelope.expiry,
        envelope.plugin,
        envelope.chain[0],
    )


def verified(data: bytes, media_type: str) -> Meaning | None:
    """Return what an envelope says, or None if its integrity does not hold."""
    try:
        envelope = parse_envelope(data, media_type)
        check_signature(envelope, validate_chain(envelope.chain))
        check_payload(envelope.payload, IMAGE)
    except VerificationError:
        return None
    return meaning(envelope)


@pytest.mark.parametrize("media_type", FORMATS)
@given(data=st.data())
def test_a_changed_envelope_says_the_same_or_nothing(media_type: str, data: st.DataObject) -> None:
    """Law: replacing, removing or inserting bytes anywhere never changes what is signed."""
    good = SIGNED[media_type]
    start = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(start, min(start + 4, len(good))))
    changed = good[:start] + data.draw(st.binary(max_size=4)) + good[end:]
    assert verified(changed, media_type) in (None, verified(good, media_type))


def test_the_envelope_that_is_changed_is_good() -> None:
    """Both formats say the same."""
    jws, cose = (verified(SIGNED[kind], kind) for kind in (JWS_TYPE, COSE_TYPE))
    assert jws is not None
    assert jws == cose


async def test_atk_090_the_bytes_that_are_verified_are_the_bytes_that_are_used() -> None:
    """The envelope is fetched once, and hashed before anything is read from it."""
    store = MemoryStore()
    image = store.add_image()
    attach_signature(store, image, SIGNERS[JWS_TYPE](LEAF, image, GOOD))
    details(await validate(store, REFERENCE, make_verifier(ROOT)))
    fetched = [what for method, what in store.calls if method == "fetch_blob"]
    assert len(fetched) == 1
    digest = Digest(fetched[0])
    data = store.blobs[digest]
    check_content(data, Descriptor("x", digest, len(data)))


async def test_an_envelope_that_is_too_large_is_not_even_fetched() -> None:
    """No signature has more than a few kilobytes."""
    result = await judge(raw=lambda _: bytes(MAX_ENVELOPE + 1))
    assert found(result).reason is Reason.SIZE_EXCEEDED
