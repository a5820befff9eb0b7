"""What the tests of attestations share: an image in a memory store and an executor that asks for one attestation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pyratify.core.descriptor import Descriptor
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial, KeyProvider
from pyratify.core.limits import Limits
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.attestations import SLSA_V1, attach_attestation, bundle, in_toto, provenance_v1
from pyratify.testing.cosign import REPOSITORY, CosignKey
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.attestation.attestation_plugin import plugin
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from support.cosign_setting import KEY
from support.plugins import FakeResources

ONE = ThresholdPolicy(Rule(None, (Rule("attestation"),), 1))
KEYS = {"inline": {"keys": "..."}}
FROM_SOURCE = {"provenance": {"sourceUris": [SOURCE]}}
ANY_SLSA = {"predicateTypes": [SLSA_V1], "anyContent": True}


@dataclass(frozen=True)
class _Provider:
    found: tuple[KeyMaterial, ...]

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """The keys."""
        return self.found


@dataclass(frozen=True)
class KeyResources(FakeResources):
    """Resources with one key, whatever is asked for."""

    key: CosignKey = KEY

    async def keys(self, sources: Mapping[str, Any], path: str) -> KeyProvider:
        """One key."""
        del sources, path
        return _Provider((self.key.material,))


async def build(parameters: Mapping[str, Any], resources: FakeResources | None = None) -> AttestationVerifier:
    """Build the verifier from parameters as they stand in a file; trusts the key where no trust policy is written."""
    written = {"trustPolicies": [{"keys": KEYS}], **parameters}
    options = msgspec.convert(written, plugin.options)
    built = await plugin.build("attestation", options, resources or KeyResources())
    assert isinstance(built, AttestationVerifier)
    return built


@dataclass
class AttestationSetting:
    """An image and what is attached to it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    image: Descriptor = field(init=False)

    def __post_init__(self) -> None:
        """Push the image."""
        self.image = self.store.add_image()

    def provenance(self, **said: str) -> dict[str, Any]:
        """Return a statement about the image with SLSA provenance."""
        return in_toto(self.image.digest, SLSA_V1, provenance_v1(**said))

    def attach(self, statement: Any, key: CosignKey = KEY) -> None:
        """Attach a statement in a bundle."""
        attach_attestation(self.store, self.image, bundle(key, statement))

    async def validate(
        self,
        parameters: Mapping[str, Any] = FROM_SOURCE,
        *,
        tag: str | None = None,
        resources: FakeResources | None = None,
        limits: Limits | None = None,
        policy: ThresholdPolicy = ONE,
    ) -> ValidationResult:
        """Ask for one attestation under these parameters."""
        executor = Executor(
            store=self.store,
            verifiers=(await build(parameters, resources),),
            policy=policy,
            limits=limits or Limits(),
        )
        named = f"{REPOSITORY}:{tag}" if tag else REPOSITORY
        return await executor.validate(Reference.parse(f"{named}@{self.image.digest}"))
