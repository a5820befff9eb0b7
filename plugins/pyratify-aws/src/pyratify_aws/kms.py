"""The public keys of AWS KMS (KMS API, DescribeKey and GetPublicKey)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, key_fault, read_each
from pyratify.core.reference import is_registry
from pyratify.http.url import without_user
from pyratify_aws.aws_client import AwsClient, AwsError

_SCHEME = "awskms://"
_ARN = re.compile(
    r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:(?:key/[A-Za-z0-9-]{1,128}|alias/[A-Za-z0-9/_-]{1,250})"
)
_ID = re.compile(
    r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|alias/[A-Za-z0-9/_-]{1,250})"
)
_REMEDY = "Allow kms:DescribeKey and kms:GetPublicKey for this key to the identity of this process."
_UNANSWERED = "Check that this process reaches AWS KMS and the service that its identity comes from."
_ANOTHER_KEY = "Enable the key, or name another one that is for signatures."


@dataclass(frozen=True, slots=True)
class KmsReference:
    """A key of AWS KMS, as cosign writes it: `awskms://[ENDPOINT]/KEY`.

    Attributes:
        text: The reference.
        key: Its ARN, its id, or an alias.
        region: The region of an ARN; empty where the environment has it.
        endpoint: The host of the service, with its port; empty for that of the region.
    """

    text: str
    key: str
    region: str = ""
    endpoint: str = ""


def parse_reference(text: str) -> KmsReference:
    """Parse a reference.

    Raises:
        ConfigurationError: It is none.
    """
    endpoint, slash, key = text.removeprefix(_SCHEME).partition("/")
    arn = _ARN.fullmatch(key)
    valid = text.startswith(_SCHEME) and slash and (not endpoint or is_registry(endpoint))
    if not valid or (arn is None and not _ID.fullmatch(key)):
        raise ConfigurationError(
            f"{without_user(text)[:200]!r} is no reference to a key of AWS KMS",
            remedy="Write awskms:///alias/NAME, awskms:///KEY-ID or awskms:///arn:aws:kms:REGION:ACCOUNT:key/KEY-ID.",
        )
    return KmsReference(text, key, arn["region"] if arn else "", endpoint)


class KmsKeys:
    """The public halves of keys of AWS KMS.

    Args:
        references: The keys.
        client: Calls AWS.
        refresh_interval: Seconds after which they are read again, as an alias may stand for another key then.
    """

    def __init__(
        self, references: tuple[KmsReference, ...], client: AwsClient, refresh_interval: float
    ) -> None:
        self._references = references
        self._client = client
        self.refresh_interval = refresh_interval

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the public key of each reference.

        Raises:
            ConfigurationError: `KEY_UNAVAILABLE`: KMS cannot be asked, or a key is disabled or no key for signatures.
        """
        return await read_each(self._key, self._references)

    async def _key(self, reference: KmsReference) -> tuple[KeyMaterial]:
        try:
            metadata = (await self._call(reference, "describe_key")).get("KeyMetadata", {})
            _check_usable(reference, metadata)
            # By the ARN that was just described: an alias may be moved between the two calls.
            found = await self._call(reference, "get_public_key", metadata.get("Arn", ""))
        except AwsError as error:
            remedy = error.remedy or (_REMEDY if error.refused else _UNANSWERED)
            raise _unavailable(reference, f"KMS {error}", remedy, unanswered=error.unanswered) from None
        data, usage = found.get("PublicKey"), found.get("KeyUsage")
        if not isinstance(data, bytes) or not data or usage != "SIGN_VERIFY":
            raise _unavailable(reference, f"KMS sent no public key for signatures (its usage is {usage!r})")
        arn = str(found.get("KeyId", ""))
        return (KeyMaterial(data, f"{reference.text} ({arn[:200]})", version=arn.rpartition("/")[2][:80]),)

    async def _call(self, reference: KmsReference, operation: str, key: str = "") -> Mapping[str, Any]:
        endpoint = f"https://{reference.endpoint}" if reference.endpoint else ""
        return await self._client.call(
            "kms", reference.region, operation, endpoint, KeyId=key or reference.key
        )


def _check_usable(reference: KmsReference, metadata: Mapping[str, Any]) -> None:
    if metadata.get("Enabled") is not True or metadata.get("KeyState") != "Enabled":
        raise _unavailable(
            reference, f"the key is {metadata.get('KeyState')!r} and not enabled", _ANOTHER_KEY
        )
    if metadata.get("KeyUsage") != "SIGN_VERIFY":
        raise _unavailable(
            reference, f"the key is for {metadata.get('KeyUsage')!r} and not for signatures", _ANOTHER_KEY
        )


def _unavailable(
    reference: KmsReference, why: str, remedy: str = _REMEDY, *, unanswered: bool = False
) -> ConfigurationError:
    return key_fault(f"{reference.text[:200]}: {why}", remedy, unanswered=unanswered)
