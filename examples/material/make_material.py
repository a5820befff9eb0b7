"""Make the signed material of this folder again, with the real signers (`make peers` builds them).

    .venv/bin/python examples/material/make_material.py

Images are pushed to a registry on loopback, signed there by cosign and notation, spoilt where a tag says so, and copied
by oras into one OCI image layout. The layout is then served again and judged by cosign and notation: a verdict other
than the one in `expected.json` ends the program with an error. Keys and certificates that exist are kept.
"""

import base64
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from loopback import BUNDLE, NOTATION, Repository, accepts, digest_of, registry, run, to_json
from make_certificates import make_authority

HERE = Path(__file__).resolve().parent
CERTS, KEYS, LAYOUT = HERE / "certs", HERE / "keys", HERE / "layout"
IDENTITY = "x509.subject: C=US, ST=WA, O=Pyratify Test"
NO_LOG = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}
EXPECTED = {  # tag: (cosign, notation)
    "cosign-v2": ("pass", "none"),
    "cosign-v3": ("pass", "none"),
    "notation-jws-rsa": ("none", "pass"),
    "notation-jws-ec": ("none", "pass"),
    "notation-cose-rsa": ("none", "pass"),
    "notation-cose-ec": ("none", "pass"),
    "both": ("pass", "pass"),
    "unsigned": ("none", "none"),
    "wrong-key": ("fail", "none"),
    "wrong-ca": ("none", "fail"),
    "replayed": ("fail", "fail"),
    "replayed-v3": ("fail", "none"),
    "tampered": ("none", "fail"),
    "expired-signature": ("none", "fail"),
}


def main() -> None:
    """Make everything, judge it, and write down what was expected."""
    make_keys()
    make_trust()
    shutil.rmtree(LAYOUT, ignore_errors=True)
    with registry() as repository:
        for tag in EXPECTED:
            repository.push_image(tag)
        sign_all(repository)
        spoil(repository)
        copy_to_layout(repository)
    check_blobs()
    with registry() as repository:
        copy_from_layout(repository)
        judge_all(repository)
    expected = {tag: {"cosign": cosign, "notation": notation} for tag, (cosign, notation) in EXPECTED.items()}
    write_json(HERE / "expected.json", expected)


def make_keys() -> None:
    """Cosign's key pairs (empty password) and the two certificate authorities."""
    KEYS.mkdir(exist_ok=True)
    for name in ("cosign", "other"):
        if not (KEYS / f"{name}.key").exists():
            run("cosign", "generate-key-pair", "--output-key-prefix", str(KEYS / name))
    make_authority(CERTS, "", "main")
    make_authority(CERTS, "other-", "unrelated")


def make_trust() -> None:
    """The trust policy and the trust store, as notation's own configuration folder has them."""
    store = HERE / "truststore" / "x509" / "ca" / "demo"
    store.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CERTS / "ca.pem", store / "ca.pem")
    policy = {
        "name": "demo",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:demo"],
        "trustedIdentities": [IDENTITY],
    }
    write_json(HERE / "trustpolicy.json", {"version": "1.0", "trustPolicies": [policy]})


def sign_all(repository: Repository) -> None:
    """Every signature that a real signer makes."""
    cosign_v2(repository, "cosign-v2")
    cosign_v3(repository, "cosign-v3")
    cosign_v3(repository, "both")
    cosign_v3(repository, "wrong-key", key="other")
    for envelope in ("jws", "cose"):
        for kind in ("rsa", "ec"):
            notation(repository, f"notation-{envelope}-{kind}", envelope, kind)
    notation(repository, "both", "jws", "ec")
    notation(repository, "wrong-ca", "jws", "other-ec")
    notation(repository, "expired-signature", "jws", "ec", "-expiry", "1s")
    time.sleep(2)  # the one second of the last signature


def cosign_v2(repository: Repository, tag: str, key: str = "cosign") -> None:
    """A classic signature: simple signing under the tag `sha256-<hex>.sig`."""
    flags = ("--yes", "--tlog-upload=false", "--key", str(KEYS / f"{key}.key"))
    identity = "--sign-container-identity=pyratify.test/demo"
    run("cosign2", "sign", *flags, identity, at_digest(repository, tag))


def cosign_v3(repository: Repository, tag: str, key: str = "cosign") -> None:
    """A sigstore bundle as a referrer, without any log."""
    _without_log(repository, tag, "sign", key)


def attest(repository: Repository, tag: str, kind: str, predicate: Path) -> None:
    """A statement with a predicate as a referrer, by the trusted key and without any log."""
    _without_log(repository, tag, "attest", "cosign", "--type", kind, "--predicate", str(predicate))


def _without_log(repository: Repository, tag: str, command: str, key: str, *more: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "signing-config.json"
        write_json(config, NO_LOG)
        flags = ("--yes", f"--signing-config={config}", "--key", str(KEYS / f"{key}.key"))
        run("cosign", command, *flags, *more, at_digest(repository, tag))


def notation(repository: Repository, tag: str, envelope: str, signer: str, *more: str) -> None:
    """A notation signature as a referrer."""
    files = ("-key", str(CERTS / f"{signer}.key"), "-chain", str(CERTS / f"{signer}.pem"))
    run("notary", "sign", "-plain-http", "-media-type", envelope, *files, *more, at_digest(repository, tag))


def spoil(repository: Repository) -> None:
    """What no signer makes: signatures moved to another image, and a payload changed after signing."""
    replay(repository, "notation-jws-rsa", NOTATION, "replayed")
    replay(repository, "notation-cose-ec", NOTATION, "replayed")
    replay(repository, "cosign-v3", BUNDLE, "replayed-v3")
    replay_classic(repository, "cosign-v2", "replayed")
    tamper(repository, "notation-jws-ec", "tampered")


def replay(repository: Repository, source: str, mediatype: str, tag: str) -> None:
    """Attach another image's signature, untouched, to `tag`."""
    repository.attach(repository.referrer(source, mediatype), repository.descriptor(tag))


def replay_classic(repository: Repository, source: str, tag: str) -> None:
    """The same with a classic cosign signature, which is only a tag."""
    signature = repository.get(f"manifests/{signature_tag(repository, source)}")
    repository.push_manifest(signature, signature_tag(repository, tag))


def tamper(repository: Repository, source: str, tag: str) -> None:
    """Let `tag` have only another image's envelope, whose payload was rewritten to name `tag`; digests are consistent."""
    target = repository.descriptor(tag)
    manifest = repository.referrer(source, NOTATION)
    envelope = json.loads(repository.get(f"blobs/{manifest['layers'][0]['digest']}"))
    payload = to_json({"targetArtifact": target})
    envelope["payload"] = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    body = to_json(envelope)
    repository.push_blob(body)
    layer = manifest["layers"][0] | {"digest": digest_of(body), "size": len(body)}
    repository.attach(manifest | {"layers": [layer]}, target)


def copy_to_layout(repository: Repository) -> None:
    """All tags with their referrers, and the tags of classic signatures, into one layout."""
    for tag in EXPECTED:
        run(
            "oras",
            "cp",
            "-r",
            "--from-plain-http",
            f"{repository.name}:{tag}",
            "--to-oci-layout",
            f"{LAYOUT}:{tag}",
        )
    for tag in ("cosign-v2", "replayed"):
        name = signature_tag(repository, tag)
        run(
            "oras",
            "cp",
            "--from-plain-http",
            f"{repository.name}:{name}",
            "--to-oci-layout",
            f"{LAYOUT}:{name}",
        )
    index = json.loads((LAYOUT / "index.json").read_text())
    index["manifests"].sort(
        key=lambda entry: (sorted(entry.get("annotations", {}).values()), entry["digest"])
    )
    write_json(LAYOUT / "index.json", index)
    shutil.rmtree(LAYOUT / "ingest", ignore_errors=True)


def copy_alone(repository: Repository, tag: str, layout: Path) -> None:
    """One tag with its referrers, into a new layout of its own."""
    shutil.rmtree(layout, ignore_errors=True)
    source = ("--from-plain-http", f"{repository.name}:{tag}")
    run("oras", "cp", "-r", *source, "--to-oci-layout", f"{layout}:{tag}")
    shutil.rmtree(layout / "ingest", ignore_errors=True)


def copy_from_layout(repository: Repository) -> None:
    """The layout, served again: what a user of it sees."""
    index = json.loads((LAYOUT / "index.json").read_text())
    names = [
        entry.get("annotations", {}).get("org.opencontainers.image.ref.name") for entry in index["manifests"]
    ]
    for name in filter(None, names):
        run(
            "oras",
            "cp",
            "-r",
            "--from-oci-layout",
            f"{LAYOUT}:{name}",
            "--to-plain-http",
            f"{repository.name}:{name}",
        )


def check_blobs() -> None:
    """Every blob hashes to its name."""
    for path in (LAYOUT / "blobs" / "sha256").iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            sys.exit(f"{path} does not hash to its name")


def judge_all(repository: Repository) -> None:
    """Ask the real verifiers; end with an error where they disagree with EXPECTED."""
    for tag, (cosign, notary) in EXPECTED.items():
        verdicts = (cosign_accepts(repository, tag), notation_accepts(repository, tag))
        print(f"{tag:20} cosign {verdicts[0]!s:6} notation {verdicts[1]}")
        if verdicts != (cosign == "pass", notary == "pass"):
            sys.exit(f"{tag}: expected cosign {cosign}, notation {notary}")


def cosign_accepts(repository: Repository, tag: str) -> bool:
    """Whether cosign finds a signature by the right key: a bundle (version 3) or a classic one (version 2)."""
    key = ("--key", str(KEYS / "cosign.pub"), "--insecure-ignore-tlog=true", f"{repository.name}:{tag}")
    return accepts("cosign", "verify", *key) or accepts("cosign2", "verify", *key)


def notation_accepts(repository: Repository, tag: str) -> bool:
    """Whether notation trusts the image under the policy of this folder."""
    trust = ("-ca", str(CERTS / "ca.pem"), "-identity", IDENTITY)
    return accepts("notary", "verify", "-plain-http", *trust, f"{repository.name}:{tag}")


def at_digest(repository: Repository, tag: str) -> str:
    """The reference that signers are given: never a tag."""
    return f"{repository.name}@{repository.descriptor(tag)['digest']}"


def signature_tag(repository: Repository, tag: str) -> str:
    """Where cosign v2 keeps the signatures of a tag."""
    return f"{repository.descriptor(tag)['digest'].replace(':', '-')}.sig"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """JSON for people."""
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
