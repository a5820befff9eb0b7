"""The cosign verifier: which policy decides, when keys are loaded, and what is imported."""

import subprocess
import sys

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.sigstore.key_authenticator import MAX_KEYS
from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.cosign_setting import KEY, ONE, OTHER, Setting, is_denied, passed, reasons

BROKEN = KeyMaterial(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "broken.pub")


def signed() -> Setting:
    """An image with one good signature."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(setting.image.digest)))
    return setting


@pytest.mark.parametrize(
    ("scopes", "reason"),
    [
        (("example.com/app",), None),
        (("example.com",), None),
        (("*",), None),
        (("example.com/other", "other.com"), Reason.POLICY_NOT_FOUND),
    ],
)
async def test_the_trust_policy_covers_its_scopes_and_nothing_else(
    scopes: tuple[str, ...], reason: Reason | None
) -> None:
    """A repository without a trust policy is refused."""
    result = await signed().validate(scopes=scopes)
    assert reasons(result) == ({reason} if reason else set())
    assert (result.decision is Decision.ALLOW) is (reason is None)


@pytest.mark.parametrize(("trusted", "allowed"), [(KEY, True), (OTHER, False)])
async def test_the_most_specific_trust_policy_decides_alone(trusted: CosignKey, allowed: bool) -> None:
    """The keys of a wider scope do not help."""
    setting = signed()
    wide = CosignTrustPolicy(keys=((OTHER if trusted is KEY else KEY).material,))
    narrow = CosignTrustPolicy(keys=(trusted.material,), scopes=("example.com/app",))
    executor = Executor(
        store=setting.store, verifiers=(CosignVerifier("cosign", [wide, narrow]),), policy=ONE
    )
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    assert (result.decision is Decision.ALLOW) is allowed


async def test_a_layout_is_covered_by_the_star_alone() -> None:
    """A path on disk is no repository."""
    setting = signed()
    for scopes, allowed in ((("*",), True), (("example.com",), False)):
        verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(KEY.material,), scopes=scopes)])
        executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
        result = await executor.validate(Reference.parse_layout(f"oci:/tmp/x@{setting.image.digest}"))
        assert (result.decision is Decision.ALLOW) is allowed


async def test_checks_that_are_turned_off_stand_in_the_report() -> None:
    """The report shows it without the configuration."""
    details = passed(await signed().validate(ignored=("tlog",)))
    assert details.data["ignored"] == ["tlog"]


async def test_preparing_names_the_key_that_cannot_be_used() -> None:
    """A fault of the configuration, before any signature is looked at."""
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(KEY.material, BROKEN))])
    with pytest.raises(ConfigurationError, match=r"broken\.pub") as caught:
        await verifier.prepare()
    assert caught.value.reason is Reason.KEY_INVALID


async def test_a_key_that_cannot_be_used_is_not_the_artifacts_fault() -> None:
    """Without preparation it shows at the first signature, as inconclusive."""
    setting = signed()
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(BROKEN,))])
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    assert result.decision is Decision.DENY
    (found,) = result.artifacts[0].results
    assert (found.outcome, found.failure.reason if found.failure else None) == (
        "INCONCLUSIVE",
        Reason.KEY_INVALID,
    )


async def test_one_document_may_hold_several_keys() -> None:
    """PEM blocks, one after the other; the same key twice is one."""
    setting = signed()
    both = KeyMaterial(OTHER.pem + KEY.pem + KEY.pem, "both.pub")
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(both,))])
    await verifier.prepare()
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    assert passed(result).signers == (KEY.fingerprint,)


async def test_the_number_of_keys_is_bounded() -> None:
    """Every signature may have to be tried with each of them."""
    keys = b"".join(CosignKey.generate().pem for _ in range(MAX_KEYS + 1))
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(KeyMaterial(keys, "many.pub"),))])
    with pytest.raises(ConfigurationError, match="more than the 100"):
        await verifier.prepare()


@pytest.mark.parametrize(
    "terms", [{"keys": ()}, {"scopes": ()}, {"predicate_types": ()}], ids=lambda terms: next(iter(terms))
)
def test_a_trust_policy_that_could_trust_nothing_is_refused(terms: dict[str, tuple[str, ...]]) -> None:
    """Empty is a mistake, not everything."""
    with pytest.raises(ConfigurationError):
        CosignTrustPolicy(**({"keys": (KEY.material,)} | terms))  # type: ignore[arg-type]


@pytest.mark.parametrize("scopes", [[], [("*",), ("*",)], [("Bad Scope",)]])
def test_a_verifier_without_clear_scopes_is_refused(scopes: list[tuple[str, ...]]) -> None:
    """No policy at all, one scope twice, or no scope by its grammar."""
    policies = [CosignTrustPolicy(keys=(KEY.material,), scopes=each) for each in scopes]
    with pytest.raises(ConfigurationError):
        CosignVerifier("cosign", policies)


async def test_an_unsigned_image_is_denied() -> None:
    """There is nothing to count."""
    result = await Setting().validate()
    assert result.decision is Decision.DENY
    assert result.failure is not None
    assert result.failure.reason is Reason.NO_EVIDENCE


async def test_a_wrong_key_reads_as_a_wrong_key() -> None:
    """Not as an image without a signature."""
    assert is_denied(await signed().validate(OTHER), Reason.SIG_INVALID)


def test_making_a_verifier_imports_no_cryptography() -> None:
    """Start-up pays only for what is used; with an EC key certificates are never imported."""
    program = """
import sys
from pyratify.core.key import KeyMaterial
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(KeyMaterial(sys.argv[1].encode(), "k"),))])
heavy = {"cryptography", "msgspec", "yaml", "aiohttp", "importlib.metadata"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
import asyncio, pyratify.verifiers.cosign.simple_signing, pyratify.verifiers.cosign.attached_bundle
asyncio.run(verifier.prepare())
assert "cryptography" in sys.modules
assert not {"cryptography.x509", "msgspec"} & sys.modules.keys()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, KEY.pem.decode()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
