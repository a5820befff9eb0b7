"""`ratify verify --type ...`: a statement in place of a signature, asked for by flags."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.digest import Digest
from pyratify.testing.attestations import (
    REF,
    SLSA_V1,
    VERIFIER,
    VSA,
    WORKFLOW,
    attach_attestation,
    attach_under_tag,
    bundle,
    envelope,
    in_toto,
    provenance_v1,
    summary,
)
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.cosign import CosignKey
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore

Run = Callable[..., tuple[int, str, str]]
LONG_AGO = "2024-01-01T00:00:00Z"


@pytest.fixture
def key(tmp_path: Path) -> CosignKey:
    """A key whose public half lies in the folder, beside that of another."""
    made = CosignKey.generate()
    (tmp_path / "cosign.pub").write_bytes(made.pem)
    (tmp_path / "other.pub").write_bytes(CosignKey.generate().pem)
    return made


@pytest.fixture(params=["bundle", "tag"])
def image(request: pytest.FixtureRequest, key: CosignKey, tmp_path: Path) -> str:
    """A layout with an image and its provenance, in a bundle or under cosign's tag."""
    store = MemoryStore()
    subject = store.add_image()
    statement = in_toto(subject.digest, SLSA_V1, provenance_v1(finished=LONG_AGO))
    if request.param == "bundle":
        attach_attestation(store, subject, bundle(key, statement))
    else:
        attach_under_tag(store, subject, envelope(key, statement))
    write_layout(store, tmp_path / "layout")
    return f"oci:{tmp_path / 'layout'}@{subject.digest}"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--type", "slsaprovenance1"), ""),
        (("--type", SLSA_V1), ""),
        (("--type", "slsaprovenance"), "PREDICATE_TYPE"),
        (("--type", f"{SLSA_V1}.evil"), "PREDICATE_TYPE"),
        (("--source-uri", SOURCE), ""),
        (("--type", "slsaprovenance1", "--source-uri", SOURCE, "--builder-id", WORKFLOW), ""),
        (("--source-uri", "https://github.com/org/other"), "PROVENANCE_MISMATCH"),
        (("--source-uri", SOURCE, "--builder-id", "https://example.com"), "PROVENANCE_MISMATCH"),
        (("--source-ref", REF, "--build-type", "https://actions.github.io/buildtypes/workflow/v1"), ""),
        (("--maximum-age", "1h"), "EVIDENCE_STALE"),
    ],
)
def test_flags_ask_for_a_statement(flags: tuple[str, ...], reason: str, run: Run, image: str) -> None:
    """By its type alone, or by what it must say; with another key it never counts."""
    code, out, err = run("verify", "--key", "cosign.pub", *flags, "--no-cache", "-o", "json", image)
    assert err == ""
    assert code == (1 if reason else 0)
    assert reason in out
    refused = run("verify", "--key", "other.pub", *flags, "--no-cache", "-o", "json", image)
    assert refused[0] == 1
    assert "SIG_INVALID" in refused[1]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--verifier-id", VERIFIER), 0),
        (("--type", "vsa", "--verifier-id", VERIFIER, "--verified-level", "SLSA_BUILD_LEVEL_2"), 0),
        (("--verifier-id", VERIFIER, "--verified-level", "SLSA_BUILD_LEVEL_4"), 1),
        (("--verifier-id", VERIFIER, "--resource-uri", "https://example.com/app"), 0),
        (("--verifier-id", VERIFIER, "--resource-uri", "https://example.com/else"), 1),
        (("--verifier-id", "https://example.com/else"), 1),
        (("--verifier-id", VERIFIER, "--source-uri", SOURCE), 3),
        (("--type", "slsaprovenance1", "--verifier-id", VERIFIER), 3),
    ],
)
def test_flags_ask_for_a_verification_summary(
    flags: tuple[str, ...], code: int, key: CosignKey, run: Run, tmp_path: Path
) -> None:
    """By its verifier, and by what was verified as what."""
    store = MemoryStore()
    image = store.add_image()
    predicate = summary(timeVerified=LONG_AGO)
    attach_attestation(store, image, bundle(key, in_toto(image.digest, VSA, predicate)))
    write_layout(store, tmp_path / "layout")
    reference = f"oci:{tmp_path / 'layout'}@{image.digest}"
    assert run("verify", "--key", "cosign.pub", *flags, "--no-cache", reference)[0] == code


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--source-uri", SOURCE), "--source-uri needs --key or --certificate-identity"),
        (("-c", "ratify.yaml", "--source-uri", SOURCE), "-c and --source-uri exclude one another"),
        (("--key", "cosign.pub", "--source-uri", "*"), "--source-uri"),
        (("--key", "cosign.pub", "--maximum-age", "soon"), "--maximum-age"),
        (("--key", "cosign.pub", "--type", "spdx", "--source-uri", SOURCE), "--type"),
        (
            ("--key", "cosign.pub", "--type", "vsa", "--source-uri", SOURCE),
            "--type and --source-uri ask for two kinds of statements",
        ),
        (
            ("--key", "cosign.pub", "--verifier-id", VERIFIER, "--maximum-age", "1h"),
            "--verifier-id and --maximum-age ask for two kinds",
        ),
        (("--key", "cosign.pub", "--type", "slsaprovenance9"), "slsaprovenance9"),
        (("--key", "cosign.pub", "--verifier-id", ""), "--verifier-id: an empty value asks for nothing"),
        (("--key", "cosign.pub", "--resource-uri", " "), "--resource-uri: an empty value asks for nothing"),
        (("--key", "cosign.pub", "--maximum-age", ""), "--maximum-age: an empty value asks for nothing"),
        (("--key", "cosign.pub", "--signer-workflow", ""), "--signer-workflow: an empty value"),
        (("--signer-workflow", "org/app"), "Write it as OWNER/REPOSITORY/.github/workflows/FILE"),
    ],
)
@pytest.mark.usefixtures("key")
def test_a_flag_that_cannot_be_meant_is_named(flags: tuple[str, ...], said: str, run: Run) -> None:
    """In the words of the command line, and before anything is read."""
    code, _, err = run("verify", *flags, "example.com/app")
    assert code == 3
    assert said in err


@pytest.mark.parametrize(
    "kind", ["slsa/attestation", "application/vnd.in-toto.bundle", "application/vnd.in-toto.vsa+dsse"]
)
def test_what_the_verifier_reads_is_discovered_as_an_attestation(
    kind: str, key: CosignKey, run: Run, tmp_path: Path
) -> None:
    """By every media type, and `verify` reads it."""
    store = MemoryStore()
    image = store.add_image()
    said = in_toto(image.digest, VSA, summary(timeVerified=LONG_AGO))
    store.attach(image, kind, (kind, json.dumps(envelope(key, said)).encode()))
    write_layout(store, tmp_path / "layout")
    reference = f"oci:{tmp_path / 'layout'}@{image.digest}"
    assert "): attestation" in run("discover", reference)[1]
    flags = ("--key", "cosign.pub", "--type", "vsa", "--no-cache")
    assert run("verify", *flags, reference)[0] == 0


def test_the_flags_make_a_configuration_that_means_the_same(run: Run, image: str, tmp_path: Path) -> None:
    """`config init` writes what `verify` does."""
    flags = ("--key", "cosign.pub", "--source-uri", SOURCE, "--source-ref", "refs/tags/v*")
    code, out, err = run("config", "init", *flags)
    assert (code, err) == (0, "")
    assert "attestation" in out
    (tmp_path / "ratify.yaml").write_text(out)
    assert run("verify", "-c", "ratify.yaml", "--no-cache", image)[0] == 0


@pytest.mark.parametrize("name", ["verify-file", "verify-bundle"])
def test_a_bundle_beside_a_file_is_judged_by_the_same_rules(
    name: str, key: CosignKey, run: Run, tmp_path: Path
) -> None:
    """`--type` and the rules mean what they mean for images."""
    (tmp_path / "file").write_bytes(b"release")
    statement = in_toto(Digest.of(b"release"), SLSA_V1, provenance_v1(finished=LONG_AGO))
    (tmp_path / "file.json").write_text(json.dumps(bundle(key, statement)))
    common = (name, "--bundle", "file.json", "--key", "cosign.pub")
    assert run(*common, "--source-uri", SOURCE, "file")[0] == 0
    for flags, reason in (
        (("--source-uri", "https://github.com/org/other"), "PROVENANCE_MISMATCH"),
        (("--type", "slsaprovenance", "--source-uri", SOURCE), "PREDICATE_TYPE"),
    ):
        code, out, _ = run(*common, *flags, "file")
        assert code == 1
        assert reason in out
    (tmp_path / "file").write_bytes(b"another")
    code, out, _ = run(*common, "--source-uri", SOURCE, "file")
    assert code == 1
    assert "PAYLOAD_SUBJECT_MISMATCH" in out


@pytest.mark.parametrize("order", [("PASSED", "FAILED"), ("FAILED", "PASSED")])
def test_a_failed_summary_of_a_file_denies_whatever_stands_beside_it(
    order: tuple[str, str], key: CosignKey, run: Run, tmp_path: Path
) -> None:
    """As for images; one by another key, which anyone can make, denies nothing."""
    (tmp_path / "file").write_bytes(b"release")
    for result in order:
        said = in_toto(Digest.of(b"release"), VSA, summary(result=result, timeVerified=LONG_AGO))
        (tmp_path / result).write_text(json.dumps(bundle(key, said)))
        (tmp_path / "untrusted").write_text(json.dumps(bundle(CosignKey.generate(), said)))
    common = ("verify-file", "--key", "cosign.pub", "--verifier-id", VERIFIER, "file")
    given = [text for name in order for text in ("--bundle", name)]
    code, out, _ = run(*common, *given)
    assert code == 1
    assert "PROVENANCE_MISMATCH" in out
    assert run(*common, "--bundle", "PASSED", "--bundle", "untrusted")[0] == 0
