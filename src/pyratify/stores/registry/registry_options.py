"""The settings of a registry store."""

from enum import StrEnum

from pyratify.core.dataclass import dataclass
from pyratify.core.limits import MIB
from pyratify.core.reference import Reference
from pyratify.core.store import COSIGN_TAGS
from pyratify.http.http_options import HttpOptions


class ReferrersMode(StrEnum):
    """How referrers are listed.

    `AUTO` asks the API and falls back to the tag schema where a registry answers 404; `API` never falls back; `TAG`
    uses the tag schema alone.
    """

    AUTO = "auto"
    API = "api"
    TAG = "tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOptions(HttpOptions):
    """The settings of one registry store, beside those of its transport.

    Attributes:
        plain_http: Whether registries speak http. None for https, except on this machine's loopback, where https is tried
            first and then http, as in Docker.
        user_agent: What the client calls itself.
        max_blob_bytes: The largest blob that is read.
        max_manifest_bytes: The largest manifest or referrers page that is read.
        cosign_tags: Whether cosign's tags, as `sha256-<hex>.sig`, are looked at.
        cosign_suffixes: Which of them, of `COSIGN_TAGS`; each is a request.
        cosign_tag_prefix: What stands before them, as cosign's `--attachment-tag-prefix`.
        signatures: The repository in which everything that is attached is listed and read, as with cosign's
            `COSIGN_REPOSITORY`; each image's own when omitted. It has no mirrors.
        mirrors: Hosts that are read before the registry itself, in this order.
        auth_realms: Hosts of token servers that may be shown the registry's credential.
        blob_hosts: Hosts that the registry may redirect to though their addresses are not public, such as its own storage;
            their certificates are checked like the registry's.
        referrers: How referrers are listed.
        timeout: Seconds for one request with its retries, redirects and tokens.
        tries: How often a request is made at most.
    """

    plain_http: bool | None = None
    user_agent: str = "pyratify/2"
    max_blob_bytes: int = 32 * MIB
    max_manifest_bytes: int = 4 * MIB
    cosign_tags: bool = False
    cosign_suffixes: tuple[str, ...] = COSIGN_TAGS
    cosign_tag_prefix: str = ""
    signatures: Reference | None = None
    mirrors: tuple[str, ...] = ()
    auth_realms: tuple[str, ...] = ()
    blob_hosts: tuple[str, ...] = ()
    referrers: ReferrersMode = ReferrersMode.AUTO
    timeout: float = 30.0
    tries: int = 3
