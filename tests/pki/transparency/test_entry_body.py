"""The content of log entries: what was signed and by which key, of each kind that is understood, and nothing in two ways."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.pki.transparency.entry_body import LoggedSignature, read_body
from pyratify.pki.transparency.log_entry import LogEntry
from pyratify.testing.certificates import pem, signer
from pyratify.testing.cosign import CosignKey
from pyratify.testing.sigstore_log import hashedrekord, log_dsse, log_intoto

CERTIFICATE, KEY = signer(None).der, CosignKey.generate()
MESSAGE, SIGNATURE = b"what was signed", b"a signature"
DIGEST = hashlib.sha256(MESSAGE).digest()
HASHED, SECOND = (
    hashedrekord(1, MESSAGE, SIGNATURE, CERTIFICATE),
    hashedrekord(2, MESSAGE, SIGNATURE, CERTIFICATE),
)
DSSE, INTOTO = log_dsse(MESSAGE, SIGNATURE, CERTIFICATE), log_intoto(MESSAGE, SIGNATURE, CERTIFICATE)
BODIES = {"hashedrekord": HASHED, "dsse": DSSE, "intoto": INTOTO, "hashedrekord-2": SECOND}


def entry(body: bytes, kind: str | None = None, version: str | None = None) -> LogEntry:
    """Return an entry that says it is what its body says, or something else."""
    document = json.loads(body)
    kind = document["kind"] if kind is None else kind
    version = document["apiVersion"] if version is None else version
    return LogEntry(1, b"log", kind, version, 0, None, None, body)


def edited(body: bytes, edit: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return a body whose specification was changed."""
    document = json.loads(body)
    edit(document["spec"])
    return json.dumps(document).encode()


def refusal(body: bytes, **said: str) -> str:
    """Return why a body is refused."""
    with pytest.raises(VerificationError) as caught:
        read_body(entry(body, **said))
    assert caught.value.reason is Reason.TLOG_ENTRY_MISMATCH
    return caught.value.message


@pytest.mark.parametrize("name", BODIES)
def test_each_kind_says_what_was_signed_and_by_which_key(name: str) -> None:
    """Kinds for envelopes are about the payload, kinds for records about the very bytes that are signed."""
    found = read_body(entry(BODIES[name]))
    assert found == LoggedSignature(name in ("dsse", "intoto"), "sha256", DIGEST, SIGNATURE, CERTIFICATE)


@pytest.mark.parametrize(
    "body",
    [
        hashedrekord(1, MESSAGE, SIGNATURE, KEY.der, bare=True),
        hashedrekord(2, MESSAGE, SIGNATURE, KEY.der, bare=True),
        log_dsse(MESSAGE, SIGNATURE, KEY.der, bare=True),
    ],
    ids=["hashedrekord", "hashedrekord-2", "dsse"],
)
def test_a_signer_may_be_a_key(body: bytes) -> None:
    """In PEM, or bare in the second version."""
    assert read_body(entry(body)).verifier == KEY.der


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_of_the_kind_and_version_that_the_entry_says(name: str) -> None:
    """Both: what is understood is decided by what is announced, and the log hashes the body alone."""
    document = json.loads(BODIES[name])
    for kind, version in (
        ("hashedrekord", "0.0.1"),
        ("dsse", "0.0.1"),
        ("intoto", "0.0.2"),
        ("hashedrekord", "0.0.2"),
    ):
        if (kind, version) != (document["kind"], document["apiVersion"]):
            assert "than announced" in refusal(BODIES[name], kind=kind, version=version)


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_digests_of_the_strong_algorithms_are_read(algorithm: str) -> None:
    """By the names of either version."""
    longer = hashlib.new(algorithm, MESSAGE)
    first = edited(
        HASHED, lambda spec: spec["data"]["hash"].update(algorithm=algorithm, value=longer.hexdigest())
    )
    names = {"algorithm": algorithm.replace("sha", "SHA2_"), "digest": encode_base64(longer.digest())}
    second = edited(SECOND, lambda spec: spec["hashedRekordV002"]["data"].update(names))
    for body in (first, second):
        found = read_body(entry(body))
        assert (found.algorithm, found.digest) == (algorithm, longer.digest())


@pytest.mark.parametrize("algorithm", ["sha1", "md5", "SHA-256", "SHA256", "sha3-256", "", None, 256])
def test_a_digest_of_another_algorithm_is_refused(algorithm: Any) -> None:
    """Also of one that is weak, and of a name that is only alike."""
    refusal(edited(HASHED, lambda spec: spec["data"]["hash"].update(algorithm=algorithm)))
    refusal(edited(SECOND, lambda spec: spec["hashedRekordV002"]["data"].update(algorithm=algorithm)))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where in a document every member and list is."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [found for name, child in children for found in ((*path, name), *places(child, (*path, name)))]


# What stands beside what is compared; an entry of another makes of signer has other values there.
UNREAD = {"envelopeHash", "payloadType", "keyDetails"}
PLACES = [
    pytest.param(body, path, id=f"{name}-{'.'.join(map(str, path))}")
    for name, body in BODIES.items()
    for path in places(json.loads(body)["spec"])
    if not UNREAD & set(path)
]


@pytest.mark.parametrize(("body", "path"), PLACES)
def test_whatever_is_missing_or_of_another_type_makes_a_body_unusable(
    body: bytes, path: tuple[Any, ...]
) -> None:
    """Member by member: nothing is taken for granted, and nothing is converted."""

    def put(value: Any) -> Callable[[dict[str, Any]], None]:
        def edit(spec: dict[str, Any]) -> None:
            *way, last = path
            target: Any = spec
            for step in way:
                target = target[step]
            if value is ...:
                del target[last]
            else:
                target[last] = value

        return edit

    for value in (..., None, "", 1, [], {}, [{}], True):
        refusal(edited(body, put(value)))


@pytest.mark.parametrize(
    ("body", "way"), [(DSSE, ("signatures",)), (INTOTO, ("content", "envelope", "signatures"))]
)
def test_an_entry_for_an_envelope_has_one_signature(body: bytes, way: tuple[str, ...]) -> None:
    """Of two, another reader might compare the other one."""

    def twice(spec: dict[str, Any]) -> None:
        for step in way:
            spec = spec[step]
        spec.append(spec[0])  # type: ignore[attr-defined]

    assert "not exactly one of signatures" in refusal(edited(body, twice))


def test_the_older_kind_encodes_its_signature_twice() -> None:
    """Once is refused as what it is not, and so is what is not ASCII inside."""

    def put(value: bytes) -> bytes:
        def edit(spec: dict[str, Any]) -> None:
            spec["content"]["envelope"]["signatures"][0]["sig"] = encode_base64(value)

        return edited(INTOTO, edit)

    assert read_body(entry(put(encode_base64(SIGNATURE).encode()))).signature == SIGNATURE
    refusal(put(SIGNATURE))
    assert "not encoded as entries of its kind" in refusal(put(b"\xff\xfe"))


@pytest.mark.parametrize(
    "blocks",
    [
        b"",
        b"text",
        pem(CERTIFICATE, CERTIFICATE),
        KEY.pem + pem(CERTIFICATE),
        pem(CERTIFICATE).replace(b"CERT", b"PART"),
    ],
    ids=["nothing", "text", "two", "key-and-certificate", "other-label"],
)
def test_an_entry_names_one_certificate_or_key(blocks: bytes) -> None:
    """One PEM block with one of two labels."""
    text = encode_base64(blocks)
    refusal(edited(HASHED, lambda spec: spec["signature"]["publicKey"].update(content=text)))
    refusal(edited(DSSE, lambda spec: spec["signatures"][0].update(verifier=text)))
    refusal(edited(INTOTO, lambda spec: spec["content"]["envelope"]["signatures"][0].update(publicKey=text)))


def test_an_entry_of_the_second_version_has_one_form_of_signer() -> None:
    """A certificate or a key, not both."""
    key = {"rawBytes": encode_base64(KEY.der)}
    both = edited(
        SECOND, lambda spec: spec["hashedRekordV002"]["signature"]["verifier"].update(publicKey=key)
    )
    assert "not exactly one certificate or key" in refusal(both)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"kind":"dsse","kind":"dsse"}', b"\xff"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """Strictly parsed: no key twice."""
    with pytest.raises(VerificationError) as caught:
        read_body(LogEntry(1, b"log", "dsse", "0.0.1", 0, None, None, body))
    assert caught.value.reason is Reason.TLOG_ENTRY_MISMATCH
