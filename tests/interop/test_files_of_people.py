"""Keys, certificates and signatures in the spellings that tools leave, judged as the real cosign and notation judge them."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interop import live
from interop.test_notation_time import push
from pyratify.entrypoints.cli import main
from pyratify.testing.certificates import authority, signer
from pyratify.testing.cosign import CosignKey, attach_classic, sign_classic, simple_signing
from pyratify.testing.notation import SIGNERS, Recipe
from pyratify.testing.registry import RegistrySimulator
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION
from pyratify.verifiers.notation.envelope import JWS_TYPE

KEY = CosignKey.generate("rsa-2048")
TEXT = b"Public-Key: (2048 bit)\nModulus:\n    00:b4:31:98\nCaf\xc3\xa9\n"
ROOT = authority()
IDENTITY = "C=US, ST=WA, O=Example"
pytestmark = pytest.mark.interop


def program(name: str) -> str:
    """Return a peer's path, or skip where it was not built."""
    path = live.loopback.PEERS / name
    if not path.exists():
        pytest.skip(f"run `make peers` first: there is no {name}")
    return str(path)


def accepts(*command: str, folder: Path) -> bool:
    """Whether a verifier, run without the user's own files, says yes."""
    environment = {"HOME": str(folder), "TUF_ROOT": str(folder / "tuf"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, env=environment, cwd=folder, check=False)
    return done.returncode == 0


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    """A registry with a classic signature in one line, in lines, and with a blank in it."""
    with RegistrySimulator() as registry:
        memory = registry.repository("app")
        memory.add_blob(b"{}")
        for tag, edit in LINES.items():
            image = memory.add_image(tag, tag.encode())
            signed = sign_classic(KEY, simple_signing(image.digest))
            text = edit(signed.annotations[SIGNATURE_ANNOTATION])
            attach_classic(memory, image, replace(signed, annotations={SIGNATURE_ANNOTATION: text}))
        yield registry


LINES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in-lines": lambda text: f"{text[:76]}\n{text[76:]}\n",
    "in-lines-of-windows": lambda text: f"{text[:76]}\r\n{text[76:]}\r\n",
    "with-a-blank": lambda text: f"{text[:76]} {text[76:]}",
}


@pytest.mark.parametrize("cosign", ["cosign", "cosign2"])
@pytest.mark.parametrize("tag", LINES)
def test_signatures_in_lines_are_judged_as_cosign_judges_them(
    cosign: str, tag: str, registry: RegistrySimulator, tmp_path: Path
) -> None:
    """The end of a line is ignored, another blank is not."""
    (tmp_path / "cosign.pub").write_bytes(KEY.pem)
    name, key = f"{registry.host}/app:{tag}", str(tmp_path / "cosign.pub")
    options = ("--key", key, "--insecure-ignore-tlog", "--allow-http-registry", name)
    expected = accepts(program(cosign), "verify", *options, folder=tmp_path)
    assert (main(["verify", "--key", key, name]) == 0) is expected
    assert expected is (tag != "with-a-blank")


PUBLIC = KEY.private.public_key()
FORMS = {
    "plain": KEY.pem,
    "with text before": TEXT + KEY.pem,
    "with text after": KEY.pem + TEXT,
    "with lines of Windows": KEY.pem.replace(b"\n", b"\r\n"),
    "RSA PUBLIC KEY": PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
    "cut off": KEY.pem[:-10],
    "damaged": KEY.pem.replace(b"BEGIN", b"BEGN"),
}


@pytest.mark.parametrize("cosign", ["cosign", "cosign2"])
@pytest.mark.parametrize("form", FORMS)
def test_keys_are_read_as_cosign_reads_them(
    cosign: str, form: str, registry: RegistrySimulator, tmp_path: Path
) -> None:
    """Every spelling that cosign reads, and none that it refuses."""
    (tmp_path / "cosign.pub").write_bytes(FORMS[form])
    name, key = f"{registry.host}/app:plain", str(tmp_path / "cosign.pub")
    options = ("--key", key, "--insecure-ignore-tlog", "--allow-http-registry", name)
    expected = accepts(program(cosign), "verify", *options, folder=tmp_path)
    assert (main(["verify", "--key", key, name]) == 0) is expected
    assert expected is (form not in ("cut off", "damaged"))


CERTIFICATES = {
    "plain": ROOT.pem,
    "with text": TEXT + ROOT.pem + TEXT,
    "DER": ROOT.der,
    "several in DER": authority("other").der + ROOT.der,
    "nothing": TEXT,
}


@pytest.fixture(scope="module")
def signed() -> Iterator[str]:
    """An image with a notation signature in a real registry, which the real notation asks more of than the simulator has."""
    program("registry")
    with live.loopback.registry() as repository:
        store = push(repository, lambda image: SIGNERS[JWS_TYPE](signer(ROOT), image, Recipe()), JWS_TYPE)
        yield f"{repository.name}:{next(iter(store.tags))}"


@pytest.mark.parametrize("form", CERTIFICATES)
def test_certificates_are_read_as_notation_reads_them(form: str, signed: str, tmp_path: Path) -> None:
    """Whatever the file is called."""
    ca = tmp_path / "ca.der"
    ca.write_bytes(CERTIFICATES[form])
    trust = ("-ca", str(ca), "-identity", f"x509.subject: {IDENTITY}")
    expected = accepts(program("notary"), "verify", "-plain-http", *trust, signed, folder=tmp_path)
    code = main(["verify", "--cert", str(ca), "--trusted-identity", f"x509.subject: {IDENTITY}", signed])
    assert (code == 0) is expected
    assert expected is (form != "nothing")


def _note(header: dict[str, object]) -> None:
    header["com.example.note"] = "unsigned"


@pytest.mark.parametrize("media_type", SIGNERS)
@pytest.mark.parametrize("identities", [(IDENTITY,), ("did:key:z6Mk", IDENTITY), ("did:key:z6Mk",)])
def test_unknown_headers_and_identities_are_judged_as_notation_judges_them(
    media_type: str, identities: tuple[str, ...], tmp_path: Path
) -> None:
    """An unsigned header that nothing knows is ignored, and an identity of another kind matches no certificate."""
    notary = program("notary")
    program("registry")
    (tmp_path / "ca.pem").write_bytes(ROOT.pem)
    texts = tuple(each if each.startswith("did:") else f"x509.subject: {each}" for each in identities)
    recipe = Recipe(unprotected=_note)
    with live.loopback.registry() as repository:
        store = push(repository, lambda image: SIGNERS[media_type](signer(ROOT), image, recipe), media_type)
        name = f"{repository.name}:{next(iter(store.tags))}"
        flags = [flag for text in texts for flag in ("-identity", text)]
        trust = ("-ca", str(tmp_path / "ca.pem"), *flags)
        expected = accepts(notary, "verify", "-plain-http", *trust, name, folder=tmp_path)
        policy = {
            "version": "1.0",
            "trustPolicies": [
                {
                    "name": "all",
                    "registryScopes": ["*"],
                    "signatureVerification": {"level": "strict"},
                    "trustStores": ["ca:test"],
                    "trustedIdentities": texts,
                }
            ],
        }
        store_folder = tmp_path / "x509" / "ca" / "test"
        store_folder.mkdir(parents=True)
        (store_folder / "ca.der").write_bytes(ROOT.der)
        (tmp_path / "trustpolicy.json").write_text(json.dumps(policy))
        given = ("--trust-policy", str(tmp_path / "trustpolicy.json"), "--trust-store", str(tmp_path))
        assert (main(["verify", *given, name]) == 0) is expected
    assert expected is (IDENTITY in identities)


@pytest.mark.parametrize("tag", ["in-lines"])
def test_cosign_itself_attaches_signatures_in_lines(tag: str, tmp_path: Path) -> None:
    """`base64 payload.sig` and `cosign attach signature` in a real registry."""
    cosign, crane = program("cosign2"), program("crane")
    program("registry")
    assert shutil.which("base64")
    with live.loopback.registry() as repository:
        repository.push_image(tag)
        digest = repository.descriptor(tag)["digest"]
        payload = json.dumps(simple_signing(digest)).encode()
        (tmp_path / "payload.json").write_bytes(payload)
        (tmp_path / "payload.sig").write_bytes(KEY.sign(payload))
        (tmp_path / "cosign.pub").write_bytes(KEY.pem)
        encoded = subprocess.run(["base64", "payload.sig"], check=True, capture_output=True, cwd=tmp_path)
        (tmp_path / "payload.b64").write_bytes(encoded.stdout)
        name = f"{repository.name}@{digest}"
        options = ("--signature", "payload.b64", "--payload", "payload.json", "--allow-http-registry")
        assert accepts(cosign, "attach", "signature", *options, name, folder=tmp_path), crane
        assert main(["verify", "--key", str(tmp_path / "cosign.pub"), name]) == 0
