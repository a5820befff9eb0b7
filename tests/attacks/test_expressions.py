"""Section M: expressions that a tenant may write cost no more than the tenant's share."""

import re
import threading
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.shared_resources import Shared
from pyratify.kubernetes.client.kinds import KINDS
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.build_executor import build_executor, plugin_resources_for
from pyratify.sigstore import verification_steps
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.testing.cosign import REPOSITORY, attach_bundle, statement
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.clusters import spec
from support.cosign_setting import ONE, Setting

# 32 of these in 2.3 kB, within the number and length that are open to tenants.
HOSTILE = {
    "certificateIdentityRegex": "(?:(?:[^c]?[^d]?)*){150}!",
    "certificateOIDCIssuer": "https://issuer.example",
}
HONEST = {
    "certificateIdentityRegex": r"(?i)https://github\.com/acme/[\w.-]+/\.github/workflows/.*@refs/tags/v\d+(\.\d+){0,2}",
    "certificateOIDCIssuerRegex": r"https://token\.actions\.githubusercontent\.com",
}


def resource(kind: str, identity: dict[str, str], count: int) -> Resource:
    """Return a resource with that many identities."""
    found: Any = spec("a.example")
    found["verifiers"][0]["parameters"]["trustPolicies"][0] = {"identities": [identity] * count}
    (wanted,) = [each for each in KINDS if each.name == kind]
    namespace = "team" if wanted.namespaced else ""
    return Resource(wanted, namespace, "one", "u1", 1, "2026-01-01T00:00:00Z", "1", found, None)


async def build(kind: str, identity: dict[str, str], count: int) -> None:
    """Build the resource as the controller does."""
    given = resource(kind, identity, count)
    part = await build_executor(given, plugin_resources_for(given.namespace, FakeClock(), Shared()))
    part.acquire()
    await part.release()


@pytest.mark.parametrize("count", [2, 32])
async def test_atk_291_all_expressions_of_a_tenant_have_one_bound(count: int) -> None:
    """Compiled they would take seconds for every signer; they are refused before the budget is passed twice."""
    with pytest.raises(ConfigurationError, match="4096 instructions") as caught:
        await build("NamespacedExecutor", HOSTILE, count)
    assert caught.value.path == "spec.verifiers[0].parameters.trustPolicies[0].identities[1]"


async def test_atk_291_one_expression_has_its_bound_for_administrators_too() -> None:
    """An administrator's too: what a program may take is bounded before it is compiled."""
    huge = HOSTILE | {"certificateIdentityRegex": r"(?:\p{L}\p{N}){30}"}
    with pytest.raises(ConfigurationError, match="256 KiB"):
        await build("Executor", huge, 1)


async def test_atk_291_honest_expressions_are_far_below_the_bound() -> None:
    """As many as there may be at all, and an administrator is not counted."""
    await build("NamespacedExecutor", HONEST, 16)
    await build("Executor", HOSTILE, 3)


@pytest.mark.parametrize(
    ("slow", "thread"), [("[ab]*a[ab]{1000}", "pyratify-documents"), ("x", "MainThread")]
)
async def test_atk_291_slow_expressions_are_matched_beside_the_event_loop(
    slow: str, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the bundle is: they take milliseconds for a long name. Ordinary ones need no thread."""
    sigstore, setting, threads = PrivateSigstore(), Setting(), list[str]()
    check_signer = verification_steps.check_signer

    def watched(*arguments: Any) -> None:
        threads.append(threading.current_thread().name)
        check_signer(*arguments)

    monkeypatch.setattr(verification_steps, "check_signer", watched)
    identity = CertificateIdentity(subject_regex=f"{slow}|{re.escape(SUBJECT)}", issuer=ISSUER)
    policy = CosignTrustPolicy(identities=(identity,), trusted_root=sigstore.root)
    attach_bundle(setting.store, setting.image, sigstore.sign_statement(statement(setting.image.digest)))
    verifier = CosignVerifier("cosign", [policy], FakeClock())
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))
    assert result.decision is Decision.ALLOW
    assert [name.partition("_")[0] for name in threads] == [thread]
