"""From `trustPolicies` in a configuration to what a trust policy requires: keys are loaded, expressions compiled, files read."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.plugin import Resources
from pyratify.sigstore.root_names import is_github
from pyratify.sigstore.trust_files import read_trust
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.sigstore.trust_policy_options import IdentityOptions, TrustPolicyOptions

if TYPE_CHECKING:
    from pyratify.sigstore.identity import CertificateIdentity

P = TypeVar("P", bound=TrustPolicy)


async def load_trust_policy(
    options: TrustPolicyOptions, path: str, resources: Resources, make: Callable[..., P]
) -> P:
    """Return the trust policy of one entry of `trustPolicies`.

    Args:
        options: The entry.
        path: Where it stands below the verifier's parameters, as `trustPolicies[0]`.
        resources: Key providers, the folder of relative paths, and what the plugins of one engine share.
        make: `TrustPolicy`, or one that requires more.

    Raises:
        ConfigurationError: With the path of what is wrong.
    """
    _check_mode(options, path)
    try:
        identities = await asyncio.to_thread(_identities, options, resources)
    except ConfigurationError as error:
        raise below(path, error) from error
    keys: tuple[KeyMaterial, ...] = ()
    if options.keys:
        provider = await resources.keys(options.keys, f"{path}.keys")
        keys = await provider.keys()
    try:
        # Another root gives other verdicts, so its bytes belong to the fingerprint.
        record = partial(resources.shared.fingerprint.add, "trusted root")
        trusted_root, authorities = await asyncio.to_thread(read_trust, options, resources.base, record)
        # An omitted number means what the instance requires (`least_logs`); a check is absent only where it is turned off by name.
        return make(
            keys=keys,
            identities=identities,
            trusted_root=trusted_root,
            authorities=authorities,
            logs=0 if options.ignore_tlog else options.transparency_logs or options.least_logs,
            certificate_logs=0 if options.ignore_ctlog else options.certificate_logs or options.least_logs,
            timestamps=options.signed_timestamps,
            use_timestamps=not options.ignore_observer_timestamps,
            scopes=resources.scopes if options.scopes is None else options.scopes,
            annotations=options.annotations,
            ignored=options.ignored,
        )
    except ConfigurationError as error:
        raise below(path, error) from error


def _identities(options: TrustPolicyOptions, resources: Resources) -> "tuple[CertificateIdentity, ...]":
    """Return the identities; in a thread, because expressions are compiled."""
    found = [_identity(options, resources)] if options.is_set else []
    for index, each in enumerate(options.identities):
        try:
            found.append(_identity(each, resources))
        except ConfigurationError as error:
            raise below(f"identities[{index}]", error) from error
    return tuple(found)


def _identity(options: IdentityOptions, resources: Resources) -> "CertificateIdentity":
    found = options.identity()
    spend_expressions(sum(each.size for each in found.expressions if each is not None), resources)
    return found


def spend_expressions(size: int, resources: Resources) -> None:
    """Count the size of an expression against what one tenant may have.

    Raises:
        ConfigurationError: All of a tenant's expressions together are too large.
    """
    allowance = resources.shared.expressions
    if not allowance.spend(size):
        raise ConfigurationError(
            f"all expressions together are larger than {allowance.total} instructions, which is what one tenant may have",
            remedy="Shorten the expressions; classes as \\p{L} and large repetitions take most.",
        )


def below(path: str, error: ConfigurationError) -> ConfigurationError:
    """Return the error with its path below another one."""
    return ConfigurationError(
        error.detail,
        path=f"{path}.{error.path}" if error.path else path,
        reason=error.reason,
        remedy=error.remedy,
    )


def _check_numbers(options: TrustPolicyOptions, path: str) -> None:
    """Refuse numbers that would have no effect, or that a flag contradicts."""
    for name, number, ignored in (
        ("transparencyLogs", options.transparency_logs, options.ignore_tlog and "ignoreTLog"),
        ("certificateLogs", options.certificate_logs, options.ignore_ctlog and "ignoreCTLog"),
        (
            "signedTimestamps",
            options.signed_timestamps,
            options.ignore_observer_timestamps and "ignoreObserverTimestamps",
        ),
    ):
        if number and ignored:
            raise ConfigurationError(f"is contradicted by {ignored}", path=f"{path}.{name}")
        if number and name != "signedTimestamps" and is_github(options.trusted_root or ""):
            raise ConfigurationError(
                "GitHub's own instance has no logs, so no signature could count",
                path=f"{path}.{name}",
                remedy="Remove it: the timestamps of the instance are required.",
            )
        if number and options.keys and not options.has_trust:
            raise ConfigurationError(
                "has no effect beside keys alone: nothing says which logs and timestamp authorities are trusted",
                path=f"{path}.{name}",
                remedy="Add trustedRoot, as public-good or a file.",
            )


def _check_mode(options: TrustPolicyOptions, path: str) -> None:
    """Refuse a policy that trusts no signer, and an ambiguous one."""
    _check_numbers(options, path)
    if options.empty:
        raise ConfigurationError(
            "is empty, so it would demand nothing",
            path=f"{path}.{options.empty}",
            remedy="Write who signs, or leave the key out.",
        )
    if options.is_keyless and options.keys:
        raise ConfigurationError(
            "names keys and a certificate identity; a signature is made with one or the other",
            path=path,
            remedy="Write two trust policies, or remove what is not meant.",
        )
    if options.is_keyless:
        return
    if not options.keys:
        raise ConfigurationError(
            "trusts no signer: it has neither keys nor certificate identities",
            path=path,
            remedy='Add keys, as {"files": ["cosign.pub"]} or {"inline": {"keys": "..."}}.',
        )
    if len(options.keys) != 1:
        raise ConfigurationError(
            f"more than one key provider: {', '.join(sorted(options.keys))}",
            path=f"{path}.keys",
            remedy="Name one provider; several keys may stand in one document.",
        )
