"""AWS Signer's signatures, verified without its program: the signing profile is the identity, its API knows revocation.

(AWS Signer, "Verify an image after signing"; its API GetRevocationStatus; Notary Project, plugin-extensibility.md.)
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha384
from typing import Any

from cryptography import x509

from pyratify.core.caching import LruCache
from pyratify.core.clock import Clock
from pyratify.core.errors import InconclusiveError
from pyratify.core.reason import Reason
from pyratify_aws.aws_client import AwsClient, AwsError

NAME = "com.amazonaws.signer.notation.plugin"
IDENTITY = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY"
REVOCATION = "SIGNATURE_VERIFIER.REVOCATION_CHECK"
_JOB = "com.amazonaws.signer.signingJob"
_PROFILE_VERSION = "com.amazonaws.signer.signingProfileVersion"
_PROFILE_ALIAS = "com.amazonaws.signer.signingProfileAlias"
_PLATFORM = "Notation-OCI-SHA384-ECDSA"
_SCHEME = "notary.x509.signingAuthority"
_VERSION = re.compile(
    r"(?P<profile>arn:aws[a-z-]*:signer:(?P<region>[a-z0-9-]+):[0-9]{12}:/signing-profiles/\w{2,64})/\w{10}",
    re.ASCII,
)
_LONGEST = 3600.0  # seconds: within them a revocation has to count, whatever the answer allows
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])", re.ASCII)
_ENTRIES = 1024
_REMEDY = "Allow signer:GetRevocationStatus to the identity of this process."
_UNANSWERED = (
    "Check that this process reaches AWS Signer in the profile's region, and what its identity comes from."
)


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a signature of AWS Signer says of itself, in its critical attributes.

    Attributes:
        version: The ARN of the version of the signing profile.
        profile: The ARN of the profile.
        alias: The ARN of its alias; empty where it has none.
        region: Where its revocation is known.
        job: The ARN of the signing job.
        time: When it was signed, as the signing authority says.
        chain: The certificates in DER, the leaf first.
    """

    version: str
    profile: str
    alias: str
    region: str
    job: str
    time: datetime
    chain: tuple[bytes, ...]


class SignerPlugin:
    """The verification plugin of AWS Signer.

    Args:
        client: Calls AWS.
        clock: Tells how long an answer counts.
    """

    def __init__(self, client: AwsClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: LruCache[tuple[float, tuple[str, ...]]] = LruCache(_ENTRIES)

    async def run(self, command: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a command of the plugin contract.

        Raises:
            InconclusiveError: `VERIFIER_ERROR`: the signature is none of AWS Signer, or its API does not answer.
        """
        if command == "get-plugin-metadata":
            return {
                "name": NAME,
                "version": "1.0.0",
                "supportedContractVersions": ["1.0"],
                "capabilities": [IDENTITY, REVOCATION],
            }
        if command != "verify-signature":
            raise InconclusiveError(Reason.VERIFIER_ERROR, f"it knows no command {command[:80]!r}")
        signed, policy = _signed(request), request["trustPolicy"]
        results: dict[str, Any] = {}
        if IDENTITY in policy["signatureVerification"]:
            results[IDENTITY] = _identity(signed, policy["trustedIdentities"])
        if REVOCATION in policy["signatureVerification"]:
            results[REVOCATION] = await self._revocation(signed)
        # Unknown ones were refused above; an unprocessed one fails (plugin-extensibility.md).
        processed = list(request["signature"]["unprocessedAttributes"])
        return {"verificationResults": results, "processedAttributes": processed}

    async def _revocation(self, signed: _Signed) -> Mapping[str, Any]:
        revoked = await self._revoked(signed)
        if not revoked:
            return {"success": True, "reason": "nothing of it is revoked"}
        named = ", ".join(revoked)[:300]
        return {"success": False, "reason": f"AWS Signer says that these are revoked: {named}"}

    async def _revoked(self, signed: _Signed) -> tuple[str, ...]:
        # All that the API is asked about: another chain or time may be revoked where this one is not.
        key = (signed.version, signed.job, signed.time, signed.chain)
        until, revoked = self._kept.get(key) or (0.0, ())
        if self._clock.monotonic() < until:
            return revoked
        try:
            answer = await self._client.call(
                "signer",
                signed.region,
                "get_revocation_status",
                signatureTimestamp=signed.time,
                platformId=_PLATFORM,
                profileVersionArn=signed.version,
                jobArn=signed.job,
                certificateHashes=_hashes(signed.chain),
            )
        except AwsError as error:
            raise InconclusiveError(
                Reason.REVOCATION_UNKNOWN,
                f"AWS Signer does not say whether the signature is revoked: {error}",
                remedy=error.remedy or (_REMEDY if error.refused else _UNANSWERED),
            ) from None
        listed = answer.get("revokedEntities")
        # An absent list is no empty one: nothing then says that the signature is not revoked.
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise InconclusiveError(Reason.REVOCATION_UNKNOWN, "AWS Signer sent no list of what is revoked")
        found = tuple(listed)
        self._kept.put(key, (self._clock.monotonic() + _lifetime(answer), found), 1)
        return found


def _identity(signed: _Signed, identities: list[str]) -> Mapping[str, Any]:
    # Exactly: a profile stands for all its versions, a version and an alias for themselves.
    if {signed.version, signed.profile, signed.alias or signed.version} & set(identities):
        return {"success": True, "reason": f"it was signed by {signed.profile}"}
    return {
        "success": False,
        "reason": f"it was signed by {signed.version}, which is none of the trusted identities: {', '.join(identities)[:200]}",
    }


def _signed(request: Mapping[str, Any]) -> _Signed:
    signature = request["signature"]
    critical = signature["criticalAttributes"]
    attributes = critical["extendedAttributes"]
    unknown = set(attributes) - {_JOB, _PROFILE_VERSION, _PROFILE_ALIAS}
    version = _VERSION.fullmatch(str(attributes.get(_PROFILE_VERSION, "")))
    job, time = attributes.get(_JOB), critical.get("authenticSigningTime")
    # Under another scheme the time is the signer's own word, and revocation counts from a time on.
    if critical.get("signingScheme") != _SCHEME or version is None or not job or not time or unknown:
        what = ", ".join(sorted(unknown))[:200] or "a profile, a job and a time of the signing authority"
        raise InconclusiveError(
            Reason.VERIFIER_ERROR, f"it is no signature of AWS Signer as this version knows them ({what})"
        )
    try:
        chain = tuple(base64.b64decode(text, validate=True) for text in signature["certificateChain"])
        moment = datetime.fromisoformat(time)
    except (binascii.Error, ValueError) as error:
        raise InconclusiveError(Reason.VERIFIER_ERROR, f"its attributes cannot be read: {error}") from None
    alias = str(attributes.get(_PROFILE_ALIAS, ""))
    return _Signed(version[0], version["profile"], alias, version["region"], str(job), moment, chain)


def _hashes(chain: tuple[bytes, ...]) -> list[str]:
    """Return the names that the API has for certificates: the digest of each one's content joined with its issuer's."""
    try:
        digests = [
            sha384(x509.load_der_x509_certificate(der).tbs_certificate_bytes).hexdigest() for der in chain
        ]
    except ValueError as error:
        raise InconclusiveError(Reason.VERIFIER_ERROR, f"its certificates cannot be read: {error}") from None
    # The last one is its own issuer.
    return [own + issuer for own, issuer in zip(digests, [*digests[1:], digests[-1]], strict=True)]


def _lifetime(answer: Mapping[str, Any]) -> float:
    """Return for how many seconds the answer counts, by its own words; 0 where it has none (RFC 9111, 5.2.2.1)."""
    fields = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = _MAX_AGE.search(str(fields.get("cache-control", "")))
    return min(float(found[1]), _LONGEST) if found else 0.0
