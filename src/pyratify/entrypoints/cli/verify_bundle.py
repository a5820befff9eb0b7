"""`ratify verify-bundle`: decide whether a bundle beside an artifact is a signature of it (sigstore-conformance's protocol)."""

import json
import re
from argparse import Namespace
from pathlib import Path

from pyratify.core.clock import SystemClock
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.verifier import Details
from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.direct import read_file
from pyratify.entrypoints.cli.identity_flags import is_cosign, trust_policy
from pyratify.render.plain import clean
from pyratify.verifiers.cosign.artifact import Artifact
from pyratify.verifiers.cosign.blobs import verify_blob
from pyratify.verifiers.cosign.verifier import load_policy

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_MAX_ARTIFACT = 1024 * 1024 * 1024


def run(arguments: Namespace, console: Console) -> int:
    """Verify the bundle, print the result and return the exit code."""
    if not is_cosign(arguments):
        raise ConfigurationError(
            "nothing says whose signature counts",
            remedy="Give --certificate-identity and --certificate-oidc-issuer, or --key.",
        )
    root = "staging" if arguments.staging else ""
    trusted = load_policy(trust_policy(arguments, {}, Path.cwd(), root), SystemClock())
    artifact = _artifact(arguments.artifact)
    try:
        found = verify_blob(read_file(arguments.bundle, "--bundle"), artifact, trusted)
    except VerificationError as error:
        _show(arguments, console, artifact, error)
        return exits.DENIED
    _show(arguments, console, artifact, found)
    return exits.ALLOWED


def _artifact(name: str) -> Artifact:
    """Return the file, or what only its digest is known of: a text like a digest that is no file."""
    path = Path(name)
    if _DIGEST.fullmatch(name) and not path.exists():
        return Artifact(None, Digest(name))
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_ARTIFACT + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"{name[:200]} cannot be read: {why}", remedy="Give a file, or sha256: and its digest."
        ) from None
    if len(data) > _MAX_ARTIFACT:
        raise ConfigurationError(f"{name[:200]} has more than {_MAX_ARTIFACT} bytes; give its digest")
    return Artifact.of(data)


def _show(
    arguments: Namespace, console: Console, artifact: Artifact, found: Details | VerificationError
) -> None:
    if arguments.output == "json":
        console.result(json.dumps(_as_json(arguments.artifact, artifact, found)))
    elif isinstance(found, Details):
        signer = clean(", ".join(found.signers))
        console.result(f"ALLOWED {clean(arguments.artifact)}\n  verified: signed by {signer}")
    else:
        console.result(
            f"DENIED {clean(arguments.artifact)}\n  why:  {clean(found.message)} [{found.reason}]\n"
            f"  what to do: {clean(found.remedy)}"
        )


def _as_json(name: str, artifact: Artifact, found: Details | VerificationError) -> dict[str, object]:
    document: dict[str, object] = {
        "artifact": name,
        "digest": str(artifact.digest),
        "succeeded": isinstance(found, Details),
    }
    if isinstance(found, Details):
        return {**document, "signers": list(found.signers), "details": dict(found.data)}
    failure = {"code": str(found.reason), "message": found.message, "remedy": found.remedy}
    return {**document, "failure": failure}
