"""What our command finds in a registry, against what crane and oras find there."""

import json
import sys
from typing import Any

import pytest

from interop import live

pytestmark = pytest.mark.interop

RATIFY = (sys.executable, "-m", "pyratify")


def ask(*command: str) -> str:
    """Standard output of a command that must succeed."""
    done = live.command(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_tag_resolves_to_the_digest_that_crane_finds(repository: live.loopback.Repository) -> None:
    """`ratify resolve` and `crane digest` print the same."""
    reference = f"{repository.name}:cosign-v3"
    crane = ask(str(live.loopback.PEERS / "crane"), "digest", reference).strip()
    assert crane in ask(*RATIFY, "resolve", reference)


@pytest.mark.parametrize("tag", ["unsigned", "cosign-v3", "jws-rsa", "several", "replayed-cose"])
def test_discover_finds_the_referrers_that_oras_finds(repository: live.loopback.Repository, tag: str) -> None:
    """The same manifests, each once, whichever way the registry lists them."""
    reference = f"{repository.name}:{tag}"
    oras = json.loads(
        ask(str(live.loopback.PEERS / "oras"), "discover", "--plain-http", "--format", "json", reference)
    )
    ours = json.loads(ask(*RATIFY, "discover", "-o", "json", reference))
    found = [entry["artifact"] for entry in ours["attached"] if entry["discovery"] != "cosign-tag"]
    assert sorted(found) == sorted(entry["digest"] for entry in oras.get("referrers") or ())
    assert bool(found) is (tag != "unsigned")


@pytest.mark.parametrize("tag", ["cosign-v2", "several", "replayed-v2"])
def test_discover_finds_the_signature_tag_of_cosign(repository: live.loopback.Repository, tag: str) -> None:
    """A classic signature is a tag, which no referrers API lists."""
    ours = json.loads(ask(*RATIFY, "discover", "-o", "json", f"{repository.name}:{tag}"))
    manifest = repository.get(f"manifests/{live.signers.signature_tag(repository, tag)}")
    tagged = [entry["artifact"] for entry in ours["attached"] if entry["discovery"] == "cosign-tag"]
    assert tagged == [live.loopback.digest_of(manifest)]


@pytest.mark.parametrize("tag", ["jws-rsa", "jws-ec", "cose-rsa", "cose-ec", "cosign-v2", "cosign-v3"])
def test_inspect_takes_apart_whatever_a_real_signer_wrote(
    repository: live.loopback.Repository, tag: str
) -> None:
    """The payload that was signed is shown, with the digest of the image that it is about."""
    shown = ask(*RATIFY, "inspect", "-o", "json", f"{repository.name}:{tag}")
    contents: list[dict[str, Any]] = json.loads(shown)["attached"][0]["contents"]
    assert repository.descriptor(tag)["digest"].removeprefix("sha256:") in json.dumps(contents)
