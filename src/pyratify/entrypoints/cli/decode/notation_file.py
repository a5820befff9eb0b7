"""Notation's signatures of a file."""

from argparse import Namespace

from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.engines.verifiers_from_flags import anchors, notation_options, trust_files
from pyratify.verifiers.notation.blob_signature import BlobVerifier


def blob_verifier(arguments: Namespace) -> BlobVerifier:
    """Return the verifier that the flags ask for.

    Raises:
        ConfigurationError: They are not complete, or a file cannot be read.
    """
    from pyratify.verifiers.notation.blob_policy_document import parse_blob_policy, short_blob_policy
    from pyratify.verifiers.notation.truststore import load_trust_store

    given = bool(arguments.trust_policy or arguments.notation or arguments.notation_config)
    # Neither trusts nothing; both would be two policies, of which the wider one decides.
    if given == bool(arguments.cert) or (arguments.trusted_identity and given):
        raise ConfigurationError(
            "either --cert with --trusted-identity, or a trust policy has to say what is trusted",
            remedy="Give --cert, or --trust-policy and --trust-store, or --notation, or --notation-config.",
        )
    if given:
        data, folder = trust_files(arguments, blob=True)
        policy = parse_blob_policy(
            data, path="--trust-policy" if arguments.trust_policy else "trustpolicy.blob.json"
        )
        stores = dict(load_trust_store(folder, policy.stores))
    else:
        identities, stores = anchors(arguments)
        policy = short_blob_policy(identities=identities, stores=tuple(map(str, stores)))
    return BlobVerifier("notation", policy, stores, SystemClock(), **notation_options(arguments))
