"""The configuration that means the same as flags of `ratify verify`, as JSON values."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pyratify.config.schema import REGISTRY, THRESHOLD, default_stores
from pyratify.config.substitute import FILE, escape
from pyratify.core.errors import ConfigurationError
from pyratify.core.scope import EVERYTHING
from pyratify.entrypoints.cli.engines.attestation_flags import (
    attestation_flag,
    attestation_rules,
    follows_chain,
)
from pyratify.entrypoints.cli.engines.cosign_flags import identity_claims, is_cosign, read_annotations
from pyratify.entrypoints.cli.engines.document_flags import document_parameters
from pyratify.entrypoints.cli.engines.executor_from_flags import chosen_platforms, direct_limits
from pyratify.entrypoints.cli.engines.store_from_flags import read_prefix, signature_repository, timeout
from pyratify.entrypoints.cli.engines.verifiers_from_flags import (
    FLAGS_STORE,
    notation_folder,
    plugin_folder,
    read_metadata,
    trusted_identities,
)

Place = Callable[[str], str]
"""Returns a path as the configuration is to spell it."""


def configuration_of(arguments: Namespace, place: Place) -> dict[str, Any]:
    """Return a configuration that trusts, reads and limits what the flags do.

    Args:
        arguments: Flags that say what is trusted, and that `direct_verifiers` accepts.
        place: How a path of the flags is spelt.

    Raises:
        ConfigurationError: A flag of registries cannot be used, or a text begins with `file:`.
    """
    executor: dict[str, Any] = {"scopes": [EVERYTHING], "verifiers": _verifiers(arguments, place)}
    asked = document_parameters(arguments, place)
    if asked:
        _add_documents(executor, asked)
    elif follows_chain(arguments):
        _add_chain(executor)
    store = _store(arguments, place)
    if store:
        # Stores are replaced as a whole, so the defaults are repeated beside what the flags change.
        executor["stores"] = [
            {"type": REGISTRY, "parameters": {**default_stores()[0]["parameters"], **store}}
        ]
    # Written out: a configuration that names none has no limit, and the command has one.
    executor["timeout"] = timeout(arguments)
    if arguments.max_signatures:
        limits = direct_limits(arguments)
        executor["limits"] = {"referrers": limits.referrers, "signatures": limits.signatures}
    if (choice := chosen_platforms(arguments)) is not None:
        executor["platforms"] = [str(each) for each in choice.named] or choice.mode.value
    return {"executors": [_escaped(executor)]}


def _escaped(value: Any) -> Any:
    """Return JSON values that mean these when the variables and files of a configuration have been put in."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        # A configuration replaces ${NAME} and file:NAME; an identity from a flag must stay what was typed.
        return escape(value)
    except ValueError as error:
        raise ConfigurationError(
            f"no configuration can say this: {error}", remedy="Give this flag to `ratify verify`."
        ) from None


def _verifiers(arguments: Namespace, place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if is_cosign(arguments):
        parameters: dict[str, Any] = {"trustPolicies": [_cosign(arguments, place)]}
        kind = "cosign"
        if attestation_flag(arguments):
            kind = "attestation"
            parameters |= attestation_rules(arguments)
        found.append({"name": kind, "type": kind, "parameters": parameters})
    notation = _notation(arguments, place)
    if notation:
        found.append({"name": "notation", "type": "notation", "parameters": notation})
    return found


def _add_documents(executor: dict[str, Any], asked: Mapping[str, dict[str, Any]]) -> None:
    from pyratify.entrypoints.cli.engines.document_evidence import policy_parameters, signed_name

    trusted = list(executor["verifiers"])
    attesting = next((each["parameters"] for each in trusted if "trustPolicies" in each["parameters"]), None)
    for kind, parameters in asked.items():
        executor["verifiers"].append({"name": kind, "type": kind, "parameters": parameters})
        if attesting is not None:
            # Without annotations: those of -a are of the image's signature, and statements have none.
            policies = [
                {name: value for name, value in each.items() if name != "annotations"}
                for each in attesting["trustPolicies"]
            ]
            signed = {"trustPolicies": policies, kind: parameters}
            executor["verifiers"].append(
                {"name": signed_name(kind), "type": "attestation", "parameters": signed}
            )
    names = tuple(each["name"] for each in trusted)
    executor["policyEnforcer"] = {"type": THRESHOLD, "parameters": policy_parameters(asked, names)}


def _add_chain(executor: dict[str, Any]) -> None:
    from pyratify.entrypoints.cli.engines.chain_evidence import SIGNATURE, chain_parameters

    trusted = list(executor["verifiers"])
    attesting = trusted[0]["parameters"]
    attesting["unsignedStatements"] = True
    vouching = {"trustPolicies": attesting["trustPolicies"]}
    executor["verifiers"].append({"name": SIGNATURE, "type": "cosign", "parameters": vouching})
    names = [each["name"] for each in trusted]
    executor["policyEnforcer"] = {"type": THRESHOLD, "parameters": chain_parameters(names)}


def _cosign(arguments: Namespace, place: Place) -> dict[str, Any]:
    from pyratify.sigstore.root_names import names_file  # only for cosign

    root = arguments.trusted_root
    return _given(
        keys=_keys(arguments.key, place),
        certificateIdentity=arguments.certificate_identity,
        certificateIdentityRegex=arguments.certificate_identity_regexp,
        certificateOIDCIssuer=arguments.certificate_oidc_issuer,
        certificateOIDCIssuerRegex=arguments.certificate_oidc_issuer_regexp,
        certificateExtensions=identity_claims(arguments),
        allowAnyIdentity=arguments.allow_any_identity,
        signerWorkflow=arguments.signer_workflow,
        denySelfHosted=arguments.deny_self_hosted,
        # Names of shipped roots and addresses of mirrors are no paths.
        trustedRoot=place(root) if root and names_file(root) else root,
        ignoreTLog=arguments.insecure_ignore_tlog,
        ignoreCTLog=arguments.insecure_ignore_sct,
        annotations=dict(read_annotations(arguments.annotations)),
    )


def _keys(texts: list[str], place: Place) -> dict[str, Any] | None:
    from pyratify.keys.references import is_readable

    references = [text for text in texts if not Path(text).exists() and is_readable(text)]
    if references and len(references) < len(texts):
        raise ConfigurationError(
            "--key names files and keys of services, and a trust policy has one source of keys",
            remedy="Give one kind, or write a configuration with a trust policy for each.",
        )
    if references:
        return {"references": references}
    return {"files": [place(path) for path in texts]} if texts else None


def _notation(arguments: Namespace, place: Place) -> dict[str, Any]:
    trust = _certificates(arguments, place) if arguments.cert else _policy(arguments, place)
    if not trust:
        return {}
    plugins = arguments.plugin and {
        "folder": place(str(plugin_folder(arguments))),
        "allowed": list(dict.fromkeys(arguments.plugin)),
    }
    return trust | _given(requiredMetadata=read_metadata(arguments.user_metadata), plugins=plugins)


def _certificates(arguments: Namespace, place: Place) -> dict[str, Any]:
    files = [place(path) for path in arguments.cert]
    return {
        "certificates": [{"type": "ca", "name": FLAGS_STORE, "files": files}],
        "trustedIdentities": list(trusted_identities(arguments)),
    }


def _policy(arguments: Namespace, place: Place) -> dict[str, Any]:
    folder = notation_folder(arguments)
    if folder is not None:
        return _given(notationConfig=place(str(folder.root)), wildcardScopes=arguments.wildcard_scopes)
    if not arguments.trust_policy:
        return {}
    return _given(
        trustPolicy=place(arguments.trust_policy),
        trustStore=place(arguments.trust_store),
        wildcardScopes=arguments.wildcard_scopes,
    )


def _store(arguments: Namespace, place: Place) -> Mapping[str, Any]:
    """Return the parameters of the store that differ from those of a configuration that names no store."""
    repository = signature_repository(arguments)
    found = _given(
        caFile=place(arguments.ca_file) if arguments.ca_file else "",
        signatureRepository=repository.name if repository else "",
        cosignTagPrefix=read_prefix(arguments),
        timeout=arguments.timeout,
    )
    if arguments.plain_http:
        return {"plainHttp": True, **found}
    return {"plainHttp": False, **found} if arguments.https or arguments.ca_file else found


def _given(**values: Any) -> dict[str, Any]:
    """Return the values that say something."""
    # Defaults are left out: the result is short enough to be read before it is trusted.
    return {name: value for name, value in values.items() if value}


def relative_to(folder: Path) -> Place:
    """Return how paths are spelt in a configuration of a folder: as they are given where that is the current one, else absolute."""
    if folder.resolve() == Path.cwd().resolve():
        # A file named `file:x` would be read as a directive.
        return lambda path: f"./{path}" if path.startswith(FILE) else path
    return lambda path: str(Path(path).absolute())
