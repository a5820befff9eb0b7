"""Statements about a file by one digest or another, and chains with roots, judged by the real cosign and by us."""

import json
import subprocess
from pathlib import Path

import pytest

from interop.test_files_of_people import accepts, program
from pyratify.entrypoints.cli import main
from pyratify.testing.attestations import REPOSITORY, provenance_v1
from pyratify.testing.cosign import sign_statement
from support.cosign_setting import KEY
from support.file_bundles import FILE, PROVENANCE, about, digests

pytestmark = pytest.mark.interop
OTHER = b"another"
SUBJECTS = {
    "sha256": (digests("sha256"),),
    "sha384": (digests("sha384"),),
    "sha512, as npm writes it": (digests("sha512"),),
    "the second of two": (digests("sha512", data=OTHER), digests("sha512")),
    "another": (digests("sha512", data=OTHER),),
    "one agrees and one differs": ({**digests("sha256"), **digests("sha512", data=OTHER)},),
}


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("kind", ["slsaprovenance1", "vuln"])
def test_statements_are_judged_as_cosign_judges_them(name: str, kind: str, tmp_path: Path) -> None:
    """By the file, and by the type that is asked for."""
    peer = program("cosign")
    paths = {part: str(tmp_path / part) for part in ("key.pub", "file", "bundle.json")}
    Path(paths["key.pub"]).write_bytes(KEY.pem)
    Path(paths["file"]).write_bytes(FILE)
    Path(paths["bundle.json"]).write_text(
        json.dumps(sign_statement(KEY, about(*SUBJECTS[name], kind=PROVENANCE)))
    )
    options = ("--key", paths["key.pub"], "--bundle", paths["bundle.json"], "--type", kind, paths["file"])
    flags = ("--new-bundle-format", "--insecure-ignore-tlog")
    expected = accepts(peer, "verify-blob-attestation", *flags, *options, folder=tmp_path)
    assert (main(["verify-file", *options]) == 0) is expected
    assert expected is (kind == "slsaprovenance1" and name not in ("another", "one agrees and one differs"))


@pytest.mark.parametrize("form", ["--output-signature", "--bundle"])
def test_what_cosign_2_attests_without_a_sigstore_bundle_is_read(form: str, tmp_path: Path) -> None:
    """The envelope alone, and the bundle of its own that holds it; as `cosign verify-blob-attestation` judges it."""
    peer = program("cosign2")
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "COSIGN_PASSWORD": ""}

    def cosign(*command: str) -> None:
        subprocess.run((peer, *command), check=True, capture_output=True, env=environment, cwd=tmp_path)

    (tmp_path / "file").write_bytes(FILE)
    (tmp_path / "predicate.json").write_text(json.dumps(provenance_v1(finished="2026-01-01T00:00:00Z")))
    cosign("generate-key-pair")
    attested = ("--key", "cosign.key", "--predicate", "predicate.json", "--type", "slsaprovenance1")
    cosign("attest-blob", "--yes", "--tlog-upload=false", *attested, form, "made", "file")
    (tmp_path / "other.pub").write_bytes(KEY.pem)
    for key, source, code in (
        ("cosign.pub", REPOSITORY, 0),
        ("cosign.pub", "https://github.com/org/other", 1),
        ("other.pub", REPOSITORY, 1),
    ):
        for flag in ("--signature", "--bundle"):
            given = ("verify-file", flag, str(tmp_path / "made"), "--key", str(tmp_path / key))
            assert main([*given, "--source-uri", source, str(tmp_path / "file")]) == code
