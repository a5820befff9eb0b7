"""Docker's chain by flags: where platforms are judged, a statement that nothing signs counts by a signature of what holds or lists it.

The signature has to be of a signer that the flags trust for attestations.
"""

import asyncio
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pyratify.core.policy import PolicyEnforcer
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.engines.cosign_flags import read_annotations, trust_policy
from pyratify.entrypoints.cli.engines.flag_resources import FlagResources
from pyratify.policies import threshold_plugin

SIGNATURE = "signature"
"""The name of the verifier of signatures that vouch for statements."""
_ATTESTATION = "attestation"


def add_chain(
    arguments: Namespace, trusted: tuple[Verifier, ...]
) -> tuple[tuple[Verifier, ...], PolicyEnforcer]:
    """Return the verifiers with that of vouching signatures, and the policy that asks for a statement and for what signs it.

    Raises:
        ConfigurationError: A key or root cannot be read.
    """
    from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

    vouching = trust_policy(arguments, read_annotations(arguments.annotations), Path.cwd())
    verifiers = (*trusted, CosignVerifier(SIGNATURE, [vouching]))
    parameters = chain_parameters(each.name for each in trusted)
    resources = FlagResources(verifiers=tuple(each.name for each in verifiers))
    options = msgspec.convert(parameters, threshold_plugin.ThresholdOptions)
    return verifiers, asyncio.run(threshold_plugin.build("policy", options, resources))


def chain_parameters(trusted: Iterable[str]) -> dict[str, Any]:
    """Return the parameters of the threshold policy.

    Args:
        trusted: The verifiers that the flags of trust ask for, by their names.
    """
    signed = {"verifierName": _ATTESTATION, "requireSigned": True}
    # Signed itself, or by a signature of the manifest that holds it or of the index that lists it.
    ways = [signed, {**signed, "rules": [{"verifierName": SIGNATURE}]}]
    others = [{"verifierName": name} for name in trusted if name != _ATTESTATION]
    return {"policy": {"threshold": 1, "rules": [*ways, *others]}}
