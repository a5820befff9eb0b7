"""`ratify verify-blob` and `--user-metadata`, with signatures made by the material's own signers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.testing.certificates import Issued
from pyratify.testing.notation import GOOD, Recipe, algorithm_of, sign_cose, sign_jws

Run = Callable[..., Any]
IDENTITY = "C=US, ST=WA, O=Pyratify Test"
DATA = b"bytes to trust"
PROD = Recipe(payload=lambda payload: payload["targetArtifact"].update(annotations={"stage": "prod"}))


@pytest.fixture
def signer(material: Path) -> Issued:
    """The material's signer with an elliptic key."""
    certs = material / "certs"
    first, *above = x509.load_pem_x509_certificates((certs / "ec.pem").read_bytes())
    key = load_pem_private_key((certs / "ec.key").read_bytes(), None)
    ders = tuple(each.public_bytes(Encoding.DER) for each in above)
    return Issued(first.public_bytes(Encoding.DER), key, ders)


@pytest.fixture
def file(tmp_path: Path, signer: Issued) -> Path:
    """A file with signatures in both formats beside it."""
    path = tmp_path / "file.txt"
    path.write_bytes(DATA)
    descriptor = Descriptor("text/plain", Digest.of(DATA, algorithm_of(signer).hash), len(DATA))
    (tmp_path / "file.txt.jws.sig").write_bytes(sign_jws(signer, descriptor, GOOD))
    (tmp_path / "file.txt.cose.sig").write_bytes(sign_cose(signer, descriptor, PROD))
    return path


@pytest.fixture
def cert(material: Path) -> tuple[Any, ...]:
    """The flags that trust the signer."""
    return ("--cert", material / "certs" / "ca.pem", "--trusted-identity", IDENTITY)


@pytest.mark.parametrize("kind", ["jws", "cose"])
def test_a_signed_file_is_allowed_and_a_changed_one_is_not(
    file: Path, cert: tuple[Any, ...], run: Run, kind: str
) -> None:
    """With the same exit codes and report as an image."""
    arguments = ("verify-blob", "file.txt", "--signature", f"file.txt.{kind}.sig", *cert, "-o", "json")
    result = run(*arguments)
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert (document["decision"], document["reference"]) == ("ALLOW", "./file.txt")
    assert document["digest"] == Digest.of(DATA)
    file.write_bytes(DATA + b"!")
    result = run(*arguments)
    assert result.code == 1
    assert json.loads(result.out)["failure"]["code"] == "POLICY_UNSATISFIED"
    assert "PAYLOAD_SUBJECT_MISMATCH" in result.out


def test_one_good_signature_of_several_is_enough(file: Path, cert: tuple[Any, ...], run: Run) -> None:
    """A bad one beside it is in the report."""
    (file.parent / "bad.sig").write_bytes(b"{}")
    both = ("--signature", "bad.sig", "--signature", "file.txt.jws.sig")
    assert run("verify-blob", file, *both, *cert).code == 0
    assert run("verify-blob", file, *both[:2], *cert).code == 1


def test_trust_policies_for_blobs_are_used(file: Path, material: Path, run: Run, tmp_path: Path) -> None:
    """From files, or from notation's folder; the statement by name or the global one."""
    folder = tmp_path / "notation"
    shutil.copytree(material / "truststore", folder / "truststore")
    document = json.loads((material / "trustpolicy.json").read_bytes())
    (statement,) = document["trustPolicies"]
    del statement["registryScopes"]
    policy = folder / "trustpolicy.blob.json"
    policy.write_text(json.dumps(document))
    files = ("--trust-policy", policy, "--trust-store", folder / "truststore")
    base = ("verify-blob", file, "--signature", "file.txt.jws.sig")
    for trust in (files, ("--notation-config", folder)):
        assert run(*base, *trust, "--policy-name", statement["name"]).code == 0
        refused = run(*base, *trust)
        assert refused.code == 1
        assert "POLICY_NOT_FOUND" in refused.out
    policy.write_text(json.dumps(document | {"trustPolicies": [statement | {"globalPolicy": True}]}))
    assert run(*base, *files).code == 0
    assert run(*base, "--trust-policy", material / "trustpolicy.json", *files[2:]).code == 3


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--cert", "CA"),
        ("--cert", "CA", "--trusted-identity", "*", "--notation-config", "x"),
        ("--cert", "CA", "--trusted-identity", "*", "-m", "stage"),
        ("--cert", "CA", "--trusted-identity", "*", "-m", "a=1", "-m", "a=2"),
        ("--cert", "CA", "--trusted-identity", "*", "--media-type"),
        ("--trust-policy", "x"),
        ("--cert", "missing", "--trusted-identity", "*"),
    ],
)
def test_what_is_not_said_completely_is_a_mistake(
    flags: tuple[str, ...], file: Path, material: Path, run: Run
) -> None:
    """Nothing is trusted by default."""
    given = [material / "certs" / "ca.pem" if flag == "CA" else flag for flag in flags]
    assert run("verify-blob", file, "--signature", "file.txt.jws.sig", *given).code == 3


def test_files_that_are_not_there_are_a_mistake(file: Path, cert: tuple[Any, ...], run: Run) -> None:
    """Neither the file nor a signature is made up."""
    assert run("verify-blob", "missing", "--signature", "file.txt.jws.sig", *cert).code == 3
    assert run("verify-blob", file, "--signature", "missing", *cert).code == 3
    assert run("verify-blob", file, *cert).code == 3


def test_the_media_type_and_metadata_that_are_asked_for_must_be_signed(
    file: Path, cert: tuple[Any, ...], run: Run
) -> None:
    """What the signer did not say is not there."""
    base = ("verify-blob", file, *cert)
    jws, cose = ("--signature", "file.txt.jws.sig"), ("--signature", "file.txt.cose.sig")
    assert run(*base, *jws, "--media-type", "text/plain").code == 0
    assert run(*base, *jws, "--media-type", "text/html").code == 1
    assert run(*base, *cose, "-m", "stage=prod").code == 0
    assert run(*base, *cose, "-m", "stage=prod", "-m", "region=a=b").code == 1
    denied = run(*base, *jws, "--user-metadata", "stage=prod")
    assert denied.code == 1
    assert "METADATA_MISMATCH" in denied.out


def test_metadata_is_asked_of_images_too(cert: tuple[Any, ...], material: Path, run: Run) -> None:
    """Notation signatures without it do not count, and cosign's, which cannot have it, are not mixed in."""
    image = f"oci:{material / 'layout'}:notation-jws-ec"
    assert run("verify", *cert, image).code == 0
    assert run("verify", *cert, "-m", "stage=prod", image).code == 1
    key = ("--key", material / "keys" / "cosign.pub")
    assert run("verify", *key, *cert, "-m", "stage=prod", image).code == 3
    assert run("verify", *key, "-m", "stage=prod", image).code == 3


def test_the_number_of_signatures_looked_at_is_bounded(
    cert: tuple[Any, ...], material: Path, run: Run
) -> None:
    """The bound is at least one, and needs something that is trusted."""
    image = f"oci:{material / 'layout'}:notation-jws-ec"
    assert run("verify", *cert, "--max-signatures", "1", image).code == 0
    for count in ("0", "-1", "x"):
        assert run("verify", *cert, "--max-signatures", count, image).code == 3
    assert run("verify", "--max-signatures", "1", image).code == 3


def test_plugins_have_to_be_there(file: Path, cert: tuple[Any, ...], run: Run, tmp_path: Path) -> None:
    """A name that no program has is a mistake; one that is there is not run for a signature that does not ask."""
    base = ("verify-blob", file, "--signature", "file.txt.jws.sig", *cert, "--plugin", "com.example.check")
    assert run(*base, "--plugin-dir", tmp_path).code == 3
    program = tmp_path / "home/.config/notation/plugins/com.example.check/notation-com.example.check"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    assert run(*base).code == 0
    assert run("verify", "--plugin", "com.example.check", "app").code == 3
