"""What the flags say is trusted, and that they say it without contradiction."""

from argparse import Namespace

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.engines.attestation_flags import attestation_flag
from pyratify.entrypoints.cli.engines.cosign_flags import is_cosign
from pyratify.entrypoints.cli.engines.document_flags import document_flag


def is_direct(arguments: Namespace) -> bool:
    """Return whether the flags themselves say what is trusted.

    Raises:
        ConfigurationError: They do, and name a configuration too, or are not complete.
    """
    cosign = is_cosign(arguments)
    policy = arguments.trust_policy or arguments.notation or arguments.notation_config
    notation = arguments.cert or policy
    named = cosign or notation
    # A flag without effect is an error: it would be believed to restrict what is trusted.
    for flag, value, other, needed in (
        ("--trusted-identity", arguments.trusted_identity, "--cert", arguments.cert),
        ("--trust-store", arguments.trust_store, "--trust-policy", policy),
        ("--user-metadata", arguments.user_metadata, "--cert or --trust-policy", notation),
        ("--plugin", arguments.plugin, "--cert or --trust-policy", notation),
        ("--plugin-dir", arguments.plugin_dir, "--plugin", arguments.plugin),
        ("--max-signatures", arguments.max_signatures, "--key, --cert or --trust-policy", named),
        ("--wildcard-scopes", arguments.wildcard_scopes, "--trust-policy", policy),
        ("-a", arguments.annotations, "--key or --certificate-identity", cosign),
        ("--trusted-root", arguments.trusted_root, "--key or --certificate-identity", cosign),
        ("--signature-repository", arguments.signature_repository, "--key, --cert or --trust-policy", named),
        (
            "--attachment-tag-prefix",
            arguments.attachment_tag_prefix,
            "--key or --certificate-identity",
            cosign,
        ),
        ("--insecure-ignore-tlog", arguments.insecure_ignore_tlog, "--key or --certificate-identity", cosign),
        ("--insecure-ignore-sct", arguments.insecure_ignore_sct, "--certificate-identity", cosign),
        (attestation := attestation_flag(arguments), attestation, "--key or --certificate-identity", cosign),
        (document := document_flag(arguments), document, "--key, --cert or --trust-policy", named),
    ):
        if value and not needed and arguments.config:
            raise ConfigurationError(
                f"-c and {flag} exclude one another",
                remedy=f"Write in the configuration what {flag} means, or leave out -c and give {other}.",
            )
        if value and not needed:
            raise ConfigurationError(f"{flag} needs {other}", remedy=f"Give {other} too.")
    if arguments.user_metadata and cosign:
        raise ConfigurationError(
            "--user-metadata is for notation: cosign signatures, which --key and --certificate-identity trust, have none",
            remedy="Leave out --key and --certificate-identity, or write a configuration.",
        )
    if attestation and notation:
        raise ConfigurationError(
            f"{attestation} asks for a statement, and a notation signature holds none",
            remedy=f"Leave out {attestation}, or the flags of notation.",
        )
    # Two sources of trust: the union would accept more than either of them says.
    if named and arguments.config:
        raise ConfigurationError(
            f"-c and {given_trust(arguments)} exclude one another",
            remedy="Leave out one of them; a configuration may name keys and certificates too.",
        )
    return bool(named)


def given_trust(arguments: Namespace) -> str:
    """Return the first flag that says what is trusted, as it was written."""
    identity = ("certificate_identity", "certificate_identity_regexp", "certificate_oidc_issuer")
    names = ("key", *identity, "signer_workflow", "cert")
    found = (
        name for name in (*names, "trust_policy", "notation", "notation_config") if getattr(arguments, name)
    )
    return f"--{next(found, 'certificate-identity').replace('_', '-')}"
