"""Statements about a file by one digest or another, and chains with roots, judged by the real cosign and by us."""

import json
from pathlib import Path

import pytest

from interop.test_files_of_people import accepts, program
from pyratify.entrypoints.cli import main
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
