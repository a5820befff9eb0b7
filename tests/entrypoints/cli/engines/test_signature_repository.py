"""`COSIGN_REPOSITORY`, `--signature-repository` and `--attachment-tag-prefix`, as users of cosign know them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.testing.cosign import (
    CosignKey,
    attach_bundle,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.testing.registry import RegistrySimulator

KEY = CosignKey.generate()
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def image(registry: RegistrySimulator) -> Descriptor:
    """An image whose signatures are elsewhere: a bundle and a tag with a prefix."""
    image = registry.repository("other").add_image("v1")
    sigs = registry.repository("sigs")
    attach_bundle(sigs, image, sign_statement(KEY, statement(image.digest)))
    _tagged(registry.repository("other"), image)
    return image


def _tagged(memory: MemoryStore, image: Descriptor) -> None:
    signed = sign_classic(KEY, simple_signing(image.digest))
    blob = memory.add_blob(signed.payload, signed.media_type)
    layer = Descriptor(blob.media_type, blob.digest, blob.size, annotations=signed.annotations)
    memory.add_manifest(make_manifest(layers=[layer]), tag=f"dev-sha256-{image.digest.hex}.sig")


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, ...]:
    """The flag that names the key."""
    (tmp_path / "key.pub").write_bytes(KEY.pem)
    return ("--key", str(tmp_path / "key.pub"))


def test_cosigns_variable_says_where_signatures_are(
    run: Run,
    registry: RegistrySimulator,
    image: Descriptor,
    key: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it the image is unsigned; a flag of ours wins over it."""
    reference = registry.reference("other", str(image.digest))
    host = reference.registry
    assert run("verify", *key, reference)[0] == 1
    assert run("verify", *key, "--signature-repository", f"{host}/sigs", reference)[0] == 0
    monkeypatch.setenv("COSIGN_REPOSITORY", f"{host}/sigs")
    assert run("verify", *key, reference)[0] == 0
    assert run("verify", *key, "--signature-repository", f"{host}/app", reference)[0] == 1
    monkeypatch.setenv("COSIGN_REPOSITORY", f"{host}/sigs:tag")
    code, _, err = run("verify", *key, reference)
    assert (code, "$COSIGN_REPOSITORY" in err) == (3, True)


def test_cosigns_variable_means_nothing_to_notation(
    run: Run, registry: RegistrySimulator, material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notation's signatures are with their image, whatever cosign was told."""
    monkeypatch.setenv("COSIGN_REPOSITORY", f"{registry.reference('app').registry}/sigs")
    trust = ("--cert", material / "certs" / "ca.pem", "--trusted-identity", "*")
    assert run("verify", *trust, registry.reference("app", "notation-jws-ec"))[0] == 0


def test_a_prefix_stands_before_cosigns_tags(
    run: Run, registry: RegistrySimulator, image: Descriptor, key: tuple[str, ...]
) -> None:
    """As with cosign's flag of that name."""
    reference = registry.reference("other", str(image.digest))
    assert run("verify", *key, "--attachment-tag-prefix", "dev-", reference)[0] == 0
    assert run("verify", *key, "--attachment-tag-prefix", "prod-", reference)[0] == 1
    assert run("verify", *key, "--attachment-tag-prefix", "a/b", reference)[0] == 3


def test_a_command_that_reads_finds_them_too(
    run: Run, registry: RegistrySimulator, image: Descriptor
) -> None:
    """`ratify discover` lists what is in the repository of signatures."""
    reference = registry.reference("other", str(image.digest))
    elsewhere = f"{reference.registry}/sigs"
    code, out, _ = run("discover", "-o", "json", "--signature-repository", elsewhere, reference)
    assert (code, len(json.loads(out)["attached"])) == (0, 1)


def test_only_the_tags_of_signatures_are_asked_for(
    run: Run, registry: RegistrySimulator, image: Descriptor, key: tuple[str, ...], material: Path
) -> None:
    """With a key `.sig` alone, with a certificate of notation none of cosign's."""
    for flags, wanted in (
        (key, {"sig"}),
        (("--cert", material / "certs" / "ca.pem", "--trusted-identity", "*"), set()),
    ):
        registry.reset()
        run("verify", "--no-cache", *flags, registry.reference("other", str(image.digest)))
        tags = (hit.path.rpartition("/")[2] for hit in registry.hits if "/manifests/sha256-" in hit.path)
        assert {tag.rpartition(".")[2] for tag in tags if "." in tag} == wanted


@pytest.mark.parametrize(
    "flag", [("--signature-repository", "example.com/sigs"), ("--attachment-tag-prefix", "dev-")]
)
def test_a_configuration_says_such_things_itself(
    run: Run, registry: RegistrySimulator, image: Descriptor, tmp_path: Path, flag: tuple[str, str]
) -> None:
    """The flags beside `-c` are refused; its store has parameters for both."""
    reference = registry.reference("other", str(image.digest))
    (tmp_path / "key.pub").write_bytes(KEY.pem)
    store = {"signatureRepository": f"{reference.registry}/sigs"}
    policy = {"keys": {"files": ["key.pub"]}}
    executor = {
        "scopes": [f"{reference.registry}/other"],
        "stores": [{"type": "registry-store", "parameters": store}],
        "verifiers": [{"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [policy]}}],
    }
    (tmp_path / "ratify.json").write_text(json.dumps({"executors": [executor]}))
    assert run("verify", "-c", tmp_path / "ratify.json", reference)[0] == 0
    code, _, err = run("verify", "-c", tmp_path / "ratify.json", *flag, reference)
    assert (code, flag[0] in err) == (3, True)


@pytest.mark.parametrize("flag", ["--signature-repository", "--attachment-tag-prefix"])
def test_the_flags_need_to_know_what_is_trusted(
    run: Run, registry: RegistrySimulator, image: Descriptor, flag: str
) -> None:
    """Alone they would mean nothing."""
    assert run("verify", flag, "x", registry.reference("other", str(image.digest)))[0] == 3
