"""`ratify discover`, `inspect` and `resolve` on really signed material."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.testing.registry import Features, RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[4] / "examples" / "material"
LAYOUT = f"oci:{MATERIAL / 'layout'}"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ENVELOPE = "application/vnd.cncf.notary.signature"
Run = Callable[..., tuple[int, str, str]]


def test_everything_attached_is_shown(run: Run, registry: RegistrySimulator) -> None:
    """Referrers and cosign's tags are listed with how they were found."""
    for reference in (f"{LAYOUT}:both", registry.reference("app", "both")):
        code, out, err = run("discover", reference)
        assert (code, err) == (0, "")
        assert BUNDLE in out
        assert ENVELOPE in out
    _, out, _ = run("discover", registry.reference("app", "cosign-v2"))
    assert "(cosign-tag)" in out
    assert "nothing attached" in run("discover", f"{LAYOUT}:unsigned")[1]


def test_the_tag_schema_is_found_where_there_is_no_api(run: Run, registry: RegistrySimulator) -> None:
    """A registry without the referrers API shows what its fallback tag lists."""
    registry.features = Features(referrers_api=False)
    code, out, _ = run("discover", "-o", "json", registry.reference("app", "both"))
    assert code == 0
    assert isinstance(json.loads(out)["attached"], list)


def test_several_levels_are_shown(run: Run, registry: RegistrySimulator) -> None:
    """What is attached to an artifact stands below it."""
    store = registry.repository("deep")
    image = store.add_image("v1")
    report = store.attach(image, "application/example.sbom", ("text/plain", b"report"))
    store.attach(report, "application/example.signature", ("text/plain", b"signature"))
    code, out, _ = run("discover", "-o", "json", registry.reference("deep", "v1"))
    found = json.loads(out)
    assert code == 0
    assert found["attached"][0]["artifactType"] == "application/example.sbom"
    assert found["attached"][0]["attached"][0]["artifactType"] == "application/example.signature"
    _, out, _ = run("discover", registry.reference("deep", "v1"))
    assert "    └── sha256:" in out


@pytest.mark.parametrize("command", ["discover", "inspect", "resolve"])
def test_what_cannot_be_read_is_two_and_what_is_no_reference_is_three(command: str, run: Run) -> None:
    """Reading commands have the same exit codes as verify."""
    for reference, expected in (
        (f"{LAYOUT}:no-such-tag", 2),
        ("127.0.0.1:1/app:v1", 2),
        ("BAD//x", 3),
    ):
        code, out, err = run(command, reference)
        assert (code, out) == (expected, "")
        assert err.startswith("ratify: ")


def test_a_tag_becomes_a_digest(run: Run, registry: RegistrySimulator) -> None:
    """The digest alone is printed; JSON has the pinned reference too."""
    reference = registry.reference("app", "both")
    code, out, _ = run("resolve", reference)
    assert code == 0
    assert out == run("resolve", f"{LAYOUT}:both")[1]
    found = json.loads(run("resolve", "-o", "json", reference)[1])
    assert found["digest"] == out.strip()
    assert found["pinned"] == f"{registry.host}/app@{out.strip()}"
    assert run("resolve", found["pinned"])[1] == out


@pytest.mark.parametrize(
    ("tag", "kind", "path", "value"),
    [
        ("cosign-v3", "sigstore bundle", ("envelope", "payloadType"), "application/vnd.in-toto+json"),
        (
            "cosign-v2",
            "cosign signature (simple signing)",
            ("payload", "critical", "type"),
            "cosign container image signature",
        ),
        ("notation-jws-rsa", "notation signature (JWS)", ("signatureAlgorithm",), "PS384"),
        (
            "notation-cose-ec",
            "notation signature (COSE)",
            ("signedAttributes", "signingScheme"),
            "notary.x509",
        ),
    ],
)
def test_each_kind_of_signature_is_taken_apart(
    tag: str, kind: str, path: tuple[str, ...], value: str, run: Run
) -> None:
    """What is attached to a reference is shown with everything it says."""
    code, out, err = run("inspect", "-o", "json", f"{LAYOUT}:{tag}")
    assert (code, err) == (0, "")
    found = json.loads(out)["attached"][0]["contents"][0]
    assert found["kind"] == kind
    for name in path:
        found = found[name]
    assert found == value
    assert value in run("inspect", f"{LAYOUT}:{tag}")[1]


def _blob(tag: str, run: Run, tmp_path: Path) -> Path:
    """Write the first layer of the first artifact attached to a tag into a file."""
    artifact = json.loads(run("inspect", "-o", "json", f"{LAYOUT}:{tag}")[1])["attached"][0]["artifact"]
    blobs = MATERIAL / "layout" / "blobs" / "sha256"
    manifest = json.loads((blobs / artifact.removeprefix("sha256:")).read_bytes())
    path = tmp_path / "document"
    path.write_bytes((blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")).read_bytes())
    return path


@pytest.mark.parametrize("tag", ["cosign-v3", "cosign-v2", "notation-jws-rsa", "notation-cose-ec"])
def test_a_file_is_recognised_by_its_content(tag: str, run: Run, tmp_path: Path) -> None:
    """The same document from a file says the same as from the image it is attached to."""
    path = _blob(tag, run, tmp_path)
    attached = json.loads(run("inspect", "-o", "json", f"{LAYOUT}:{tag}")[1])["attached"][0]["contents"][0]
    code, out, _ = run("inspect", "-o", "json", path)
    found = json.loads(out)
    assert code == 0
    assert found["kind"] == attached["kind"]
    assert found.get("payload") == attached.get("payload")
    assert found.get("envelope") == attached.get("envelope")


def test_keys_and_certificates_are_described(run: Run) -> None:
    """A key has its fingerprint, a certificate its names, validity and purposes."""
    assert "spki:sha256:" in run("inspect", MATERIAL / "keys" / "cosign.pub")[1]
    code, out, _ = run("inspect", "-o", "json", MATERIAL / "certs" / "ec.pem")
    first = json.loads(out)["certificates"][0]
    assert code == 0
    assert first["extendedKeyUsage"] == ["1.3.6.1.5.5.7.3.3"]
    assert "O=Pyratify Test" in first["subject"]


def test_a_broken_envelope_is_shown_as_broken(run: Run, tmp_path: Path) -> None:
    """What cannot be parsed says why, and the command has still done what it was asked."""
    path = tmp_path / "broken"
    path.write_text('{"payload": "", "protected": "", "header": {}, "signature": "\\u001b[2J"}')
    code, out, _ = run("inspect", path)
    assert code == 0
    assert "error: " in out
    assert "\x1b" not in out


@pytest.mark.parametrize("data", [b"", b"nothing known", b"[1, 2]", b"{}", b"\x00\x01"])
def test_a_file_of_no_known_kind_is_refused(data: bytes, run: Run, tmp_path: Path) -> None:
    """The message lists what is known."""
    path = tmp_path / "document"
    path.write_bytes(data)
    code, out, err = run("inspect", path)
    assert (code, out) == (3, "")
    assert "Known are" in err


def test_stores_of_a_configuration_are_used(run: Run, tmp_path: Path) -> None:
    """With -c a reference is read from the configuration's store, verifiers or not."""
    config = tmp_path / "ratify.yaml"
    config.write_text(
        f"""
executors:
  - scopes: [registry.example.com]
    stores:
      - {{type: filesystem-oci-store, parameters: {{path: {MATERIAL / "layout"}, allowBareTags: true}}}}
    verifiers:
      - name: cosign
        type: cosign
        parameters: {{trustPolicies: [{{keys: {{files: [{MATERIAL / "keys" / "cosign.pub"}]}}}}]}}
"""
    )
    reference = "registry.example.com/app:cosign-v3"
    assert run("resolve", "-c", config, reference)[0] == 0
    assert BUNDLE in run("discover", "-c", config, reference)[1]
    assert "sigstore bundle" in run("inspect", "-c", config, reference)[1]
    assert run("verify", "-c", config, reference)[0] == 0
    code, _, err = run("resolve", "-c", config, "registry.example.org/app:cosign-v3")
    assert code == 2
    assert "SCOPE_NO_MATCH" in err
