"""Cosign's signatures of a file: sigstore bundles, and what `cosign sign-blob` writes without one."""

from argparse import Namespace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.core.clock import SystemClock
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import FileTooLarge, UnreadableFile, read_file
from pyratify.core.verifier import Details
from pyratify.entrypoints.cli.decode.file_kinds import BUNDLE, ENVELOPE, Kind
from pyratify.entrypoints.cli.engines.cosign_flags import trust_policy
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import Authenticator, load_authenticator
from pyratify.sigstore.blob_verification import (
    check_type,
    of_another_type,
    verify_blob,
    verify_envelope,
)
from pyratify.verifiers.cosign.detached import enclosed_envelope, verify_detached

if TYPE_CHECKING:
    from pyratify.verifiers.attestation.requirement import Requirement

_MAX_ARTIFACT = 1024 * 1024 * 1024  # held in memory: ed25519 signs the file itself and not its digest


def load_trust(arguments: Namespace) -> Authenticator:
    """Return what the flags trust.

    Raises:
        ConfigurationError: A key or trusted root cannot be used, or the identity is not whole.
    """
    root = "staging" if arguments.staging else ""
    return load_authenticator(trust_policy(arguments, {}, Path.cwd(), root), SystemClock())


def verify(
    data: bytes,
    artifact: Artifact,
    trusted: Authenticator,
    *,
    kind: Kind,
    predicate_type: str = "",
) -> Details:
    """Verify one signature.

    Args:
        data: The bundle, or the signature without one.
        artifact: What must have been signed.
        trusted: What is trusted.
        kind: What it is.
        predicate_type: The only type of statement that counts; empty for every statement and for signatures.

    Raises:
        VerificationError: It is no evidence for the artifact.
    """
    if kind == BUNDLE:
        return verify_blob(data, artifact, trusted, predicate_type=predicate_type)
    if (found := layer_of(data, kind)) is not None:
        return verify_envelope(*found, artifact, trusted, predicate_type=predicate_type)
    # A bare signature holds no statement, so it can satisfy no --type.
    check_type(None, predicate_type)
    return verify_detached(data, artifact, trusted)


def layer_of(data: bytes, kind: Kind) -> tuple[bytes, Descriptor] | None:
    """Return a bundle or an envelope as a registry has it, bytes and layer; None for a signature that holds no statement.

    Raises:
        VerificationError: It is malformed.
    """
    if not kind.bare:
        return data, Descriptor(kind.media_type, Digest.of(data), len(data))
    enclosed = enclosed_envelope(data)
    if enclosed is None:
        return None
    raw, annotations = enclosed
    return raw, Descriptor(ENVELOPE.media_type, Digest.of(raw), len(raw), annotations=annotations)


def verify_statement(
    data: bytes,
    kind: Kind,
    artifact: Artifact,
    trusted: Authenticator,
    *,
    requirement: "Requirement",
    now: datetime,
) -> Details:
    """Verify a bundle or an envelope that must hold a statement about an artifact, and judge what it says.

    Args:
        data: The bundle or the envelope.
        kind: What it is.
        artifact: What the statement must be about.
        trusted: What is trusted.
        requirement: What the statement must be and say.
        now: The moment of the verification.

    Raises:
        VerificationError: It is no such statement.
    """
    from pyratify.sigstore.budget import Budget
    from pyratify.sigstore.statement_envelopes import authenticate
    from pyratify.verifiers.attestation.judge_signed import judge_signed

    found = layer_of(data, kind)
    if found is None:
        raise of_another_type(None, requirement.predicate_types[0])
    raw, layer = found
    signed = authenticate(raw, layer, artifact, trusted, Budget())
    signed.statement.claim(artifact)
    subject = Descriptor("", artifact.digest, len(artifact.data or b""))
    judged = judge_signed(signed, (requirement,), subject, now).judgement
    return Details(
        f"a trusted {trusted.signer_kind} states what is asked for of this artifact",
        (signed.signer.name,),
        {"format": "sigstore-bundle" if kind == BUNDLE else "dsse", **judged.facts},
        judged.warnings,
        judged.valid_until,
    )


def read_artifact(name: str) -> Artifact:
    """Return the file, or what only its digest is known of: a text like a digest that is no file.

    Raises:
        ConfigurationError: It cannot be read, or is too large.
    """
    path = Path(name)
    known = Artifact.of_digest(name)
    # A file that is called like a digest is the file: its content is what can be verified.
    if known is not None and not path.exists():
        return known
    try:
        return Artifact.of(read_file(path, _MAX_ARTIFACT))
    except FileTooLarge as error:
        raise ConfigurationError(
            f"{name[:200]} {error}", remedy="Give sha256: and its digest instead."
        ) from None
    except UnreadableFile as error:
        raise ConfigurationError(
            f"{name[:200]} {error}",
            remedy="Give a file, or a digest of it as sha256:HEX, sha384:HEX or sha512:HEX.",
        ) from None
