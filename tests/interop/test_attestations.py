"""Attestations that both versions of the real `cosign attest` make, judged as `cosign verify-attestation` judges them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import live
from interop.sigstore_scene import peer
from pyratify.testing.attestations import (
    REPOSITORY as SOURCE,
)
from pyratify.testing.attestations import SLSA_V1, provenance_v1

pytestmark = pytest.mark.interop
OTHER = "https://github.com/org/other"
LONG_AGO = "2024-01-01T00:00:00Z"
KEY = str(live.signers.KEYS / "cosign.key")
OTHER_KEY = str(live.signers.KEYS / "other.key")


class Attested:
    """A repository whose images carry attestations.

    Args:
        repository: Where the images are pushed.
        folder: For predicates.
    """

    def __init__(self, repository: live.loopback.Repository, folder: Path) -> None:
        self.repository = repository
        self.folder = folder
        live.signers.write_json(folder / "config.json", live.signers.NO_LOG)
        for source, name in ((SOURCE, "right"), (OTHER, "wrong")):
            predicate = provenance_v1(source=source, builder="https://example.com/b", finished=LONG_AGO)
            predicate["buildDefinition"]["buildType"] = "https://example.com/type"
            (folder / f"{name}.json").write_text(json.dumps(predicate))

    def attest(
        self, program: str, tag: str, what: str, key: str = KEY, kind: str = "slsaprovenance1"
    ) -> None:
        """Have cosign attach a statement."""
        flags = ["--yes", "--key", key, "--predicate", str(self.folder / f"{what}.json"), "--type", kind]
        if program == "cosign2":
            flags += ["--tlog-upload=false"]
        else:
            flags += [f"--signing-config={self.folder / 'config.json'}"]
        done = peer(program, {}, "attest", *flags, self.at(tag))
        assert done.returncode == 0, done.stderr

    def at(self, tag: str) -> str:
        """Return an image's name, by its digest."""
        return str(live.signers.at_digest(self.repository, tag))

    def verdict(self, tag: str, *flags: str, key: str = "cosign") -> tuple[int, str]:
        """Return our exit code and the report."""
        answer = live.ratify(*live.with_key(key), "--plain-http", "--no-cache", *flags, self.at(tag))
        assert answer.stderr == ""
        return answer.code, json.dumps(answer.only)

    def cosign_accepts(self, program: str, tag: str, kind: str, key: str = "cosign") -> bool:
        """Return what cosign says of the type and the signature."""
        flags = ("--key", str(live.signers.KEYS / f"{key}.pub"), "--insecure-ignore-tlog=true")
        return peer(program, {}, "verify-attestation", *flags, "--type", kind, self.at(tag)).returncode == 0


@pytest.fixture(scope="module", params=["referrers-api", "no-referrers-api"])
def attested(
    request: pytest.FixtureRequest, peers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attested]:
    """A registry with and without the referrers API, and an image for each case."""
    folder = tmp_path_factory.mktemp("attested")
    with live.running(request.param, folder) as repository:
        found = Attested(repository, folder)
        for program in ("cosign", "cosign2"):
            for what in ("right", "wrong"):
                repository.push_image(f"{program}-{what}")
                found.attest(program, f"{program}-{what}", what)
            repository.push_image(f"{program}-two")
            found.attest(program, f"{program}-two", "wrong")
            found.attest(program, f"{program}-two", "right")
            repository.push_image(f"{program}-stranger")
            found.attest(program, f"{program}-stranger", "right", OTHER_KEY)
            repository.push_image(f"{program}-look-alike")
            found.attest(program, f"{program}-look-alike", "right", kind=f"{SLSA_V1}.evil")
        yield found


@pytest.mark.parametrize("program", ["cosign", "cosign2"])
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("right", ""),
        ("wrong", "PROVENANCE_MISMATCH"),
        ("two", ""),
        ("stranger", "SIG_INVALID"),
        ("look-alike", "PREDICATE_TYPE"),
    ],
)
def test_what_cosign_attests_is_judged_by_its_source(
    program: str, image: str, reason: str, attested: Attested
) -> None:
    """A bundle of version 3 and layers of version 2, with a referrers API and without."""
    code, report = attested.verdict(f"{program}-{image}", "--source-uri", SOURCE)
    assert code == (1 if reason else 0), report
    assert reason in report


@pytest.mark.parametrize("program", ["cosign", "cosign2"])
@pytest.mark.parametrize("image", ["right", "wrong", "stranger", "look-alike"])
@pytest.mark.parametrize("key", ["cosign", "other"])
def test_type_and_signature_alone_are_judged_as_cosign_judges_them(
    program: str, image: str, key: str, attested: Attested
) -> None:
    """`--type` of both commands means the same."""
    tag = f"{program}-{image}"
    accepted = attested.cosign_accepts(program, tag, "slsaprovenance1", key)
    code, report = attested.verdict(tag, "--type", "slsaprovenance1", key=key)
    assert (code == 0) is accepted, report


def test_both_statements_under_a_tag_are_in_the_report(attested: Attested) -> None:
    """The first is of another source; the second counts."""
    code, report = attested.verdict("cosign2-two", "--source-uri", SOURCE)
    assert code == 0
    assert "PROVENANCE_MISMATCH" in report
    assert report.count("succeeded") == 3  # of the image, and of each statement
