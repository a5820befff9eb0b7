"""The verifiers that `--key`, `--cert` and `--trust-policy` ask for."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Protocol

from pyratify.core.errors import ConfigurationError
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.direct import material, read_file


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
    if arguments.key:
        from pyratify.verifiers.cosign.policy import CosignTrustPolicy
        from pyratify.verifiers.cosign.verifier import CosignVerifier

        yield CosignVerifier("cosign", [CosignTrustPolicy(keys=material(arguments.key, "--key"))])
    if arguments.cert:
        yield _certificates(arguments)
    if arguments.trust_policy:
        yield _trust_policy(arguments)


def _certificates(arguments: Namespace) -> Prepared:
    if not arguments.trusted_identity:
        raise ConfigurationError(
            "--cert needs --trusted-identity: a certificate authority certifies many, and not all of them sign for you",
            remedy="Add --trusted-identity 'x509.subject: C=..., O=...', or '*' for whoever the authority certifies.",
        )
    raise NotImplementedError(read_file)


def _trust_policy(arguments: Namespace) -> Prepared:
    if not arguments.trust_store:
        raise ConfigurationError(
            "--trust-policy needs --trust-store",
            remedy="Give notation's trust store folder, the one that holds x509/.",
        )
    raise NotImplementedError(read_file)
