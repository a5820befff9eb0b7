"""The trust of the trials: flags that cosign and our command understand alike, and the environment that cosign 2 needs besides."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from interop import live
from interop.sigstore_scene import EMAIL, IMAGES, KEYED, KEYLESS, KINDS, WORKFLOW, Scene
from pyratify.testing.certificates import authority, make_key, public_pem

KEY = ("--key", str(live.signers.KEYS / "cosign.pub"))
OTHER_KEY = ("--key", str(live.signers.KEYS / "other.pub"))
_CLAIMS = {
    "trigger": "event_name",
    "sha": "sha",
    "name": "workflow",
    "repository": "repository",
    "ref": "ref",
}
_ENDED = "end-time=2025-01-01T00:00:00Z"


@dataclass(frozen=True)
class Policy:
    """What both commands are told.

    Attributes:
        flags: The flags.
        root: The trusted root; None for none.
        images: The images that are looked at.
        hint: What cosign alone has to be told.
    """

    flags: tuple[str, ...]
    root: Path | None
    images: tuple[str, ...] = KEYLESS
    hint: tuple[str, ...] = ()

    @property
    def ours(self) -> tuple[str, ...]:
        """Our flags, which are those of cosign 3."""
        return (*self.flags, *(("--trusted-root", str(self.root)) if self.root else ()))


def policies(scene: Scene) -> dict[str, Policy]:
    """Every policy by its name."""
    email = Policy(scene.who(), scene.root)
    key = Policy(KEY, scene.root, KEYED)
    return {
        "email": replace(email, images=IMAGES),
        "email-ignore-tlog": replace(email, flags=(*email.flags, "--insecure-ignore-tlog"), images=IMAGES),
        "key": replace(key, images=IMAGES),
        "key-ignore-tlog": replace(key, flags=(*KEY, "--insecure-ignore-tlog"), images=IMAGES),
        "key-offline": Policy((*KEY, "--insecure-ignore-tlog"), None, IMAGES),
        "other-key": replace(key, flags=OTHER_KEY),
        "key-annotated": replace(key, flags=(*KEY, "-a", "env=prod")),
        "key-wrong-annotation": replace(key, flags=(*KEY, "-a", "env=test")),
        "annotated": replace(email, flags=(*email.flags, "-a", "env=prod")),
        "wrong-annotation": replace(email, flags=(*email.flags, "-a", "env=test")),
        "ignore-sct": replace(email, flags=(*email.flags, "--insecure-ignore-sct")),
        **{
            f"key-{kind}": Policy(
                ("--key", str(scene.instance.folder / f"{kind}.pub")),
                scene.root,
                KEYED,
                (f"--signature-digest-algorithm={live.ALGORITHMS[kind]}",),
            )
            for kind in KINDS
        },
        **_identities(scene),
        **_roots(scene, email, key),
    }


def _identities(scene: Scene) -> dict[str, Policy]:
    issuer = f"{scene.instance.urls['oidc']}/email"
    named = {
        "wrong-identity": (
            "--certificate-identity",
            "other@example.com",
            "--certificate-oidc-issuer",
            issuer,
        ),
        "wrong-issuer": ("--certificate-identity", EMAIL, "--certificate-oidc-issuer", f"{issuer}/"),
        "regexps": _regexps(r"^[a-z]+@example\.com$", "^http://127.0.0.1:[0-9]+/email$"),
        "other-regexps": _regexps(r"^[a-z]+@example\.org$", "^http://127.0.0.1:[0-9]+/email$"),
        "other-issuers": _regexps(r"^[a-z]+@example\.com$", "^https://127.0.0.1"),
        "go-regexps": _regexps(
            r"(?i)\A\QSIGNER@\E(?P<domain>[[:alpha:]\d]+)\.com\z|^\pL+@\p{Greek}+\b$",
            r"^(?:http)://127\.0\.0\.1:\d{1,5}/\w+$|^https://issuer\.invalid$",
        ),
        "parts": _regexps("signer", "127.0.0.1"),
        "github": scene.who("github"),
        "username": scene.who("username"),
        "github-claims": (*scene.who("github"), *_claims()),
    }
    for name in _CLAIMS:
        named[f"github-other-{name}"] = (*scene.who("github"), *_claims(**{name: "other"}))
    return {name: Policy(flags, scene.root) for name, flags in named.items()}


def _roots(scene: Scene, email: Policy, key: Policy) -> dict[str, Policy]:
    instance, urls = scene.instance, scene.instance.urls
    folder = instance.folder
    (folder / "other-ca.pem").write_bytes(authority("interop other").pem)
    (folder / "other-log.pub").write_bytes(public_pem(make_key("ed25519", "interop other")))
    other_ca = f"url={urls['fulcio']},certificate-chain={folder / 'other-ca.pem'}"
    other_log = f"url={urls['rekor']},public-key={folder / 'other-log.pub'},start-time=2024-01-01T00:00:00Z"
    made = {
        "no-ct": instance.trusted_root("no-ct", "ctfe"),
        "other-ca": instance.trusted_root("other-ca", fulcio=other_ca),
        "no-logs": instance.trusted_root("no-logs", "rekor", "rekor1"),
        "other-log": instance.trusted_root("other-log", "rekor1", rekor=f"{other_log},origin=127.0.0.1"),
        "no-tsa": instance.trusted_root("no-tsa", "tsa"),
        "ended-ca": instance.trusted_root("ended-ca", fulcio=f"{instance.services['fulcio']},{_ENDED}"),
        "ended-tsa": instance.trusted_root("ended-tsa", tsa=f"{instance.services['tsa']},{_ENDED}"),
        "ended-log": instance.trusted_root(
            "ended-log",
            rekor=f"{instance.services['rekor']},{_ENDED}",
            rekor1=f"{instance.services['rekor1']},{_ENDED}",
        ),
    }
    found = {f"root-{name}": replace(email, root=path) for name, path in made.items()}
    found["root-no-ct-ignore-sct"] = Policy((*email.flags, "--insecure-ignore-sct"), made["no-ct"])
    for name in ("no-logs", "other-log", "no-tsa", "ended-log"):
        found[f"key-root-{name}"] = replace(key, root=made[name])
    return found


def _regexps(identity: str, issuer: str) -> tuple[str, ...]:
    return ("--certificate-identity-regexp", identity, "--certificate-oidc-issuer-regexp", issuer)


def _claims(**changes: str) -> tuple[str, ...]:
    values = {name: WORKFLOW[claim] for name, claim in _CLAIMS.items()} | changes
    return tuple(
        text for name, value in values.items() for text in (f"--certificate-github-workflow-{name}", value)
    )


def classic_environment(scene: Scene) -> Mapping[str, object]:
    """What cosign 2 is told of the instance, for it has no trusted root for classic signatures."""
    files = scene.instance.files
    return {
        "SIGSTORE_ROOT_FILE": files["fulcio"],
        "SIGSTORE_REKOR_PUBLIC_KEY": files["rekor1"],
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": files["ct"],
        "SIGSTORE_TSA_CERTIFICATE_FILE": files["tsa"],
    }
