"""What the tests of attached SBOMs share: an image in a memory store, and an engine's executor built from parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyratify.config.decode import decode
from pyratify.core.descriptor import Descriptor
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.core.verifier import Verifier
from pyratify.policies.threshold_plugin import ThresholdOptions
from pyratify.policies.threshold_plugin import plugin as threshold
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.sbom.sbom_plugin import license_checker, plugin
from support.plugins import FakeResources

CLOCK = FakeClock(datetime(2026, 6, 1, 12, tzinfo=UTC))
SPDX, CYCLONEDX = "application/spdx+json", "application/vnd.cyclonedx+json"
PLUGINS = {"sbom": plugin, "licensechecker": license_checker}
UNSIGNED = {"verifierName": "sbom", "requireSigned": False}


async def build(parameters: Mapping[str, Any], kind: str = "sbom") -> Verifier:
    """Build a verifier from parameters as they stand in a file."""
    chosen = PLUGINS[kind]
    options = decode(chosen.options, dict(parameters))
    return await chosen.build(kind, options, FakeResources(clock=CLOCK))


@dataclass
class SbomSetting:
    """An image and the SBOMs attached to it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    image: Descriptor = field(init=False)

    def __post_init__(self) -> None:
        """Push the image."""
        self.image = self.store.add_image()

    def attach(self, *documents: bytes, artifact_type: str = SPDX, media_type: str = "") -> Descriptor:
        """Attach an artifact with these documents."""
        layers = ((media_type or artifact_type, document) for document in documents)
        return self.store.attach(self.image, artifact_type, *layers)

    async def validate(
        self,
        parameters: Mapping[str, Any],
        *others: Verifier,
        kind: str = "sbom",
        rule: Mapping[str, Any] | None = None,
    ) -> ValidationResult:
        """Ask for one SBOM that satisfies the parameters; the rule of the policy says whether it must be signed."""
        verifiers = (await build(parameters, kind), *others)
        written = {"policy": {"rules": [rule or {**UNSIGNED, "verifierName": kind}]}}
        options = decode(ThresholdOptions, written)
        names = tuple(each.name for each in verifiers)
        resources = FakeResources(verifiers=names, verifier_types={name: name for name in names})
        policy = await threshold.build("policy", options, resources)
        executor = Executor(store=self.store, verifiers=verifiers, policy=policy)
        return await executor.validate(Reference.parse(f"example.com/app@{self.image.digest}"))
