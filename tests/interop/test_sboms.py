"""SBOMs that real oras attaches and real cosign signs and attests."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import live
from interop.sigstore_scene import peer
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package

pytestmark = pytest.mark.interop
SPDX = "application/spdx+json"
KEY = live.signers.KEYS / "cosign.key"
CREATED = "2024-01-01T00:00:00Z"
DOCUMENTS = {
    "good.spdx.json": spdx([spdx_package("musl"), spdx_package("zlib", expression="Zlib")], created=CREATED),
    "bad.spdx.json": spdx([spdx_package("evil", expression="GPL-3.0-only")], created=CREATED),
    "good.cdx.json": cyclonedx([component("musl")], created=CREATED),
    "bad.cdx.json": cyclonedx([component("evil", expression="GPL-3.0-only")], created=CREATED),
}
DENY = ("--deny-license", "GPL-3.0-only")


class Scene:
    """A repository of signed images, and SBOMs in files."""

    def __init__(self, repository: live.loopback.Repository, folder: Path) -> None:
        self.repository = repository
        self.folder = folder
        live.signers.write_json(folder / "config.json", live.signers.NO_LOG)
        for name, data in DOCUMENTS.items():
            (folder / name).write_bytes(data)

    def image(self, tag: str) -> str:
        """Push an image and sign it, with both tools; return its name by its digest."""
        self.repository.push_image(tag)
        live.signers.cosign_v3(self.repository, tag)
        live.signers.notation(self.repository, tag, "jws", "ec")
        return str(live.signers.at_digest(self.repository, tag))

    def attach(self, image: str, name: str, artifact_type: str = SPDX) -> str:
        """Have oras attach a file; return the artifact's name by its digest."""
        path = str(self.folder / name)
        flags = ("--plain-http", "--disable-path-validation", "--artifact-type", artifact_type)
        done = peer("oras", {}, "attach", *flags, image, f"{path}:{artifact_type}")
        assert done.returncode == 0, done.stderr
        found = re.search(r"sha256:[0-9a-f]{64}", done.stdout.rpartition("Digest")[2])
        assert found, done.stdout
        return f"{self.repository.name}@{found[0]}"

    def sign(self, artifact: str) -> None:
        """Have cosign sign an artifact."""
        flags = ("--yes", f"--signing-config={self.folder / 'config.json'}", "--key", str(KEY))
        done = peer("cosign", {}, "sign", *flags, artifact)
        assert done.returncode == 0, done.stderr

    def attest(self, program: str, image: str, name: str, kind: str) -> None:
        """Have cosign attach a statement."""
        flags = ["--yes", "--key", str(KEY), "--predicate", str(self.folder / name), "--type", kind]
        more = (
            "--tlog-upload=false"
            if program == "cosign2"
            else f"--signing-config={self.folder / 'config.json'}"
        )
        done = peer(program, {}, "attest", *flags, more, image)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=["referrers-api", "no-referrers-api"])
def scene(
    request: pytest.FixtureRequest, peers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """A registry with and without the referrers API."""
    folder = tmp_path_factory.mktemp("sboms")
    with live.running(request.param, folder) as repository:
        yield Scene(repository, folder)


def verdict(image: str, *flags: str, trust: tuple[str, ...] = live.with_key()) -> tuple[int, str]:
    """Return our exit code and the report."""
    answer = live.ratify(*trust, "--plain-http", "--no-cache", *flags, image)
    return answer.code, json.dumps(answer.results) + answer.stderr


@pytest.mark.parametrize("program", ["cosign", "cosign2"])
@pytest.mark.parametrize(
    ("kind", "suffix"), [("spdxjson", "spdx.json"), ("spdx", "spdx.json"), ("cyclonedx", "cdx.json")]
)
def test_predicates_of_cosign_are_judged(scene: Scene, program: str, kind: str, suffix: str) -> None:
    """An object, a text, and CycloneDX; each by both versions of cosign."""
    good, bad = (scene.image(f"{program}-{kind}-{what}") for what in ("good", "bad"))
    scene.attest(program, good, f"good.{suffix}", kind)
    scene.attest(program, bad, f"bad.{suffix}", kind)
    code, report = verdict(good, *DENY)
    assert code == 0, report
    code, report = verdict(bad, *DENY)
    assert (code, "evil 1.0" in report) == (1, True), report
    assert verdict(bad, "--require-sbom")[0] == 0


def test_what_oras_attaches_counts_where_it_is_signed(scene: Scene) -> None:
    """By cosign or by notation, as the flags trust."""
    authority = live.with_authority()
    image = scene.image("attached")
    sbom = scene.attach(image, "good.spdx.json")
    assert verdict(image, *DENY)[0] == 1
    scene.sign(sbom)
    code, report = verdict(image, *DENY)
    assert code == 0, report
    assert verdict(image, *DENY, trust=authority)[0] == 1
    files = ("-key", str(live.signers.CERTS / "ec.key"), "-chain", str(live.signers.CERTS / "ec.pem"))
    done = peer("notary", {}, "sign", "-plain-http", "-media-type", "jws", *files, sbom)
    assert done.returncode == 0, done.stderr
    code, report = verdict(image, *DENY, trust=authority)
    assert code == 0, report


def test_a_bad_sbom_that_is_attached_and_signed_is_refused(scene: Scene) -> None:
    """With the package that is denied."""
    image = scene.image("attached-bad")
    scene.sign(scene.attach(image, "bad.spdx.json"))
    code, report = verdict(image, *DENY)
    assert (code, "evil 1.0" in report) == (1, True), report


def test_sboms_under_cosigns_older_tag_are_listed(scene: Scene) -> None:
    """`cosign attach sbom` of version 2 writes a tag; inspect reads it like the others."""
    image = scene.image("older-tag")
    flags = ("--sbom", str(scene.folder / "good.spdx.json"), "--type", "spdx", "--input-format", "json")
    done = peer("cosign2", {}, "attach", "sbom", *flags, image)
    assert done.returncode == 0, done.stderr
    scene.attach(image, "good.cdx.json", "application/vnd.cyclonedx+json")
    done = live.command(
        sys.executable,
        "-m",
        "pyratify",
        "inspect",
        "--sbom",
        "-o",
        "json",
        "--plain-http",
        "--no-cache",
        image,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(each["format"] for each in json.loads(done.stdout)["sboms"]) == ["cyclonedx", "spdx"]
