"""The verifiers that `--key`, `--certificate-identity`, `--cert` and `--trust-policy` ask for."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict

from pyratify.core.caching import ContentCache
from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.engines.attestation_flags import (
    attestation_flag,
    attestation_requirement,
    follows_chain,
)
from pyratify.entrypoints.cli.engines.cosign_flags import is_cosign, read_annotations, trust_policy
from pyratify.entrypoints.cli.engines.disk_cache import disk_cache
from pyratify.entrypoints.cli.engines.flag_files import material, read_flag_file

if TYPE_CHECKING:
    from pyratify.core.key import KeyMaterial
    from pyratify.verifiers.notation.config_directory import NotationFolder
    from pyratify.verifiers.notation.plugin_process import Plugins
    from pyratify.verifiers.notation.trust_policy import StoreName

_SUBJECT_REMEDY = (
    "Write the subject with at least C, ST and O, as 'C=US, ST=WA, O=Example'; "
    "`ratify inspect` shows that of a signer, and '*' stands for all that the authorities certify."
)
FLAGS_STORE = "command-line"  # what messages call the trust store of --cert
_SUBJECT = "x509.subject:"


class Options(TypedDict):
    """Arguments that all verifiers of notation signatures share."""

    cache: ContentCache | None
    required_metadata: dict[str, str]
    plugins: "Plugins | None"


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
    if is_cosign(arguments) and attestation_flag(arguments):
        yield _attestation(arguments)
    elif is_cosign(arguments):
        from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

        annotations = read_annotations(arguments.annotations)
        # Imports inside: keys of one tool must not pay for the modules of the other.
        yield CosignVerifier("cosign", [trust_policy(arguments, annotations, Path.cwd())])
    if arguments.cert:
        yield _certificates(arguments)
    if arguments.trust_policy or notation_folder(arguments) is not None:
        yield _trust_policy(arguments)


def _attestation(arguments: Namespace) -> Prepared:
    from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier

    trusted = trust_policy(arguments, read_annotations(arguments.annotations), Path.cwd())
    requirement = attestation_requirement(arguments)
    return AttestationVerifier("attestation", [trusted], [requirement], plain=follows_chain(arguments))


def _certificates(arguments: Namespace) -> Prepared:
    from pyratify.verifiers.notation.notation_verifier import NotationVerifier
    from pyratify.verifiers.notation.policy_document import short_trust_policy

    identities, stores = anchors(arguments)
    try:
        policy = short_trust_policy(identities=identities, stores=tuple(map(str, stores)))
    except ConfigurationError as error:
        raise ConfigurationError(f"--trusted-identity: {error.detail}", remedy=_SUBJECT_REMEDY) from None
    return NotationVerifier("notation", policy, stores, SystemClock(), **notation_options(arguments))


def anchors(arguments: Namespace) -> "tuple[tuple[str, ...], dict[StoreName, tuple[KeyMaterial, ...]]]":
    """Return the identities and the trust store that `--trusted-identity` and `--cert` make.

    Raises:
        ConfigurationError: No identity is given, or a certificate cannot be read.
    """
    from pyratify.verifiers.notation.trust_policy import StoreName

    return trusted_identities(arguments), {StoreName("ca", FLAGS_STORE): material(arguments.cert, "--cert")}


def trusted_identities(arguments: Namespace) -> tuple[str, ...]:
    """Return the identities of `--trusted-identity`, each with the prefix that notation writes.

    Raises:
        ConfigurationError: None is given.
    """
    # No default of `*`: trustedIdentities is REQUIRED (trust-store-trust-policy.md, "OCI Trust Policy").
    if not arguments.trusted_identity:
        raise ConfigurationError(
            "--cert needs --trusted-identity: an authority certifies many, and not all of them sign for you",
            remedy="Add --trusted-identity 'x509.subject: C=US, ST=WA, O=Example', or '*' for all it certifies.",
        )
    return tuple(_identity(text) for text in arguments.trusted_identity)


def notation_options(arguments: Namespace) -> "Options":
    """Return the arguments that all verifiers of notation signatures share.

    Raises:
        ConfigurationError: Metadata that is not written as KEY=VALUE, or twice for one key.
    """
    return {
        "cache": disk_cache(arguments),
        "required_metadata": read_metadata(arguments.user_metadata),
        "plugins": _plugins(arguments),
    }


def _plugins(arguments: Namespace) -> "Plugins | None":
    if not arguments.plugin:
        return None
    from pyratify.verifiers.notation.plugin_process import Plugins

    folder = plugin_folder(arguments)
    # Only named ones: a signature chooses its plugin, so the folder alone would let it run any program there.
    plugins = Plugins(folder, frozenset(arguments.plugin))
    for name in arguments.plugin:
        try:
            # Before any request: a missing plugin is a mistake in the flags, and no fault of a signature.
            plugins.find(name)
        except VerificationError as error:
            raise ConfigurationError(
                f"--plugin: {error.message}", remedy=_plugin_remedy(arguments, folder)
            ) from None
    return plugins


def plugin_folder(arguments: Namespace) -> Path:
    """Return the folder of notation's plugins: as the flags say, else notation's own.

    Raises:
        ConfigurationError: No flag says it, and notation's folder is not known.
    """
    from pyratify.verifiers.notation.config_directory import NotationFolder, user_plugins

    if arguments.plugin_dir:
        return Path(arguments.plugin_dir)
    if arguments.notation_config:
        return NotationFolder(Path(arguments.notation_config)).plugins
    return user_plugins()


def _plugin_remedy(arguments: Namespace, folder: Path) -> str:
    if arguments.plugin_dir:
        return f"Check --plugin-dir: a plugin NAME is the program {folder}/NAME/notation-NAME."
    return f"Install it as {folder}/NAME/notation-NAME, or name its folder with --plugin-dir."


def read_metadata(texts: list[str]) -> dict[str, str]:
    """Return the metadata of `-m`.

    Raises:
        ConfigurationError: Not `key=value`, or a key twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        # The first =: values in base64 end with more of them.
        key, equals, value = text.partition("=")
        if not equals or not key or key in found:
            why = "given twice" if key in found else "not written as KEY=VALUE"
            raise ConfigurationError(
                f"--user-metadata: {text[:120]!r} is {why}", remedy="Write -m key=value, once for a key."
            )
        found[key] = value
    return found


def _identity(text: str) -> str:
    # notation's prefix is required ("Trusted Identities Constraints"), and easy to forget in a shell.
    return text if text == "*" or text.startswith(_SUBJECT) else f"{_SUBJECT} {text}"


def _trust_policy(arguments: Namespace) -> Prepared:
    from pyratify.verifiers.notation.notation_verifier import NotationVerifier
    from pyratify.verifiers.notation.policy_document import parse_trust_policy
    from pyratify.verifiers.notation.truststore import load_trust_store

    # The CA would widen a policy whose scopes and levels were written without it.
    if arguments.cert:
        raise ConfigurationError(
            "--cert and a trust policy exclude one another",
            remedy="Leave out --cert and put the certificate into the trust store, or leave out the trust policy.",
        )
    data, folder = trust_files(arguments)
    policy = parse_trust_policy(
        data,
        path="--trust-policy" if arguments.trust_policy else "trustpolicy.json",
        wildcards=arguments.wildcard_scopes,
    )
    stores = load_trust_store(folder, policy.stores)
    return NotationVerifier("notation", policy, stores, SystemClock(), **notation_options(arguments))


def trust_files(arguments: Namespace, *, blob: bool = False) -> tuple[bytes, Path]:
    """Return the trust policy and the folder of the trust store that the flags name.

    Args:
        arguments: The command line.
        blob: Whether the trust policy for blobs is meant.

    Raises:
        ConfigurationError: They are not complete, or a file cannot be read.
    """
    folder = notation_folder(arguments)
    if folder is not None:
        return (folder.blob_policy() if blob else folder.trust_policy()), folder.trust_store
    if not arguments.trust_store:
        raise ConfigurationError(
            "--trust-policy needs --trust-store",
            remedy="Give notation's trust store folder, the one that holds x509/.",
        )
    return read_flag_file(arguments.trust_policy, "--trust-policy"), Path(arguments.trust_store)


def notation_folder(arguments: Namespace) -> "NotationFolder | None":
    """Return notation's own folder where the flags ask for it.

    Raises:
        ConfigurationError: They name a trust policy or trust store too, or there is no such folder.
    """
    if not arguments.notation and not arguments.notation_config:
        return None
    from pyratify.verifiers.notation.config_directory import NotationFolder, user_folder

    # A folder holds both; half of it replaced would be a policy over the stores of another.
    if arguments.trust_policy or arguments.trust_store:
        raise ConfigurationError(
            "--notation and --notation-config exclude --trust-policy and --trust-store",
            remedy="Leave out one or the other.",
        )
    return NotationFolder(Path(arguments.notation_config)) if arguments.notation_config else user_folder()
