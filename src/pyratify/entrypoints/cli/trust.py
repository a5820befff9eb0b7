"""The verifiers that `--key`, `--certificate-identity`, `--cert` and `--trust-policy` ask for."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.direct import material, read_file
from pyratify.entrypoints.cli.identity_flags import is_cosign, read_annotations, trust_policy

_SUBJECT = "x509.subject:"


class Prepared(Verifier, Protocol):
    """A verifier that reads its keys or certificates beside other work."""

    async def prepare(self) -> None:
        """Read them.

        Raises:
            ConfigurationError: One of them cannot be used.
        """
        ...


def direct_verifiers(arguments: Namespace) -> tuple[Prepared, ...]:
    """Return one verifier for each kind of evidence that is trusted.

    Raises:
        ConfigurationError: A file cannot be read, or the identities are missing.
    """
    return tuple(_verifiers(arguments))


def _verifiers(arguments: Namespace) -> Iterator[Prepared]:
    if is_cosign(arguments):
        from pyratify.verifiers.cosign.verifier import CosignVerifier

        annotations = read_annotations(arguments.annotations)
        yield CosignVerifier("cosign", [trust_policy(arguments, annotations, Path.cwd())])
    if arguments.cert:
        yield _certificates(arguments)
    if arguments.trust_policy:
        yield _trust_policy(arguments)


def _certificates(arguments: Namespace) -> Prepared:
    from pyratify.verifiers.notation.policy import StoreName
    from pyratify.verifiers.notation.policyfile import short_trust_policy
    from pyratify.verifiers.notation.verifier import NotationVerifier

    if not arguments.trusted_identity:
        raise ConfigurationError(
            "--cert needs --trusted-identity: an authority certifies many, and not all of them sign for you",
            remedy="Add --trusted-identity 'x509.subject: C=US, ST=WA, O=Example', or '*' for all it certifies.",
        )
    store = StoreName("ca", "command-line")
    identities = tuple(_identity(text) for text in arguments.trusted_identity)
    try:
        policy = short_trust_policy(identities=identities, stores=(str(store),))
    except ConfigurationError as error:
        raise ConfigurationError(f"--trusted-identity: {error.detail}", remedy=error.remedy) from None
    return NotationVerifier("notation", policy, {store: material(arguments.cert, "--cert")}, SystemClock())


def _identity(text: str) -> str:
    return text if text == "*" or text.startswith(_SUBJECT) else f"{_SUBJECT} {text}"


def _trust_policy(arguments: Namespace) -> Prepared:
    from pyratify.verifiers.notation.policyfile import parse_trust_policy
    from pyratify.verifiers.notation.truststore import load_trust_store
    from pyratify.verifiers.notation.verifier import NotationVerifier

    if arguments.cert:
        raise ConfigurationError(
            "--cert and --trust-policy exclude one another",
            remedy="Put the certificate into the trust store.",
        )
    if not arguments.trust_store:
        raise ConfigurationError(
            "--trust-policy needs --trust-store",
            remedy="Give notation's trust store folder, the one that holds x509/.",
        )
    data = read_file(arguments.trust_policy, "--trust-policy")
    policy = parse_trust_policy(data, path="--trust-policy")
    stores = load_trust_store(Path(arguments.trust_store), policy.stores)
    return NotationVerifier("notation", policy, stores, SystemClock())
