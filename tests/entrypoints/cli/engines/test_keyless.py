"""`ratify verify` and `ratify verify-bundle` with identities, against a private Sigstore and sigstore-conformance."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.digest import Digest
from pyratify.testing.cosign import attach_bundle, attach_classic, simple_signing, statement
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore, Signing, extension

SIGSTORE = PrivateSigstore()
WHO = ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER)
REGEX = (
    "--certificate-identity-regexp",
    r".*@example\.com",
    "--certificate-oidc-issuer-regexp",
    r"https://issuer\..*",
)
MATERIAL = Path(__file__).resolve().parents[4] / "examples" / "material"
Run = Callable[..., tuple[int, str, str]]
PROGRAM = """
import sys
from pyratify.entrypoints.cli import main
code = main(sys.argv[1:])
print(*sorted(name for name in sys.modules if name.startswith("pyratify.")), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def root(tmp_path: Path) -> tuple[str, ...]:
    """The flag that names the private instance."""
    (tmp_path / "root.json").write_bytes(SIGSTORE.root.data)
    return ("--trusted-root", str(tmp_path / "root.json"))


@pytest.fixture
def layout(tmp_path: Path) -> str:
    """A layout with a keyless image."""
    store = MemoryStore()
    image = store.add_image()
    store.tags["app"] = image.digest
    signed = statement(image.digest, annotations={"env": "prod"})
    claims = {extension(2): b"push"}
    attach_bundle(store, image, SIGSTORE.sign_statement(signed, Signing(log=2, extensions=claims)))
    attach_classic(store, image, SIGSTORE.sign_classic(simple_signing(Digest.of(b"another"))))
    write_layout(store, tmp_path / "layout")
    return f"oci:{tmp_path / 'layout'}@{image.digest}"


@pytest.mark.parametrize("who", [WHO, REGEX], ids=["exact", "regexp"])
def test_an_identity_alone_verifies_an_image(
    who: tuple[str, ...], run: Run, root: tuple[str, ...], layout: str
) -> None:
    """No configuration file; identities exactly or as expressions, with a claim and an annotation."""
    claim = ("--certificate-github-workflow-trigger", "push")
    code, out, err = run("verify", *who, *root, *claim, "-a", "env=prod", "-o", "json", "--no-cache", layout)
    assert (code, err) == (0, "")
    assert json.loads(out)["succeeded"] is True


@pytest.mark.parametrize(
    "flags",
    [
        ("--certificate-identity", "other@example.com", "--certificate-oidc-issuer", ISSUER),
        ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", f"{ISSUER}/"),
        (*WHO, "-a", "env=dev"),
        (*WHO, "--certificate-github-workflow-trigger", "schedule"),
        (*WHO, "--certificate-github-workflow-ref", "refs/heads/main"),
    ],
)
def test_another_identity_claim_or_annotation_is_denied(
    flags: tuple[str, ...], run: Run, root: tuple[str, ...], layout: str
) -> None:
    """Each flag makes the difference by itself."""
    assert run("verify", *flags, *root, "--no-cache", layout)[0] == 1


def test_the_public_instance_is_the_default_and_does_not_know_private_ones(run: Run, layout: str) -> None:
    """Without --trusted-root Sigstore's public instance is trusted, as it was shipped."""
    code, out, _ = run("verify", *WHO, "--no-cache", layout)
    assert code == 1
    assert "CHAIN_UNTRUSTED" in out


@pytest.mark.parametrize(
    "flags",
    [
        ("--certificate-identity", SUBJECT),
        ("--certificate-oidc-issuer", ISSUER),
        (*WHO, *REGEX),
        ("--certificate-identity-regexp", ".*", "--certificate-oidc-issuer", ISSUER),
        ("--certificate-identity-regexp", "(", "--certificate-oidc-issuer", ISSUER),
        (*WHO, "--key", MATERIAL / "keys" / "cosign.pub"),
        (*WHO, "--trusted-root", "missing.json"),
        (*WHO, "-a", "nothing"),
        (*WHO, "-a", "a=1", "-a", "a=2"),
        ("--cert", MATERIAL / "certs" / "ca.pem", "--trusted-identity", "*", "-a", "a=b"),
        ("--trusted-root", MATERIAL / "expected.json", "--insecure-ignore-sct"),
        (*WHO, "--trusted-root", MATERIAL / "expected.json"),
    ],
)
def test_flags_that_cannot_be_meant_are_a_mistake_of_usage(
    flags: tuple[str, ...], run: Run, layout: str
) -> None:
    """Half an identity, any identity, two modes, or a file that is no trusted root."""
    code, out, err = run("verify", *flags, "--no-cache", layout)
    assert (code, out) == (3, "")
    assert "what to do" in err


def test_a_bundle_beside_a_file_is_accepted_or_refused(
    run: Run, root: tuple[str, ...], tmp_path: Path
) -> None:
    """By the file and by its digest, as text and as JSON, with the exit codes of every command."""
    (tmp_path / "artifact").write_bytes(b"content")
    (tmp_path / "bundle.json").write_text(json.dumps(SIGSTORE.sign_message(b"content")))
    flags = ("--bundle", "bundle.json", *WHO, *root)
    for artifact in ("artifact", str(Digest.of(b"content"))):
        code, out, err = run("verify-bundle", *flags, artifact)
        assert (code, err) == (0, "")
        assert out.startswith("ALLOWED")
    code, out, _ = run("verify-bundle", *flags, "-o", "json", str(Digest.of(b"other")))
    assert code == 1
    assert json.loads(out)["failure"]["code"] == "SIG_INVALID"
    assert run("verify-bundle", *flags, "missing")[0] == 3
    assert run("verify-bundle", "--bundle", "bundle.json", "artifact")[0] == 3
    assert run("verify-bundle", "--bundle", "missing.json", *WHO, "artifact")[0] == 3


def test_every_case_of_sigstore_conformance_gets_its_exit_code(run: Run, shared: Path) -> None:
    """Its own protocol, argument by argument: 70 cases, with the file and with its digest."""
    expected = json.loads((shared / "expected" / "sigstore-conformance.json").read_text())
    assets = shared / "sigstore-conformance" / "assets" / "bundle-verify"
    wrong = []
    for case in expected["cases"]:
        folder = assets / case["name"]
        artifact = folder / "artifact" if case["artifact"] == "own" else assets / "a.txt"
        who = ["--key", folder / "key.pub"]
        if not case["key"]:
            names = {name: expected[f"{name}_default"] for name in ("identity", "issuer")}
            own = {name: folder / name for name in names if (folder / name).exists()}
            names |= {name: file.read_text().strip() for name, file in own.items()}
            who = ["--certificate-identity", names["identity"], "--certificate-oidc-issuer", names["issuer"]]
        root = ["--trusted-root", folder / "trusted_root.json"] if case["trusted_root"] == "own" else []
        root = ["--staging"] if case["trusted_root"] == "staging" else root
        for given in (artifact, Digest.of(artifact.read_bytes())):
            code = run("verify-bundle", "--bundle", folder / "bundle.sigstore.json", *who, *root, given)[0]
            if (code == 0) is not case["ok"] or code not in (0, 1, 3):
                wrong.append((case["name"], code))
    assert not wrong


@pytest.mark.parametrize("tag", ["cosign-v2", "cosign-v3"])
def test_a_key_alone_imports_nothing_of_keyless_signatures(tag: str) -> None:
    """Start-up is what is imported: `ratify verify --key` knows no certificates, logs or identities."""
    command = ("verify", "--no-cache", "--key", str(MATERIAL / "keys" / "cosign.pub"))
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command, f"oci:{MATERIAL / 'layout'}:{tag}"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(ran.stderr.split())
    assert "pyratify.verifiers.cosign.cosign_verifier" in found
    keyless = (
        "certificate_authenticator expression fulcio signed_times signing_certificate tlog_entries trusted_material "
        "trusted_root verification_steps roots"
    )
    assert not found & {f"pyratify.sigstore.{name}" for name in keyless.split()}
    assert "pyratify.sigstore.classic_annotations" not in found
    assert not [
        name for name in found if name.startswith(("pyratify.pki.transparency", "pyratify.pki.timestamp"))
    ]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ("--certificate-identity-regexp", "(?=a)", "--certificate-oidc-issuer", ISSUER),
            ("--certificate-identity-regexp: ", "look-around", "Correct the expression"),
        ),
        (
            ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer-regexp", "("),
            ("--certificate-oidc-issuer-regexp: ",),
        ),
        (
            ("--certificate-identity-regexp", ".*", "--certificate-oidc-issuer", ISSUER),
            ("--certificate-identity-regexp: ", "matches everything", "--allow-any-identity"),
        ),
        (("--certificate-identity", SUBJECT), ("--certificate-oidc-issuer is missing",)),
    ],
)
def test_a_refused_identity_names_its_flag(
    flags: tuple[str, ...], words: tuple[str, ...], run: Run, layout: str
) -> None:
    """In the words of the command line, and not in those of a configuration."""
    code, _, err = run("verify", *flags, "--no-cache", layout)
    assert code == 3
    assert all(word in err for word in words), err
    assert "certificateIdentity" not in err
    assert "allowAnyIdentity" not in err


def test_any_identity_is_trusted_where_that_is_said(run: Run, root: tuple[str, ...], layout: str) -> None:
    """The flag makes the difference."""
    flags = ("--certificate-identity-regexp", ".*", "--certificate-oidc-issuer", ISSUER)
    assert run("verify", *flags, *root, "--no-cache", layout)[0] == 3
    assert run("verify", *flags, "--allow-any-identity", *root, "--no-cache", layout)[0] == 0


def test_a_prefix_is_refused_with_the_expression_that_would_match(
    run: Run, root: tuple[str, ...], layout: str
) -> None:
    """What cosign takes is shown as what it would have to be here."""
    flags = ("--certificate-identity-regexp", "^signer@", "--certificate-oidc-issuer", ISSUER)
    code, out, _ = run("verify", *flags, *root, "--no-cache", layout)
    assert code == 1
    assert "'^signer@' matches only the beginning of the subject" in out
    assert "'^signer@.*' would" in out


def test_without_re2_an_expression_is_a_mistake_that_names_what_to_install(
    run: Run, root: tuple[str, ...], layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is optional; what is written out exactly needs none."""
    monkeypatch.setitem(sys.modules, "re2", None)
    code, out, err = run("verify", *REGEX, *root, "--no-cache", layout)
    assert (code, out) == (3, "")
    assert "--certificate-identity-regexp: " in err
    assert "pip install 'pyratify[regex]'" in err
    assert run("verify", *WHO, *root, "--no-cache", layout)[0] == 0


def test_an_old_bundle_is_verified_with_its_certificate_and_log_entry(
    run: Run, root: tuple[str, ...], tmp_path: Path
) -> None:
    """What `cosign sign-blob --bundle` wrote before version 3 has the proofs of classic signatures."""
    signed = SIGSTORE.sign_classic(b"content")
    made = signed.annotations
    document = {
        "base64Signature": made["dev.cosignproject.cosign/signature"],
        "cert": base64.b64encode(made["dev.sigstore.cosign/certificate"].encode()).decode(),
        "rekorBundle": json.loads(made["dev.sigstore.cosign/bundle"]),
    }
    (tmp_path / "artifact").write_bytes(b"content")
    (tmp_path / "old.json").write_text(json.dumps(document))
    flags = ("--signature", "old.json", *root, "artifact")
    assert run("verify-file", *WHO, *flags)[0] == 0
    assert run("verify-file", "--certificate-identity", "x", *WHO[2:], *flags)[0] == 1
    (tmp_path / "old.json").write_text(json.dumps(document | {"rekorBundle": None}))
    code, out, _ = run("verify-file", *WHO, *flags)
    assert code == 1
    assert "TLOG" in out or "TIME_SOURCE_MISSING" in out
    (tmp_path / "old.json").write_text(json.dumps(document | {"cert": None}))
    assert "SIGNER_KIND" in run("verify-file", *WHO, *flags)[1]
