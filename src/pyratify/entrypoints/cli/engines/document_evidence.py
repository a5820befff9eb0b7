"""Documents that flags ask for: the verifiers that read them, and the policy that asks for them beside a signature.

A document counts where a signer that the flags trust signed it: as an attestation, or by a signature that is attached to it.
"""

import asyncio
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.engines.cosign_flags import is_cosign, trust_policy
from pyratify.entrypoints.cli.engines.document_flags import DENIES, document_parameters, flag_of
from pyratify.entrypoints.cli.engines.flag_resources import FlagResources
from pyratify.policies import threshold_plugin
from pyratify.sigstore.trust_policy import TrustPolicy

_ATTESTING = ("cosign", "attestation")


def signed_name(kind: str) -> str:
    """Return what the verifier of signed documents of a kind is called."""
    return f"signed-{kind}"


def add_documents(
    arguments: Namespace, trusted: tuple[Verifier, ...]
) -> tuple[tuple[Verifier, ...], PolicyEnforcer]:
    """Return the verifiers of signatures with those of documents, and the policy that asks for both.

    Raises:
        ConfigurationError: In the words of the command line.
    """
    asked = document_parameters(arguments)
    verifiers = (*trusted, *asyncio.run(_verifiers(asked, _attesting(arguments))))
    parameters = policy_parameters(asked, tuple(each.name for each in trusted))
    resources = FlagResources(verifiers=tuple(each.name for each in verifiers))
    options = msgspec.convert(parameters, threshold_plugin.ThresholdOptions)
    return verifiers, asyncio.run(threshold_plugin.build("policy", options, resources))


def policy_parameters(kinds: Iterable[str], trusted: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters of the threshold policy: one signature of the image, and one signed document of each kind.

    Args:
        kinds: The kinds of documents.
        trusted: The verifiers that the flags of trust ask for, by their names.
    """
    image = {"threshold": 1, "rules": [{"verifierName": name} for name in trusted]}
    return {"policy": {"rules": [image, *(_document(kind, trusted) for kind in kinds)]}}


def _document(kind: str, trusted: tuple[str, ...]) -> dict[str, Any]:
    ways = []
    if any(name in _ATTESTING for name in trusted):
        ways.append(_without_bad(kind, {"verifierName": signed_name(kind)}))
    # An attestation about a document is a statement, and no signature of it.
    signing = [{"verifierName": name} for name in trusted if name != "attestation"]
    if signing:
        ways.append(_without_bad(kind, {"verifierName": kind, "threshold": 1, "rules": signing}))
    return {"threshold": 1, "rules": ways}


def _without_bad(kind: str, rule: dict[str, Any]) -> dict[str, Any]:
    """Return a group of a rule and its denial: a good document must not hide a bad one."""
    return {"rules": [rule, {**rule, "deny": True, "reasons": list(DENIES[kind])}]}


def _attesting(arguments: Namespace) -> TrustPolicy | None:
    """Return whose attestations count; None where only notation's signatures are trusted, which sign no statements."""
    if not is_cosign(arguments):
        return None
    # Without annotations: those of -a are of the image's signature, and statements have none.
    return trust_policy(arguments, {}, Path.cwd())


async def _verifiers(
    asked: Mapping[str, Mapping[str, Any]], trusted: TrustPolicy | None
) -> tuple[Verifier, ...]:
    found: list[Verifier] = []
    for kind, parameters in asked.items():
        try:
            found.append(await _attached(kind, parameters))
            if trusted is not None:
                found.append(await _signed(kind, parameters, trusted))
        except ConfigurationError as error:
            flag = flag_of(kind, error.path.removeprefix(f"{kind}."))
            raise ConfigurationError(
                f"{flag}: {error.detail}" if flag else error.detail, remedy=error.remedy
            ) from None
    return tuple(found)


async def _attached(kind: str, parameters: Mapping[str, Any]) -> Verifier:
    from pyratify.core.plugin import Plugin, Registry

    plugin = Registry[Plugin[Verifier]]("verifiers").load(kind, "")
    return await plugin.build(kind, msgspec.convert(dict(parameters), plugin.options), FlagResources())


async def _signed(kind: str, parameters: Mapping[str, Any], trusted: TrustPolicy) -> Verifier:
    from pyratify.verifiers.attestation.attestation_options import RuleOptions
    from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
    from pyratify.verifiers.attestation.load_requirements import load_requirement

    requirement = await load_requirement(
        msgspec.convert({kind: parameters}, RuleOptions), "", FlagResources()
    )
    return AttestationVerifier(signed_name(kind), [trusted], [requirement])
