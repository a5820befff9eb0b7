"""Section F of the catalogue: no step on the way to a verdict may be swallowed when it fails."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType

import pytest

import pyratify
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.testing.cosign import (
    REPOSITORY,
    CosignKey,
    attach_bundle,
    attach_classic,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import GOOD as SIGNED_WELL
from pyratify.testing.notation import SIGNERS, attach_signature, make_verifier
from pyratify.testing.sigstore import PrivateSigstore
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.notation_bench import COSE_TYPE, JWS_TYPE, LEAF, ROOT
from support.scenes import threshold

KEY, SIGSTORE = CosignKey.generate(), PrivateSigstore()
KEYED = CosignTrustPolicy(keys=(KEY.material,))
KEYLESS = CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=SIGSTORE.root)
PACKAGES = ("pyratify.verifiers.", "pyratify.sigstore.", "pyratify.pki.")


def cosign(kind: str, policy: CosignTrustPolicy) -> tuple[Executor, Reference]:
    """An image with one good signature of a kind, and an executor that asks for it."""
    store = MemoryStore()
    image = store.add_image()
    key = KEY if policy is KEYED else None
    if kind == "classic":
        payload = simple_signing(image.digest)
        attach_classic(store, image, sign_classic(key, payload) if key else SIGSTORE.sign_classic(payload))
    else:
        said = statement(image.digest)
        attach_bundle(store, image, sign_statement(key, said) if key else SIGSTORE.sign_statement(said))
    executor = Executor(
        store=store, verifiers=(CosignVerifier("cosign", [policy]),), policy=threshold("cosign")
    )
    return executor, Reference.parse(f"{REPOSITORY}@{image.digest}")


def notation(media_type: str) -> tuple[Executor, Reference]:
    """An image with one good signature in an envelope of a kind, and an executor that asks for it."""
    store = MemoryStore()
    image = store.add_image()
    attach_signature(store, image, SIGNERS[media_type](LEAF, image, SIGNED_WELL), media_type)
    executor = Executor(store=store, verifiers=(make_verifier(ROOT),), policy=threshold("notation"))
    return executor, Reference.parse(f"example.com/app@{image.digest}")


GOOD: dict[str, Callable[[], tuple[Executor, Reference]]] = {
    "cosign key": lambda: cosign("classic", KEYED),
    "cosign key, bundle": lambda: cosign("bundle", KEYED),
    "cosign keyless": lambda: cosign("classic", KEYLESS),
    "cosign keyless, bundle": lambda: cosign("bundle", KEYLESS),
    "notation JWS": lambda: notation(JWS_TYPE),
    "notation COSE": lambda: notation(COSE_TYPE),
}


def functions() -> Iterator[tuple[str, FunctionType]]:
    """Iterate over every function of a module on the way to a verdict."""
    for info in pkgutil.walk_packages(pyratify.__path__, "pyratify."):
        if info.name.startswith(PACKAGES):
            module = importlib.import_module(info.name)
            for name, value in vars(module).items():
                if inspect.isfunction(value) and value.__module__ == info.name:
                    yield f"{info.name}.{name}", value


def users(function: FunctionType) -> Iterator[tuple[ModuleType, str]]:
    """Iterate over the modules that know a function, and under which name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("pyratify."):
            for own, value in list(vars(module).items()):
                if value is function:
                    yield module, own


@pytest.mark.parametrize("case", GOOD)
async def test_atk_107_a_step_that_fails_is_never_passed_over(case: str) -> None:
    """Each function that verifiers call for a good signature, made to fail: the image is not allowed any more."""
    executor, reference = GOOD[case]()
    assert (await executor.validate(reference)).decision is Decision.ALLOW
    swallowed, failed = [], 0
    for name, function in functions():
        reached = []

        def fail(*args: object, reached: list[bool] = reached, **kwargs: object) -> object:
            reached.append(True)
            raise RuntimeError("a failpoint")

        executor, reference = GOOD[case]()
        with pytest.MonkeyPatch.context() as patch:
            for module, own in users(function):
                patch.setattr(module, own, fail)
            result = await executor.validate(reference)
        if reached and result.decision is Decision.ALLOW:
            swallowed.append(name)
        failed += bool(reached)
    assert swallowed == []
    assert failed > 20
