"""`ratify verify-file` and statements in DSSE envelopes, without a sigstore bundle around them."""

import base64
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.decode.cosign_file import verify
from pyratify.entrypoints.cli.decode.file_kinds import kind_of, kind_of_bundle
from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.media_types import IN_TOTO
from pyratify.testing.attestations import REPOSITORY, SLSA_V1, bundle, envelope, in_toto, provenance_v1
from pyratify.testing.certificates import pem
from pyratify.testing.cosign import CosignKey
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import SIGNED_AT
from pyratify.testing.sigstore_log import log_dsse, log_intoto
from support.file_bundles import LOGGED, SIGSTORE, identity

DATA = b"bytes to trust"
TRUST = ("--key", "cosign.pub")
SOURCE = ("--source-uri", REPOSITORY)
Run = Callable[..., Any]


def about(data: bytes = DATA, **said: str) -> dict[str, Any]:
    """Return a statement about these bytes."""
    return in_toto(Digest.of(data), SLSA_V1, provenance_v1(finished="2026-01-01T00:00:00Z", **said))


def enclosed(signed: dict[str, Any], **more: Any) -> bytes:
    """Return an envelope in what `cosign attest-blob --bundle` wrote before version 3."""
    return json.dumps({"base64Signature": encode_base64(json.dumps(signed).encode()), **more}).encode()


@pytest.fixture
def key(tmp_path: Path) -> CosignKey:
    """A key whose public half lies in the folder, beside a file and its attestations."""
    made = CosignKey.generate()
    (tmp_path / "cosign.pub").write_bytes(made.pem)
    (tmp_path / "other.pub").write_bytes(CosignKey.generate().pem)
    (tmp_path / "file").write_bytes(DATA)
    good = envelope(made, about())
    (tmp_path / "file.dsse").write_text(json.dumps(good))
    (tmp_path / "file.bundle").write_bytes(enclosed(good))
    lines = (envelope(CosignKey.generate(), about()), good)
    (tmp_path / "file.intoto.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return made


def test_a_signature_that_begins_as_an_envelope_does_is_a_signature(run: Run, tmp_path: Path) -> None:
    """One in 256 by Ed25519 and RSA keys begins with the byte of a brace."""
    made = CosignKey.generate("ed25519")
    data = next(each for each in (b"%d" % number for number in count()) if made.sign(each)[:1] == b"{")
    (tmp_path / "cosign.pub").write_bytes(made.pem)
    (tmp_path / "file").write_bytes(data)
    old = {"base64Signature": encode_base64(made.sign(data))}
    (tmp_path / "old.json").write_text(json.dumps(old))
    given = ("verify-file", "--bundle", "old.json", *TRUST)
    assert run(*given, "file").code == 0
    refused = run(*given, *SOURCE, "file")
    assert (refused.code, "PAYLOAD_TYPE" in refused.out) == (1, True)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("flag", ["--signature", "--bundle"])
@pytest.mark.parametrize("name", ["file.dsse", "file.bundle", "file.intoto.jsonl"])
def test_an_envelope_is_a_statement_as_a_bundle_is(name: str, flag: str, run: Run, tmp_path: Path) -> None:
    """As `cosign attest-blob` before version 3 and builders write it; whose it is, of what, and what it says is judged."""
    given = ("verify-file", flag, name)
    for asked in (SOURCE, ("--type", "slsaprovenance1"), ()):
        assert run(*given, *TRUST, *asked, "file").code == 0
    for asked, reason in (
        ((*TRUST, "--source-uri", "https://github.com/org/other"), "PROVENANCE_MISMATCH"),
        ((*TRUST, "--type", "vuln"), "PREDICATE_TYPE"),
        (("--key", "other.pub", *SOURCE), "SIG_INVALID"),
    ):
        refused = run(*given, *asked, "file")
        assert (refused.code, reason in refused.out) == (1, True)
    (tmp_path / "file").write_bytes(b"other bytes")
    refused = run(*given, *TRUST, *SOURCE, "file")
    assert (refused.code, "PAYLOAD_SUBJECT_MISMATCH" in refused.out) == (1, True)


@pytest.mark.parametrize("flag", ["--signature", "--bundle"])
@pytest.mark.parametrize("asked", [SOURCE, ()])
@pytest.mark.usefixtures("key")
def test_a_statement_that_nothing_signs_is_refused(
    flag: str, asked: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    """And it is not taken for a signature of another kind."""
    (tmp_path / "plain.json").write_text(json.dumps(about()))
    refused = run("verify-file", flag, "plain.json", *TRUST, *asked, "file")
    assert (refused.code, "EVIDENCE_UNSIGNED" in refused.out) == (1, True)


@pytest.mark.parametrize("asked", [("--type", "https://example.com/large"), ()])
def test_a_large_attestation_is_read_as_in_a_registry(
    key: CosignKey, asked: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    """SBOMs have several MiB; more than 16 MiB are refused before they are read."""
    large = in_toto(Digest.of(DATA), "https://example.com/large", {"filler": ["x" * 1000] * 5000})
    (tmp_path / "large.json").write_text(json.dumps(bundle(key, large)))
    assert run("verify-file", "--bundle", "large.json", *TRUST, *asked, "file").code == 0
    (tmp_path / "huge.json").write_text(" " * (16 * 1024 * 1024) + "{}")
    ran = run("verify-file", "--bundle", "huge.json", *TRUST, *asked, "file")
    assert (ran.code, "has more than" in ran.err) == (3, True)


@pytest.mark.parametrize("log", [log_dsse, log_intoto])
def test_a_keyless_envelope_brings_its_certificate_and_log_entry(log: Callable[..., bytes]) -> None:
    """In cosign's older bundle; the certificate alone, without the log, proves no time."""
    policy = identity(SIGSTORE.root)
    trusted = load_authenticator(policy, FakeClock(SIGNED_AT))
    signer = SIGSTORE.signer(LOGGED)
    data = json.dumps(about()).encode()
    signature = signer.key.sign(pre_authentication_encoding(IN_TOTO, data))
    made = {
        "payload": encode_base64(data),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": encode_base64(signature)}],
    }
    cert = base64.b64encode(pem(signer.der)).decode()
    entry = SIGSTORE.logs[1].annotation(log(data, signature, signer.der), LOGGED.at)
    whole, bare = enclosed(made, cert=cert, rekorBundle=entry), enclosed(made, cert=cert)
    artifact = Artifact.of(DATA)
    details = verify(whole, artifact, trusted, kind=kind_of_bundle(whole), predicate_type=SLSA_V1)
    assert details.signers[0].startswith("sigstore:")
    assert kind_of("file.bundle", whole) == kind_of_bundle(whole)
    with pytest.raises(VerificationError) as refused:
        verify(bare, artifact, trusted, kind=kind_of_bundle(bare))
    assert refused.value.reason is Reason.TLOG_PROOF_INVALID


@pytest.mark.parametrize(
    ("name", "key_name", "reason"),
    [
        ("alpine.att.json", "cosign.pub", ""),
        ("alpine.att.json", "another_cosign.pub", "SIG_INVALID"),
        ("alpine-tampered.att.json", "cosign.pub", "SIG_INVALID"),
        ("alpine.cdx.att.json", "cosign.pub", "PAYLOAD_SUBJECT_MISMATCH"),
    ],
)
def test_envelopes_of_other_tools_are_read(
    name: str, key_name: str, reason: str, shared: Path, run: Run
) -> None:
    """As Syft and cosign 1 wrote them, about an image whose digest is given."""
    folder = shared / "grype" / "attestations"
    image = "sha256:6af1b11bbb17f4c311e269db6530e4da2738262af5fd9064ccdf109b765860fb"
    ran = run("verify-file", "--signature", folder / name, "--key", folder / key_name, image)
    assert ran.code == (1 if reason else 0)
    assert reason in ran.out
