"""`ratify verify --require-sbom ...`: documents beside a signature, asked for by flags."""

import json
from pathlib import Path

import pytest

from pyratify.testing.attestations import attach_attestation, bundle, in_toto
from pyratify.testing.cosign import CosignKey, attach_classic, sign_classic, simple_signing
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sboms import spdx, spdx_package
from support.signed_layout import Run, SignedLayout

SPDX = "application/spdx+json"
GOOD = spdx([spdx_package("musl"), spdx_package("zlib", expression="Zlib OR GPL-3.0-only")])
BAD = spdx([spdx_package("evil", "2.0", "GPL-3.0-only")])


class Scene(SignedLayout):
    """A signed image in a layout, and SBOMs that are attached to it."""

    def attest(self, document: bytes, key: CosignKey | None = None) -> None:
        """Attach an SBOM in a signed statement."""
        statement = in_toto(self.image.digest, "https://spdx.dev/Document", json.loads(document))
        attach_attestation(self.store, self.image, bundle(key or self.key, statement))

    def attach(self, document: bytes, *, signed: bool, key: CosignKey | None = None) -> None:
        """Attach an SBOM as it is, perhaps with a signature of its own."""
        sbom = self.store.attach(self.image, SPDX, (SPDX, document))
        if signed:
            self.sign(sbom, key)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A signed image without SBOMs."""
    return Scene(tmp_path)


def test_a_signed_image_without_an_sbom_is_denied_where_one_is_required(scene: Scene, run: Run) -> None:
    """And allowed where none is."""
    assert scene.verify(run)[0] == 0
    assert scene.verify(run, "--require-sbom")[0] == 1


@pytest.mark.parametrize("attested", [True, False], ids=["attested", "signed as an artifact"])
@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--require-sbom",), 0),
        (("--deny-license", "GPL-3.0-only"), 0),
        (("--deny-license", "MIT"), 1),
        (("--allow-license", "MIT", "--allow-license", "Zlib"), 0),
        (("--allow-license", "MIT"), 1),
        (("--deny-package", "musl"), 1),
        (("--deny-package", "musl@1.0"), 1),
        (("--deny-package", "musl@2.0"), 0),
        (("--deny-package", "pkg:apk/alpine/musl"), 1),
    ],
)
def test_flags_ask_for_what_a_signed_sbom_says(
    scene: Scene, run: Run, attested: bool, flags: tuple[str, ...], code: int
) -> None:
    """In a statement, or attached with a signature of its own."""
    if attested:
        scene.attest(GOOD)
    else:
        scene.attach(GOOD, signed=True)
    assert scene.verify(run, *flags)[0] == code


def test_an_sbom_that_no_trusted_signer_signed_counts_for_nothing(scene: Scene, run: Run) -> None:
    """Unsigned, or signed by another key."""
    scene.attach(GOOD, signed=False)
    scene.attach(GOOD, signed=True, key=scene.other)
    scene.attest(GOOD, key=scene.other)
    assert scene.verify(run, "--require-sbom")[0] == 1


@pytest.mark.parametrize("flags", [("--require-sbom",), ("--deny-license", "GPL-3.0-only")])
def test_a_refusal_says_which_document_is_missing(scene: Scene, run: Run, flags: tuple[str, ...]) -> None:
    """Or that it is there and lacks a signature."""
    out = scene.verify(run, *flags)[1]
    assert "no SBOM by a trusted signer is attached" in out
    assert "cosign attest --type spdxjson" in out
    scene.attach(GOOD, signed=False)
    out = scene.verify(run, *flags)[1]
    assert "is attached without a signature by a trusted signer" in out
    assert "Sign it as the image is signed" in out


def test_a_statement_of_a_stranger_is_not_called_the_document(scene: Scene, run: Run) -> None:
    """What an untrusted signature covers is not known: it could be about anything."""
    scene.attest(GOOD, key=scene.other)
    out = scene.verify(run, "--deny-license", "GPL-3.0-only")[1]
    assert "why:  the image is signed, and no SBOM by a trusted signer is attached" in out


def test_a_refusal_of_a_document_is_not_called_a_missing_one(scene: Scene, run: Run) -> None:
    """What was found is what is said."""
    scene.attest(BAD)
    assert "evil 2.0" in scene.verify(run, "--deny-license", "GPL-3.0-only")[1]
    assert "no SBOM" not in scene.verify(run, "--deny-license", "GPL-3.0-only")[1]


def test_a_good_sbom_does_not_hide_a_bad_one(scene: Scene, run: Run) -> None:
    """Both are by the trusted signer."""
    scene.attest(GOOD)
    scene.attest(BAD)
    code, out, _ = scene.verify(run, "--deny-license", "GPL-3.0-only")
    assert code == 1
    assert "evil 2.0 (packages[0])" in out


def test_an_sbom_does_not_replace_the_signature_of_the_image(tmp_path: Path, run: Run) -> None:
    """The flags add a condition to the flag of trust."""
    scene = Scene(tmp_path)
    scene.store.listings.clear()
    scene.store = MemoryStore()
    scene.image = scene.store.add_image()
    scene.attest(GOOD)
    code, out, _ = scene.verify(run, "--require-sbom")
    assert code == 1
    assert "why:  the image itself has no signature by a trusted signer" in out
    # A signature that is refused says more.
    scene.sign(scene.image, scene.other)
    assert "the image itself has no signature" not in scene.verify(run, "--require-sbom")[1]


def test_annotations_are_asked_of_the_signature_of_the_image_alone(scene: Scene, run: Run) -> None:
    """A statement has none; the flags and their configuration agree."""
    attach_classic(
        scene.store,
        scene.image,
        sign_classic(scene.key, simple_signing(scene.image.digest, optional={"env": "prod"})),
    )
    scene.attest(GOOD)
    assert scene.verify(run, "-a", "env=prod", "--require-sbom")[0] == 0
    assert scene.verify(run, "-a", "env=test", "--require-sbom")[0] == 1
    key, target = str(scene.folder / "cosign.pub"), str(scene.folder / "ratify.yaml")
    assert run("config", "init", "--key", key, "-a", "env=prod", "--require-sbom", target)[0] == 0
    assert run("verify", "-c", target, f"oci:{scene.folder / 'layout'}@{scene.image.digest}")[0] == 0


def test_flags_of_documents_need_a_flag_of_trust(run: Run) -> None:
    """Else everything would count that is attached."""
    code, _, err = run("verify", "--require-sbom", "example.com/app:v1")
    assert code == 3
    assert "--require-sbom needs --key" in err
    code, _, err = run("verify", "-c", "ratify.yaml", "--require-sbom", "example.com/app:v1")
    assert code == 3
    assert "-c and --require-sbom exclude one another" in err
    assert "Write in the configuration" in err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--deny-license", "GPL3"), "--deny-license: 'GPL3' is no license"),
        (("--deny-package", "pkg:nothing"), "--deny-package: 'pkg:nothing' is no package URL"),
    ],
)
def test_mistakes_are_named_by_their_flags(
    scene: Scene, run: Run, flags: tuple[str, ...], message: str
) -> None:
    """In the words of the command line."""
    code, _, err = scene.verify(run, *flags)
    assert code == 3
    assert message in err


def test_the_configuration_of_the_flags_decides_the_same(scene: Scene, run: Run) -> None:
    """`ratify config init` writes verifiers and policy."""
    scene.attest(GOOD)
    scene.attach(BAD, signed=False)
    target = str(scene.folder / "ratify.yaml")
    key = str(scene.folder / "cosign.pub")
    for flags in (
        ("--deny-license", "MIT"),
        ("--deny-license", "GPL-3.0-only"),
        ("--deny-package", "@a/b@1"),
    ):
        Path(target).unlink(missing_ok=True)
        assert run("config", "init", "--key", key, *flags, target)[0] == 0
        expected = scene.verify(run, *flags)[0]
        reference = f"oci:{scene.folder / 'layout'}@{scene.image.digest}"
        assert run("verify", "-c", target, reference)[0] == expected


def test_a_refused_document_says_why_it_is_refused(scene: Scene, run: Run) -> None:
    """Also where it is attached as it is, beside a verifier of statements that found nothing."""
    scene.attach(spdx([spdx_package("evil", expression="GPL-3.0-only")]), signed=True)
    out = scene.verify(run, "--deny-license", "GPL-3.0-only")[1]
    assert "the SBOM that is attached is refused: 1 package has a refused license: evil" in out
