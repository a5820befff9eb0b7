"""`ratify verify-file` and its older names: one verb that reads what it is given."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.testing.cosign import CosignKey, sign_message, sign_statement, statement
from support.key_services import KeyService, hide

DATA = b"bytes to trust"
NAMES = ("verify-file", "verify-blob", "verify-bundle")
Run = Callable[..., Any]


@pytest.fixture
def key(tmp_path: Path) -> CosignKey:
    """A key whose public half lies in the folder, beside a file and its signatures."""
    made = CosignKey.generate()
    (tmp_path / "cosign.pub").write_bytes(made.pem)
    (tmp_path / "other.pub").write_bytes(CosignKey.generate().pem)
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "file.sigstore.json").write_text(json.dumps(sign_message(made, DATA)))
    old = {"base64Signature": base64.b64encode(made.sign(DATA)).decode()}
    (tmp_path / "old.json").write_text(json.dumps(old))
    (tmp_path / "file.sig").write_bytes(base64.encodebytes(made.sign(DATA)))
    return made


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("signature", ["file.sigstore.json", "file.sig", "old.json"])
def test_every_name_reads_every_kind(name: str, signature: str, run: Run, tmp_path: Path) -> None:
    """A bundle and a bare signature, by the file and by its digest; with another key neither counts."""
    arguments = (name, "--signature", signature, "--key", "cosign.pub")
    assert run(*arguments, "file").code == 0
    assert run(*arguments, Digest.of(DATA)).code == 0
    refused = run(name, "--signature", signature, "--key", "other.pub", "file")
    assert refused.code == 1
    assert "SIG_INVALID" in refused.out
    (tmp_path / "file").write_bytes(DATA + b"!")
    assert run(*arguments, "file").code == 1


@pytest.mark.usefixtures("key")
def test_a_bundle_of_another_file_shows_both_digests(run: Run, tmp_path: Path) -> None:
    """And does not blame the key."""
    (tmp_path / "file").write_bytes(DATA + b"!")
    out = run("verify-file", "--bundle", "file.sigstore.json", "--key", "cosign.pub", "file").out
    assert f"the bundle is of {Digest.of(DATA)}, and the artifact is {Digest.of(DATA + b'!')}" in out
    assert "what to do: Give the artifact that was signed" in out


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("output", ["text", "tree", "json"])
def test_the_names_say_the_same(output: str, run: Run) -> None:
    """Word for word."""
    tail = ("--bundle", "file.sigstore.json", "--key", "cosign.pub", "-o", output, "file")
    assert len({run(name, *tail) for name in NAMES}) == 1


@pytest.mark.usefixtures("key")
def test_what_lies_beside_the_file_is_suggested(run: Run) -> None:
    """It is not used unless it is named."""
    ran = run("verify-file", "--key", "cosign.pub", "file")
    assert ran.code == 3
    assert "--signature file.sigstore.json" in ran.err


@pytest.mark.usefixtures("key")
def test_a_kind_that_nothing_trusts_names_its_flags(run: Run, material: Path) -> None:
    """A bundle with a certificate authority alone, and the other way round."""
    ca = ("--cert", material / "certs" / "ca.pem", "--trusted-identity", "*")
    ran = run("verify-file", "--signature", "file.sigstore.json", *ca, "file")
    assert ran.code == 3
    assert "--key" in ran.err
    Path("envelope").write_text('{"payload": "", "protected": ""}')
    ran = run("verify-file", "--signature", "envelope", "--key", "cosign.pub", "file")
    assert ran.code == 3
    assert "--cert" in ran.err


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x00\x01", b"c2hvcnQ=", b"\xff\xfe"])
def test_what_is_no_signature_is_a_mistake(content: bytes, run: Run) -> None:
    """Nothing is guessed."""
    Path("junk").write_bytes(content)
    assert run("verify-file", "--signature", "junk", "--key", "cosign.pub", "file").code == 3


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("awskms:///alias/x", ("AWS KMS", "pyratify-aws", "cosign public-key --key 'awskms:///alias/x'")),
        ("gcpkms://projects/p/key", ("Google Cloud KMS", "pyratify-gcp")),
        ("azurekms://vault/key", ("Azure Key Vault", "pyratify-azure")),
        ("hashivault://key", ("HashiCorp Vault", "pyratify-vault")),
        ("pkcs11:token=x", ("PKCS #11", "pyratify.keys")),
        ("https://example.com/cosign.pub", ("web server", "curl")),
        ("env://COSIGN_PUBLIC_KEY", ("environment", "`inline`")),
        ("file:///cosign.pub", ("/cosign.pub",)),
    ],
)
def test_key_references_say_what_would_read_them(
    reference: str, words: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a flag and in a configuration, where their plugins are not installed."""
    hide(monkeypatch, "awskms", "azurekms", "gcpkms", "hashivault")
    (tmp_path / "ratify.yaml").write_text(
        'executors: [{scopes: ["*"], verifiers: [{name: c, type: cosign, parameters:'
        f" {{trustPolicies: [{{keys: {{files: ['{reference}']}}}}]}}}}]}}]\n"
    )
    in_a_flag = run("verify", "--key", reference, "app")
    configured = () if reference.startswith("file:") else (run("config", "check", "-c", "ratify.yaml"),)
    for ran in (in_a_flag, *configured):
        assert ran.code == 3
        assert "KEY_UNAVAILABLE" in ran.err
        for word in words:
            assert word in ran.err


def test_a_file_whose_name_looks_like_a_reference_is_read(run: Run, material: Path) -> None:
    """What is there is a file."""
    Path("pkcs11:key").write_bytes((material / "keys" / "cosign.pub").read_bytes())
    assert run("verify", "--key", "pkcs11:key", f"oci:{material / 'layout'}:cosign-v3").code == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_by_another_digest_counts(key: CosignKey, name: str, run: Run, tmp_path: Path) -> None:
    """Npm's provenance names a package by SHA-512 alone; the file, or that digest of it, is given."""
    digest = Digest.of(DATA, "sha512")
    document = statement(digest, predicate_type="https://slsa.dev/provenance/v1")
    (tmp_path / "npm.json").write_text(json.dumps(sign_statement(key, document)))
    arguments = (name, "--bundle", "npm.json", "--key", "cosign.pub")
    assert run(*arguments, "file").code == 0
    assert run(*arguments, digest).code == 0
    refused = run(*arguments, Digest.of(DATA))
    assert refused.code == 1
    assert "sha512:HEX" in refused.out


def test_only_the_type_that_is_asked_for_counts(key: CosignKey, run: Run, tmp_path: Path) -> None:
    """By its URI or by cosign's short name; a signature is no statement, and a misspelt name is a mistake."""
    document = statement(Digest.of(DATA), predicate_type="https://slsa.dev/provenance/v1")
    (tmp_path / "slsa.json").write_text(json.dumps(sign_statement(key, document)))
    arguments = ("verify-bundle", "--key", "cosign.pub")
    for kind in ("slsaprovenance1", "https://slsa.dev/provenance/v1"):
        assert run(*arguments, "--bundle", "slsa.json", "--type", kind, "file").code == 0
    for signature in ("slsa.json", "file.sigstore.json", "file.sig"):
        refused = run(*arguments, "--signature", signature, "--type", "vuln", "file")
        assert refused.code == 1
        # As `verify --type` says of a statement of another type.
        assert ("PREDICATE_TYPE" if signature == "slsa.json" else "PAYLOAD_TYPE") in refused.out
    assert run(*arguments, "--bundle", "slsa.json", "--type", "slsaprovenance9", "file").code == 3


@pytest.mark.usefixtures("key")
def test_a_type_is_not_asked_of_notation(run: Run, material: Path) -> None:
    """Its envelopes hold no statements, and passing the flag over would say too much."""
    Path("envelope").write_text('{"payload": "", "protected": ""}')
    ca = ("--cert", material / "certs" / "ca.pem", "--trusted-identity", "*")
    ran = run("verify-file", "--signature", "envelope", *ca, "--type", "vuln", "file")
    assert ran.code == 3
    assert "--type" in ran.err


@pytest.mark.usefixtures("key")
def test_signatures_that_cannot_be_verified_in_time_decide_nothing(run: Run, material: Path) -> None:
    """A time of nothing is over at once."""
    ca = ("--cert", material / "certs" / "ca.pem", "--trusted-identity", "*")
    both = ("--key", "cosign.pub", "--bundle", "file.sigstore.json", *ca)
    ran = run("verify-file", *both, "--timeout", "1e-9", "file")
    assert ran.code == 2
    assert "TIMEOUT" in ran.out


@pytest.mark.usefixtures("key")
def test_kinds_that_nothing_trusts_stand_in_the_report(run: Run) -> None:
    """Beside one that is trusted; they neither help nor harm."""
    Path("envelope").write_text('{"payload": "", "protected": ""}')
    given = ("--signature", "envelope", "--signature", "file.sigstore.json")
    ran = run("verify-file", *given, "--key", "cosign.pub", "-o", "json", "file")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert [len(report["results"]) for report in found["artifactReports"]] == [0, 1]
    assert run("verify-file", *given, "--key", "other.pub", "file").code == 1


def test_keys_of_the_wrong_kind_are_a_mistake_of_usage(run: Run, tmp_path: Path, material: Path) -> None:
    """Both kinds of trust may be given, and both are checked."""
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "envelope.jws.sig").write_text("{}")
    given = ("--signature", "envelope.jws.sig", "file")
    wrong = ("--cert", material / "keys" / "cosign.pub", "--trusted-identity", "*")
    assert run("verify-file", *wrong, *given).code == 3
    assert (
        run(
            "verify-file",
            "--cert",
            material / "certs" / "ca.pem",
            "--trusted-identity",
            "*",
            *given[:2],
            "gone",
        ).code
        == 3
    )
    assert "wrote" not in run("verify-file", *given).out


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "more",
    [
        {"cert": "bm8gUEVN"},
        {"cert": base64.b64encode(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").decode()},
        {"cert": base64.b64encode(b"-----BEGIN X-----\nAA\n").decode()},
        {"rekorBundle": 5},
        {"unknown": 1},
        {"base64Signature": 5},
    ],
)
def test_an_old_bundle_is_read_strictly(more: dict[str, Any], run: Run) -> None:
    """What does not belong there is refused, and nothing of it is trusted."""
    document = json.loads(Path("old.json").read_text()) | more
    Path("odd.json").write_text(json.dumps(document))
    ran = run("verify-file", "--signature", "odd.json", "--key", "cosign.pub", "file")
    assert ran.code == 1
    assert "ENVELOPE_MALFORMED" in ran.out or "JSON_INVALID" in ran.out


def test_a_key_of_a_service_is_read_by_its_plugin(
    key: CosignKey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With cosign's spelling; a service that is down makes the command unusable and allows nothing."""
    service = KeyService({"1": CosignKey.generate().pem, "2": key.pem})
    service.install(monkeypatch, "hashivault")
    arguments = ("verify-file", "--signature", "file.sigstore.json", "--key", "hashivault://signing", "file")
    assert run(*arguments).code == 0
    assert service.asked == ["hashivault://signing"]
    service.down = True
    assert run(*arguments).code == 3


def test_flags_with_a_key_of_a_service_become_a_configuration(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config init` writes the reference where a configuration has it."""
    KeyService({"1": CosignKey.generate().pem}).install(monkeypatch, "hashivault")
    ran = run("config", "init", "--key", "hashivault://signing")
    assert ran.code == 0
    assert "hashivault://signing" in ran.out
    (Path("ratify.yaml")).write_text(ran.out)
    assert run("config", "check", "-c", "ratify.yaml").code == 0


@pytest.mark.parametrize("flag", ["--bundle", "--signature"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_file_may_hold_several_bundles(
    key: CosignKey, flag: str, place: int, run: Run, tmp_path: Path
) -> None:
    """As `gh attestation download` writes them: one that is good is enough, wherever it stands, and all are in the report."""
    lines = [json.dumps(sign_message(CosignKey.generate(), DATA)), "nonsense"]
    (tmp_path / "bad.jsonl").write_text("\n".join(lines))
    lines.insert(place, json.dumps(sign_message(key, DATA)))
    (tmp_path / "all.jsonl").write_text("\n".join(lines) + "\n")
    ran = run("verify-file", flag, "all.jsonl", "--key", "cosign.pub", "-o", "json", "file")
    assert ran.code == 0
    outcomes = [
        result["outcome"] for report in json.loads(ran.out)["artifactReports"] for result in report["results"]
    ]
    assert [each == "PASSED" for each in outcomes] == [number == place for number in range(3)]
    assert run("verify-file", flag, "bad.jsonl", "--key", "cosign.pub", "file").code == 1


@pytest.mark.usefixtures("key")
def test_a_file_with_too_many_bundles_is_refused(run: Run, tmp_path: Path) -> None:
    """One that is cut must not look whole; the file is named."""
    (tmp_path / "many.jsonl").write_text("{}\n" * 101)
    ran = run("verify-file", "--bundle", "many.jsonl", "--key", "cosign.pub", "file")
    assert ran.code == 3
    assert "many.jsonl: there are more lines" in ran.err
