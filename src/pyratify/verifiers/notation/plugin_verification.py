"""The part of a verification that a plugin performs.

Notary Project, plugin-extensibility.md, "Signature Verifier"; the numbers below are those of its workflow.
"""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.pki.times import format_time
from pyratify.verifiers.notation.envelope import PAYLOAD_TYPE, SIGNING_AUTHORITY, Envelope
from pyratify.verifiers.notation.trust_policy import Action, Check, TrustPolicy
from pyratify.verifiers.notation.verification_plugins import VerificationPlugins

CONTRACT = "1.0"
IDENTITY = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY"
REVOCATION = "SIGNATURE_VERIFIER.REVOCATION_CHECK"
# Without leading zeros (semver.org, 2); at most nine digits, because the text comes from the envelope.
_NUMBER = r"(0|[1-9][0-9]{0,8})"
_MAX_VERSION = 255  # int() raises for thousands of digits
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
Version = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


@dataclass(slots=True)
class VerificationPlugin:
    """The verification plugin that one signature names.

    Attributes:
        name: Its name.
        plugins: Runs it.
        capabilities: Which validations it does, of those that the trust policy wants.
    """

    name: str
    plugins: VerificationPlugins
    capabilities: frozenset[str]
    _results: "Mapping[str, Any] | None" = None

    async def ask(self, envelope: Envelope, policy: TrustPolicy) -> None:
        """Let the plugin verify; later calls do nothing (steps 5 and 6).

        Raises:
            InconclusiveError: `VERIFIER_ERROR` or `TIMEOUT`: it failed, whatever the level is.
        """
        # Without a capability it is asked all the same where only it can process what is critical.
        if self._results is not None or not (self.capabilities or envelope.delegated):
            return
        request = _request(envelope, policy, self.capabilities)
        answer = await self.plugins.run(self.name, "verify-signature", request)
        results, processed = answer.get("verificationResults"), answer.get("processedAttributes")
        if not isinstance(results, dict) or set(results) != self.capabilities:  # 6.1
            self._fail("did not answer for exactly the requested capabilities")
        # 6.3: each critical attribute, and none that is not there; Go writes an empty list as null.
        if not _are_the_same(processed, envelope.delegated):
            self._fail("did not process exactly the critical attributes that the signature leaves to it")
        for result in results.values():
            if not isinstance(result, dict) or not isinstance(result.get("success"), bool):
                self._fail("answered with a malformed result")
        self._results = results

    @property
    def identifies(self) -> bool:
        """Whether the plugin checks the signer's identity."""
        return IDENTITY in self.capabilities

    @property
    def looks_up(self) -> bool:
        """Whether the plugin checks revocation."""
        return REVOCATION in self.capabilities

    def check_identity(self) -> None:
        """Check the plugin's result for the identity, where it has that capability (step 6.2).

        Raises:
            VerificationError: `IDENTITY_MISMATCH`.
        """
        if self.identifies:
            self._check(IDENTITY, Reason.IDENTITY_MISMATCH)

    def check_revocation(self) -> None:
        """Check the plugin's result for revocation (step 6.2).

        Raises:
            VerificationError: `CERT_REVOKED`: its result is negative.
            InconclusiveError: `VERIFIER_ERROR`: it gave no result.
        """
        self._check(REVOCATION, Reason.CERT_REVOKED)

    def _check(self, capability: str, reason: Reason) -> None:
        result = (self._results or {}).get(capability)
        if result is None:
            self._fail("gave no result")
        if result["success"] is not True:
            said = str(result.get("reason") or "no reason given")[:500]
            raise VerificationError(reason, f"the plugin {self.name} refuses: {said}")

    def _fail(self, why: str) -> NoReturn:
        raise InconclusiveError(Reason.VERIFIER_ERROR, f"the plugin {self.name} {why}")


def _are_the_same(processed: object, delegated: Mapping[str, str]) -> bool:
    if processed is None:
        return not delegated
    return isinstance(processed, list) and sorted(map(str, processed)) == sorted(delegated)


def check_plugin(envelope: Envelope, plugins: VerificationPlugins | None) -> VerificationPlugins:
    """Return what runs the plugin that a signature asks for, without starting it (step 1).

    Raises:
        VerificationError: `PLUGIN_REQUIRED`: there is no such plugin, none may be run, or the wanted version is none.
    """
    name = envelope.plugin or ""
    if plugins is None:
        raise VerificationError(
            Reason.PLUGIN_REQUIRED, f"the signature must be verified by the plugin {name[:120]!r}"
        )
    _wanted(envelope)
    plugins.find(name)
    return plugins


async def start_plugin(
    envelope: Envelope, policy: TrustPolicy, plugins: VerificationPlugins
) -> VerificationPlugin:
    """Start the plugin that a signature asks for, to learn what it verifies (step 1).

    Only for an envelope whose chain is trusted: others must not be able to start programs.

    Raises:
        VerificationError: `PLUGIN_REQUIRED`: it is not installed, verifies nothing, or is too old.
        InconclusiveError: `VERIFIER_ERROR` or `TIMEOUT`: its metadata is malformed.
    """
    name, wanted = envelope.plugin or "", _wanted(envelope)
    metadata = await plugins.run(name, "get-plugin-metadata", {})
    capabilities = _capabilities(metadata, name)
    version = semantic_version(metadata.get("version"))
    if version is None:
        raise InconclusiveError(Reason.VERIFIER_ERROR, f"the plugin {name} has no version")
    if wanted is not None and version < wanted:
        raise VerificationError(
            Reason.PLUGIN_REQUIRED,
            f"the signature needs the plugin {name} in version {envelope.plugin_version}, and it is older",
        )
    if policy.actions[Check.REVOCATION] is Action.SKIP:
        capabilities -= {REVOCATION}  # 5.6: skipped checks are not requested
    return VerificationPlugin(name, plugins, capabilities)


def _wanted(envelope: Envelope) -> Version | None:
    if envelope.plugin_version is None:
        return None
    wanted = semantic_version(envelope.plugin_version)
    if wanted is None:
        raise VerificationError(
            Reason.PLUGIN_REQUIRED,
            f"the signature asks for a version of a plugin that is none: {envelope.plugin_version[:80]!r}",
        )
    return wanted


def _capabilities(metadata: Mapping[str, Any], name: str) -> frozenset[str]:
    contracts, named = metadata.get("supportedContractVersions"), metadata.get("capabilities")
    if metadata.get("name") != name:  # "Plugin metadata": it matches the folder's name
        raise InconclusiveError(Reason.VERIFIER_ERROR, f"the plugin {name} says that it is another")
    if not isinstance(contracts, list) or CONTRACT not in contracts:
        raise InconclusiveError(
            Reason.VERIFIER_ERROR, f"the plugin {name} does not know the contract in version {CONTRACT}"
        )
    found = frozenset(each for each in (IDENTITY, REVOCATION) if isinstance(named, list) and each in named)
    if not found:
        raise VerificationError(
            Reason.PLUGIN_REQUIRED, f"the signature asks for the plugin {name}, which verifies nothing"
        )
    return found


def semantic_version(text: Any) -> Version | None:
    """Return a sort key for a semantic version (semver.org, 11); None for any other text, and for an endless one."""
    match = _SEMVER.fullmatch(text) if isinstance(text, str) and len(text) <= _MAX_VERSION else None
    if match is None:
        return None
    major, minor, patch, before = match.groups()
    parts = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (before or "").split(".") if part
    )
    # A version with a pre-release sorts before the same one without.
    return int(major), int(minor), int(patch), 0 if before else 1, parts


def _request(envelope: Envelope, policy: TrustPolicy, capabilities: frozenset[str]) -> dict[str, Any]:
    critical = {
        "contentType": PAYLOAD_TYPE,
        "signingScheme": envelope.scheme,
        "expiry": format_time(envelope.expiry) if envelope.expiry else None,
        "authenticSigningTime": (
            format_time(envelope.signing_time) if envelope.scheme == SIGNING_AUTHORITY else None
        ),
        "verificationPlugin": envelope.plugin,
        "verificationPluginMinVersion": envelope.plugin_version,
    }
    return {
        "contractVersion": CONTRACT,
        "signature": {
            "criticalAttributes": {name: value for name, value in critical.items() if value is not None}
            | {"extendedAttributes": dict(envelope.delegated)},
            "unprocessedAttributes": list(envelope.delegated),
            "certificateChain": [encode_base64(der) for der in envelope.chain],
        },
        "trustPolicy": {
            "trustedIdentities": list(policy.identity_texts),
            "signatureVerification": sorted(capabilities),
        },
        "pluginConfig": {},
    }
