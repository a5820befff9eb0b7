"""The structs of a configuration file: those of Ratify v2, with additions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from pyratify.core.limits import Limits
from pyratify.core.reason import Reason

# `$` alone also matches before a line break at the end.
Name = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(?!\n)$")]
Count = Annotated[int, Meta(ge=1)]
Platforms = Annotated[str, Meta(min_length=1)] | Annotated[tuple[str, ...], Meta(min_length=1, max_length=32)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
Sentence = Annotated[str, Meta(min_length=3, max_length=300)]
# Without a time zone an end would depend on the machine.
Moment = Annotated[datetime, Meta(tz=True)]
Namespace = Annotated[
    # RFC 1123, section 2.1; `$` also matches before a final newline, which the look-ahead rules out.
    str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?!\n)$")
]
_DEFAULTS = Limits()
REGISTRY = "registry-store"
THRESHOLD = "threshold-policy"


class VerifierConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One verifier.

    Attributes:
        name: The name by which the policy refers to it.
        type: The plugin, as `notation` or `cosign`.
        parameters: The plugin's parameters.
    """

    name: Name
    type: Name
    parameters: dict[str, Any] = field(default_factory=dict)


class StoreConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One store.

    Attributes:
        type: The plugin, as `registry-store`.
        scopes: The references that it serves; required where there is more than one store.
        parameters: The plugin's parameters.
    """

    type: Name
    scopes: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)


class PolicyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The policy.

    Attributes:
        type: The plugin, as `threshold-policy`.
        parameters: The plugin's parameters.
    """

    type: Name
    parameters: dict[str, Any] = field(default_factory=dict)


class LimitsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Bounds of one validation.

    Attributes:
        manifest_bytes: The largest manifest.
        blob_bytes: The largest blob.
        referrers: How many referrers of one subject are examined.
        signatures: How many signatures one artifact may hold, as cosign's `.sig` tags collect them.
        depth: How many levels of referrers of referrers are followed.
        artifacts: How many artifacts are examined in all.
        total_bytes: How many bytes are read in all.
        platforms: How many manifests of an image index are looked at, where its platforms are judged.
    """

    manifest_bytes: Count = _DEFAULTS.manifest_bytes
    blob_bytes: Count = _DEFAULTS.blob_bytes
    referrers: Count = _DEFAULTS.referrers
    signatures: Count = _DEFAULTS.signatures
    depth: Count = _DEFAULTS.depth
    artifacts: Count = _DEFAULTS.artifacts
    total_bytes: Count = _DEFAULTS.total_bytes
    platforms: Count = _DEFAULTS.platforms


def default_stores() -> list[dict[str, Any]]:
    """Return the stores of an executor that names none, as they would be written."""
    parameters = {"allowCosignTag": True, "credential": {"provider": "docker"}}
    return [{"type": REGISTRY, "parameters": parameters}]


def _default_stores() -> tuple[StoreConfig, ...]:
    return tuple(StoreConfig(**each) for each in default_stores())


class ExecutorConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """How the references of some scopes are validated.

    Attributes:
        scopes: Repositories, prefixes as `host/team/*`, registries, zones as `*.example.com`, or `*`.
        verifiers: At least one.
        stores: Where artifacts are read from; registries with Docker's credentials when omitted.
        policy_enforcer: Decides; when omitted, evidence by one of the verifiers is enough.
        concurrency: How many artifacts are examined at the same time; 0 for the default.
        timeout: Seconds for one validation; no limit when omitted.
        limits: Bounds of one validation.
        platforms: What must have evidence where a reference names an image index: `index` (the index itself), `each` (every
            manifest in it that can be run), `any` (the index, or else each), or a list of platforms as `[linux/amd64]`.
    """

    scopes: Annotated[tuple[str, ...], Meta(min_length=1)]
    verifiers: Annotated[tuple[VerifierConfig, ...], Meta(min_length=1)]
    stores: Annotated[tuple[StoreConfig, ...], Meta(min_length=1)] = field(default_factory=_default_stores)
    policy_enforcer: PolicyConfig | None = None
    concurrency: Annotated[int, Meta(ge=0, le=256)] = 0
    timeout: Seconds | None = None
    limits: LimitsConfig = LimitsConfig()
    platforms: Platforms = "index"


class CacheConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The cache of content that all executors share.

    Attributes:
        memory_bytes: How much it may hold; 0 for no cache.
    """

    memory_bytes: Annotated[int, Meta(ge=0)] = 64 * 1024 * 1024


class DockerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What `ratify node` lets the Docker daemon do beside running images that are allowed.

    Attributes:
        images_without_digest: Whether images run of which the daemon knows no registry digest, as those built or loaded here:
            `refuse` or `allow`. They are not verified.
        allow: Ways to make or bring such images, or plugins of the daemon, that are allowed unverified.
    """

    images_without_digest: Literal["refuse", "allow"] = "refuse"
    allow: tuple[Literal["build", "commit", "import", "load", "plugin"], ...] = ()


class ExceptionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An image that is admitted for a time though it must not be run.

    Attributes:
        name: What messages call it.
        namespaces: Names of namespaces, in full; whatever the namespace when omitted.
        images: Repositories, `host/team/*`, or one image as `repository@digest`.
        until: When it ends, with a time zone; within 366 days.
        reason: Why there is one.
        approved_by: The person who approved it.
        codes: For which reason codes alone; all when empty.
    """

    name: Name
    namespaces: tuple[Namespace, ...] = ()
    images: Annotated[tuple[str, ...], Meta(min_length=1)]
    until: Moment
    reason: Sentence
    approved_by: Sentence
    codes: tuple[Reason, ...] = ()


class NodeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """How `ratify node` answers, beside verdicts; no other command reads it.

    Attributes:
        mode: `enforce`, or `audit`: images that are denied or not decided are admitted all the same, and logged.
        when_undecided: What a digest gets while the registry cannot be asked: `refuse`, or `lastVerdict`, the verdict that
            the same configuration gave it before. A digest without one is refused.
        max_age: How many seconds old such a verdict may be, at most 30 days.
        docker: What the Docker daemon may do beside running images that are allowed.
        exceptions: Images that are admitted for a time though they must not be run. Only NRI names the namespace of what runs.
    """

    mode: Literal["enforce", "audit"] = "enforce"
    when_undecided: Literal["refuse", "lastVerdict"] = "refuse"
    max_age: Annotated[float, Meta(gt=0, le=30 * 86400)] = 86400.0
    docker: DockerConfig = DockerConfig()
    exceptions: tuple[ExceptionConfig, ...] = ()


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A whole configuration.

    Attributes:
        executors: At least one; their scopes decide which is responsible.
        cache: The cache of content.
        node: How `ratify node` answers.
        schema: The JSON Schema that an editor is to use; read by editors only.
    """

    executors: Annotated[tuple[ExecutorConfig, ...], Meta(min_length=1)]
    cache: CacheConfig = CacheConfig()
    node: NodeConfig = NodeConfig()
    schema: str = field(default="", name="$schema")
