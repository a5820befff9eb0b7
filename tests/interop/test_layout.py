"""The committed images, from the layout and from a tar of it: what anyone sees without a registry, a signer or Go."""

import json
import tarfile
from pathlib import Path

import pytest

from interop import live

LAYOUT = live.MATERIAL / "layout"
EXPECTED: dict[str, dict[str, str]] = json.loads((live.MATERIAL / "expected.json").read_text())
TRUST = {"cosign": live.with_key(), "notation": live.with_authority()}


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout as one tar file."""
    path = tmp_path_factory.mktemp("archive") / "layout.tar"
    with tarfile.open(path, "w") as tar:
        for entry in sorted(LAYOUT.iterdir()):
            tar.add(entry, entry.name)
    return path


@pytest.mark.parametrize("kind", TRUST)
@pytest.mark.parametrize("form", ["oci", "oci-archive"])
def test_every_committed_image_gets_its_verdict(archive: Path, form: str, kind: str) -> None:
    """All tags in one run: the verdicts are those of expected.json, in the order asked."""
    place = LAYOUT if form == "oci" else archive
    answer = live.ratify(*TRUST[kind], *(f"{form}:{place}:{tag}" for tag in EXPECTED))
    verdicts = {tag: result["succeeded"] for tag, result in zip(EXPECTED, answer.results, strict=True)}
    assert verdicts == {tag: expected[kind] == "pass" for tag, expected in EXPECTED.items()}
    assert answer.code == 1
