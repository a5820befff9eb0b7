"""Image indexes in real registries: platforms, and Docker's chain of attestations with signatures of the real cosign."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import live
from pyratify.testing.attestations import SLSA_V1, provenance_v1

pytestmark = pytest.mark.interop
STATEMENT = "application/vnd.in-toto+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
PLATFORMS = ("amd64", "arm64")


class Pushed:
    """Indexes in one repository, each of an image for amd64 and one for arm64.

    Args:
        repository: Where they are pushed.
    """

    def __init__(self, repository: live.loopback.Repository) -> None:
        self.repository = repository

    def index(self, tag: str, *, attested: bool = False, about: str = "") -> None:
        """Push an index, its images as `TAG-ARCHITECTURE`, and where asked their attestation manifests as `TAG-ARCHITECTURE-att`."""
        entries = []
        for architecture in PLATFORMS:
            self.repository.push_image(f"{tag}-{architecture}")
            image = self.repository.descriptor(f"{tag}-{architecture}")
            entries.append(image | {"platform": {"os": "linux", "architecture": architecture}})
            if attested:
                entries.append(self._attest(f"{tag}-{architecture}-att", image["digest"], about))
        body = {"schemaVersion": 2, "mediaType": live.loopback.INDEX, "manifests": entries}
        self.repository.push_manifest(live.loopback.to_json(body), tag, live.loopback.INDEX)

    def _attest(self, tag: str, image: str, about: str) -> dict[str, Any]:
        algorithm, _, value = (about or image).partition(":")
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": SLSA_V1,
            "subject": [{"name": "pkg:docker/app", "digest": {algorithm: value}}],
            "predicate": provenance_v1(),
        }
        hint = {"annotations": {"in-toto.io/predicate-type": SLSA_V1}}
        layer = self._blob(live.loopback.to_json(statement), STATEMENT) | hint
        config = self._blob(b'{"architecture":"unknown","os":"unknown"}', CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": live.loopback.MANIFEST,
            "config": config,
            "layers": [layer],
        }
        self.repository.push_manifest(live.loopback.to_json(manifest), tag)
        marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image}
        unknown = {"os": "unknown", "architecture": "unknown"}
        return self.repository.descriptor(tag) | {"annotations": marks, "platform": unknown}

    def _blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        self.repository.push_blob(data)
        return {"mediaType": media_type, "digest": live.loopback.digest_of(data), "size": len(data)}

    def sign(self, tag: str) -> None:
        """Have the real cosign sign what a tag names."""
        live.signers.cosign_v3(self.repository, tag)

    def verify(self, tag: str, *flags: str) -> live.Answer:
        """Ask our command about an index."""
        return live.ratify("--plain-http", "--no-cache", *flags, f"{self.repository.name}:{tag}")


@pytest.fixture(scope="module", params=["referrers-api", "no-referrers-api"])
def pushed(
    request: pytest.FixtureRequest, peers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pushed]:
    """A registry with and without the referrers API, and an index for each case."""
    with live.running(request.param, tmp_path_factory.mktemp("platforms")) as repository:
        found = Pushed(repository)
        for tag in ("both", "one", "whole"):
            found.index(tag)
        for tag in ("both-amd64", "both-arm64", "one-amd64", "whole"):
            found.sign(tag)
        other = repository.descriptor("both-amd64")["digest"]
        for tag, about in (("chain", ""), ("listed", ""), ("moved", other), ("bare", "")):
            found.index(tag, attested=True, about=about)
        for tag in ("chain-amd64-att", "chain-arm64-att", "moved-amd64-att", "moved-arm64-att", "listed"):
            found.sign(tag)
        yield found


@pytest.mark.parametrize(
    ("tag", "platform", "code"),
    [
        ("both", "each", 0),
        ("both", "index", 1),
        ("both", "any", 0),
        ("one", "each", 1),
        ("one", "any", 1),
        ("one", "linux/amd64", 0),
        ("one", "linux/amd64,linux/arm64", 1),
        ("one", "linux/s390x", 1),
        ("whole", "index", 0),
        ("whole", "any", 0),
        ("whole", "each", 1),
    ],
)
def test_platforms_are_judged_by_signatures_of_cosign(
    tag: str, platform: str, code: int, pushed: Pushed
) -> None:
    """The index, each of its images, either, or those that are named."""
    answer = pushed.verify(tag, *live.with_key("cosign"), "--platform", platform)
    assert answer.code == code, answer.results


def configuration(folder: Path) -> str:
    """Return the file of a configuration that reads Docker's chain."""
    key = str(live.signers.KEYS / "cosign.pub")
    trust = [{"keys": {"files": [key]}}]
    rules = {"provenance": {"sourceUris": ["https://github.com/org/app"]}}
    rule = {"verifierName": "provenance", "requireSigned": True, "rules": [{"verifierName": "signature"}]}
    executor = {
        "scopes": ["*"],
        "platforms": "each",
        "verifiers": [
            {
                "name": "provenance",
                "type": "attestation",
                "parameters": {"trustPolicies": trust, "unsignedStatements": True, **rules},
            },
            {"name": "signature", "type": "cosign", "parameters": {"trustPolicies": trust}},
        ],
        "policyEnforcer": {"type": "threshold-policy", "parameters": {"policy": {"rules": [rule]}}},
    }
    path = folder / "ratify.json"
    path.write_text(json.dumps({"executors": [executor]}))
    return str(path)


@pytest.mark.parametrize(
    ("tag", "code", "reason"),
    [
        ("chain", 0, ""),
        ("listed", 0, ""),
        ("moved", 1, "PAYLOAD_SUBJECT_MISMATCH"),
        ("bare", 1, "EVIDENCE_UNSIGNED"),
    ],
)
def test_dockers_chain_is_followed_in_a_real_registry(
    tag: str, code: int, reason: str, pushed: Pushed, tmp_path: Path
) -> None:
    """Signed attestation manifests, a signed index, statements about another image, and nothing signed."""
    answer = live.ratify("-c", configuration(tmp_path), "--no-cache", f"{pushed.repository.name}:{tag}")
    assert answer.code == code, answer.results
    assert reason in json.dumps(answer.results)


def test_discover_shows_the_chain(pushed: Pushed) -> None:
    """The platform, what attests it, and what signs that."""
    shown = live.command(
        live.sys.executable, "-m", "pyratify", "discover", "--plain-http", f"{pushed.repository.name}:chain"
    ).stdout
    lines = shown.splitlines()
    image = next(index for index, line in enumerate(lines) if "linux/amd64" in line)
    assert "attestation (provenance)" in lines[image + 1]
    assert "bundle (signature)" in lines[image + 2]
