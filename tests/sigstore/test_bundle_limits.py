"""How much a bundle may hold: each list is counted before anything of it is decoded or verified."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.bundle import Bundle, parse_bundle
from pyratify.testing.cosign import CosignKey, sign_statement, statement
from pyratify.testing.sigstore import PrivateSigstore
from support.cosign_setting import Setting

SIGSTORE = PrivateSigstore()
KEY = CosignKey.generate()
SUBJECT = Setting().image.digest
LIMIT = 32
ENTRY: dict[str, Any] = {"logIndex": "1", "inclusionProof": {}}
STAMP = {"signedTimestamp": "MAA="}


def keyed(**material: Any) -> bytes:
    """Return a bundle by a key with more material."""
    bundle = sign_statement(KEY, statement(SUBJECT))
    bundle["verificationMaterial"].update(material)
    return json.dumps(bundle).encode()


def entries(count: int) -> bytes:
    """Return a bundle with so many log entries."""
    return keyed(tlogEntries=[ENTRY] * count)


def stamps(count: int) -> bytes:
    """Return a bundle with so many timestamps."""
    return keyed(timestampVerificationData={"rfc3161Timestamps": [STAMP] * count})


def certificates(count: int) -> bytes:
    """Return a bundle of an older version with so many certificates in its chain."""
    bundle = SIGSTORE.sign_statement(statement(SUBJECT))
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    certificate = bundle["verificationMaterial"].pop("certificate")
    bundle["verificationMaterial"]["x509CertificateChain"] = {"certificates": [certificate] * count}
    return json.dumps(bundle).encode()


LISTS: list[tuple[Callable[[int], bytes], Callable[[Bundle], int]]] = [
    (entries, lambda bundle: len(bundle.log_entries)),
    (stamps, lambda bundle: len(bundle.timestamps)),
    (certificates, lambda bundle: len(bundle.certificates)),
]


@pytest.mark.parametrize(("make", "count"), LISTS, ids=["log-entries", "timestamps", "certificates"])
def test_each_list_of_a_bundle_is_bounded(
    make: Callable[[int], bytes], count: Callable[[Bundle], int]
) -> None:
    """Thirty-two are read; one more is refused, whatever the policy would have looked at."""
    assert count(parse_bundle(make(LIMIT))) == LIMIT
    with pytest.raises(VerificationError) as caught:
        parse_bundle(make(LIMIT + 1))
    assert caught.value.reason is Reason.PARSE_LIMIT
    assert "33 entries, more than the 32 allowed" in caught.value.message


@pytest.mark.parametrize("count", [0, 2, LIMIT, LIMIT + 1])
def test_an_envelope_in_a_bundle_has_one_signature(count: int) -> None:
    """Fewer or more are refused, and too many are not even counted one by one."""
    bundle = sign_statement(KEY, statement(SUBJECT))
    bundle["dsseEnvelope"]["signatures"] *= count
    with pytest.raises(VerificationError) as caught:
        parse_bundle(json.dumps(bundle).encode())
    too_many = count > LIMIT
    assert caught.value.reason is (Reason.PARSE_LIMIT if too_many else Reason.ENVELOPE_MALFORMED)
