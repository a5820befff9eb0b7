"""Our engine as the measurements build it: straight from the classes, without a configuration file."""

from pathlib import Path

from bench.peers import MATERIAL
from pyratify.core.clock import SystemClock
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import Limits
from pyratify.core.store import Store
from pyratify.core.verifier import Verifier
from pyratify.credentials.providers import AnonymousCredentials
from pyratify.http.transport_asyncio import asyncio_transport
from pyratify.policies.rule import Rule
from pyratify.policies.threshold import ThresholdPolicy
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName


def cosign_verifier(key: Path = MATERIAL / "keys" / "cosign.pub") -> CosignVerifier:
    """Return a verifier that trusts one key everywhere."""
    material = KeyMaterial(key.read_bytes(), str(key))
    return CosignVerifier("cosign", [CosignTrustPolicy(scopes=("*",), keys=(material,))])


def notation_verifier(ca: Path = MATERIAL / "certs" / "ca.pem") -> NotationVerifier:
    """Return a verifier that trusts one CA and one identity everywhere, at level strict."""
    policy = short_trust_policy(
        identities=("x509.subject: C=US, ST=WA, O=Pyratify Test",), stores=("ca:demo",)
    )
    materials = {StoreName("ca", "demo"): (KeyMaterial(ca.read_bytes(), str(ca)),)}
    return NotationVerifier("notation", policy, materials, SystemClock())


def registry_store(*, cosign_tags: bool = False) -> RegistryStore:
    """Return a store over registries without credentials, which asks for the tags of signatures as an engine for cosign."""
    options = RegistryOptions(cosign_tags=cosign_tags, cosign_suffixes=("sig",))
    return RegistryStore(options, AnonymousCredentials(), asyncio_transport(options))


def executor(store: Store, verifier: Verifier, limits: Limits | None = None) -> Executor:
    """Return an executor that wants one good signature, and caches nothing."""
    policy = ThresholdPolicy(Rule(None, (Rule(verifier.name),), 1))
    return Executor(store=store, verifiers=(verifier,), policy=policy, limits=limits or Limits())
