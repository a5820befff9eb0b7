"""Every implementation keeps its contract, and the contracts find those that do not."""

import asyncio
import base64
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.credential import Credential
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, InconclusiveError, StoreError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, Verdict, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details, Evidence
from pyratify.credentials.docker_config import DockerCredentials
from pyratify.credentials.providers import StaticCredentials
from pyratify.keys.documents import FileDocuments, InlineDocuments
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.certificates import authority, signer
from pyratify.testing.contracts import PolicyCase, PolicyContract, VerifierCase, VerifierContract
from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import SIGNERS, Recipe, attach_signature, make_verifier
from pyratify.testing.provider_contracts import (
    CredentialCase,
    CredentialContract,
    KeyCase,
    KeyContract,
)
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE

PUBLIC = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
PRIVATE = PUBLIC.replace("PUBLIC", "PRIVATE")
KIND = "application/vnd.example.tag"


@dataclass(frozen=True)
class TagVerifier:
    """The smallest verifier that keeps the contract: a blob that names the subject's digest."""

    name: str = "tag"

    def accepts(self, manifest: Any) -> bool:
        """Accept its own type."""
        return bool(manifest.artifact_type == KIND)

    async def verify(self, evidence: Evidence) -> Details:
        """Compare the blob with the subject."""
        if await evidence.blob(evidence.manifest.layers[0]) != evidence.subject.digest.encode():
            raise VerificationError(Reason.PAYLOAD_SUBJECT_MISMATCH, "another digest")
        return Details("the tag is right", signers=("a-signer",), data={"kind": KIND})


def tagged(store: MemoryStore, image: Descriptor) -> Descriptor:
    """Attach a good tag."""
    return store.attach(image, KIND, ("text/plain", image.digest.encode()))


def mistagged(store: MemoryStore, image: Descriptor) -> Descriptor:
    """Attach a bad tag."""
    return store.attach(image, KIND, ("text/plain", b"sha256:other"))


class TestSmallestVerifier(VerifierContract):
    """The verifier above."""

    @pytest.fixture
    def case(self) -> VerifierCase:
        """Good and bad tags."""
        return VerifierCase(TagVerifier(), good=tagged, bad=(mistagged,))


class TestCosignVerifier(VerifierContract):
    """Cosign with keys."""

    @pytest.fixture
    def case(self) -> VerifierCase:
        """Bundles by the trusted key, by another, and of another image."""
        key, other = CosignKey.generate(), CosignKey.generate()

        def signed(
            by: CosignKey, digest: Digest | None = None
        ) -> Callable[[MemoryStore, Descriptor], Descriptor]:
            return lambda store, image: attach_bundle(
                store, image, sign_statement(by, statement(digest or image.digest))
            )

        policy = CosignTrustPolicy(keys=(key.material,), scopes=("*",))
        bad = (signed(other), signed(key, Digest.of(b"another")))
        return VerifierCase(CosignVerifier("cosign", (policy,)), good=signed(key), bad=bad)


class TestNotationVerifier(VerifierContract):
    """Notary Project signatures in both envelopes."""

    @pytest.fixture(params=[JWS_TYPE, COSE_TYPE])
    def case(self, request: pytest.FixtureRequest) -> VerifierCase:
        """Envelopes by a trusted certificate, by another, of another image, and no envelope at all."""
        root, other = authority(), authority(which=1)
        trusted, stranger = signer(root), signer(other)
        sign = SIGNERS[request.param]
        another = Descriptor("a/b", Digest.of(b"another"), 7)

        def by(
            who: Any, subject: Descriptor | None = None
        ) -> Callable[[MemoryStore, Descriptor], Descriptor]:
            return lambda store, image: attach_signature(
                store, image, sign(who, subject or image, Recipe()), request.param
            )

        def no_envelope(store: MemoryStore, image: Descriptor) -> Descriptor:
            return attach_signature(store, image, b"none", request.param)

        bad = (by(stranger), by(trusted, another), no_envelope)
        return VerifierCase(make_verifier(root), good=by(trusted), bad=bad)


def report(verifier: str, signer: str) -> ArtifactReport:
    """Return the report of an artifact that a verifier passed."""
    artifact = Descriptor("a/b", Digest.of(signer.encode()), 1)
    details = Details("good", signers=(signer,))
    result = VerifierResult(verifier, Outcome.PASSED, details)
    reference = Reference.parse(f"example.com/app@{Digest.of(b'image')}")
    return ArtifactReport(reference, artifact, Discovery.REFERRERS_API, (result,))


REPORTS = (report("a", "first"), report("a", "second"))


class TestThresholdPolicy(PolicyContract):
    """Ratify v2's policy, with one rule, with two of one kind, and with evidence on evidence."""

    @pytest.fixture(params=["one", "two of a kind", "nested"])
    def case(self, request: pytest.FixtureRequest) -> PolicyCase:
        """A policy and what satisfies it."""
        if request.param == "one":
            return PolicyCase(ThresholdPolicy(Rule(None, (Rule("a"),), 1)), REPORTS[:1])
        if request.param == "two of a kind":
            return PolicyCase(ThresholdPolicy(Rule(None, (Rule("a"), Rule("a")), 2)), REPORTS)
        nested = (replace(report("b", "outer"), nested=REPORTS[:1]),)
        return PolicyCase(ThresholdPolicy(Rule(None, (Rule("b", (Rule("a"),), 1),), 1)), nested)


class TestStaticCredentials(CredentialContract):
    """One credential for one host."""

    @pytest.fixture
    def case(self) -> CredentialCase:
        """A provider bound to a registry."""
        credential = Credential("me", "secret password")
        return CredentialCase(StaticCredentials(credential, ("ghcr.io",)), "ghcr.io", credential)


@dataclass(frozen=True)
class Strict:
    """Refuses to be asked for any registry but its own."""

    async def credential(self, registry: str) -> Credential:
        """Give the credential, or refuse."""
        if registry != "ghcr.io":
            raise StoreError(Reason.CREDENTIAL_SCOPE, "another registry")
        return Credential("me", "secret password")


class TestStrictCredentials(CredentialContract):
    """A provider that is an error for other registries."""

    @pytest.fixture
    def case(self) -> CredentialCase:
        """The provider above."""
        return CredentialCase(Strict(), "ghcr.io", Credential("me", "secret password"))


class TestDockerCredentials(CredentialContract):
    """Docker's file."""

    @pytest.fixture
    def case(self, tmp_path: Path) -> CredentialCase:
        """A file with one entry."""
        auth = base64.b64encode(b"me:secret password").decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {"https://ghcr.io": {"auth": auth}}}))
        provider = DockerCredentials(tmp_path / "config.json")
        return CredentialCase(provider, "ghcr.io", Credential("me", "secret password"))


class TestInlineKeys(KeyContract):
    """Keys in the configuration."""

    @pytest.fixture
    def case(self) -> KeyCase:
        """A key, nothing, and a private one."""
        broken = {"nothing": InlineDocuments().keys, "a private key": InlineDocuments(keys=PRIVATE).keys}
        return KeyCase(InlineDocuments(keys=PUBLIC).keys, broken)


class TestFiles(KeyContract):
    """Keys and certificates in files."""

    @pytest.fixture(params=["keys", "certificates"])
    def case(self, tmp_path: Path, request: pytest.FixtureRequest) -> KeyCase:
        """A file, a missing one, an empty one, and one with a private key."""
        texts = {"good.pem": PUBLIC, "empty.pem": "", "private.pem": PRIVATE}
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        read = {
            name: getattr(FileDocuments([tmp_path / name]), request.param) for name in (*texts, "missing")
        }
        return KeyCase(read.pop("good.pem"), read)


async def broken_rules(contract: Any, case: Any) -> set[str]:
    """Run every test of a contract and return what it says of those that fail."""
    found = set()
    for name, test in inspect.getmembers(contract, inspect.isfunction):
        if name.startswith("test_"):
            try:
                await test(contract(), case)
            except AssertionError as error:
                found.add(str(error).removeprefix("the contract says that "))
    return found


async def _careless(evidence: Evidence) -> Details:
    await evidence.blob(evidence.manifest.layers[0])
    return Details("fine")


async def _blaming(evidence: Evidence) -> Details:
    try:
        return await TagVerifier().verify(evidence)
    except StoreError as error:
        raise VerificationError(error.reason, error.message) from None


async def _undecided(evidence: Evidence) -> Details:
    try:
        return await TagVerifier().verify(evidence)
    except VerificationError as error:
        raise InconclusiveError(error.reason, error.message) from None


async def _stubborn(evidence: Evidence) -> Details:
    try:
        return await TagVerifier().verify(evidence)
    except asyncio.CancelledError:
        return Details("fine")


async def _odd(evidence: Evidence) -> Details:
    details = await TagVerifier().verify(evidence)
    return replace(details, signers=("x", "x"), data={"bytes": b"x"})


async def _moody(evidence: Evidence) -> Details:
    return Details(f"{id(await TagVerifier().verify(evidence))} {id(object())} {next(_COUNT)}")


_COUNT = iter(range(1000))


@dataclass(frozen=True)
class _Variant(TagVerifier):
    does: Any = _careless

    async def verify(self, evidence: Evidence) -> Details:
        details: Details = await self.does(evidence)
        return details


class _Greedy(TagVerifier):
    def accepts(self, manifest: Any) -> bool:
        return True


@pytest.mark.parametrize(
    ("verifier", "complaint"),
    [
        (_Variant(does=_careless), "bad evidence is refused"),
        (_Variant(does=_careless), "moved evidence is refused"),
        (_Variant(does=_blaming), "a store's fault is passed on"),
        (_Variant(does=_undecided), "bad evidence is refused"),
        (_Variant(does=_stubborn), "a cancelled verification ends as cancelled"),
        (_Variant(does=_odd), "the details' data is JSON"),
        (_Variant(does=_moody), "equal evidence gives equal details"),
        (_Greedy(), "a verifier does not accept foreign kinds"),
        (TagVerifier(name=""), "a verifier has a name"),
    ],
)
async def test_a_verifier_that_breaks_its_contract_is_found(verifier: Any, complaint: str) -> None:
    """The contract is not satisfied by just anything."""
    found = await broken_rules(VerifierContract, VerifierCase(verifier, good=tagged, bad=(mistagged,)))
    assert any(text.startswith(complaint) for text in found), found


async def test_a_case_without_bad_evidence_proves_nothing() -> None:
    """An author must show what is refused."""
    found = await broken_rules(VerifierContract, VerifierCase(TagVerifier(), good=tagged, bad=()))
    assert found == {"the case has bad evidence"}


class _Lax(NoPolicy):
    def decide(self, subject: Any, reports: tuple[ArtifactReport, ...]) -> Verdict:
        return Verdict(Decision.ALLOW)

    def settled(self, reports: tuple[ArtifactReport, ...]) -> bool:
        return True


class _Silent(NoPolicy):
    def decide(self, subject: Any, reports: tuple[ArtifactReport, ...]) -> Verdict:
        return Verdict(Decision.DENY)

    def wants(self, chain: Any) -> Any:
        return frozenset({"other"})


@pytest.mark.parametrize(
    ("policy", "complaints"),
    [
        (_Lax(), ("no evidence is not allowed", "FAILED results do not count", "nothing is settled before")),
        (
            _Silent(),
            ("a refusal has a reason", "satisfying evidence is allowed", "the verifiers that satisfy"),
        ),
    ],
)
async def test_a_policy_that_breaks_its_contract_is_found(policy: Any, complaints: tuple[str, ...]) -> None:
    """Allowing without evidence is what matters most."""
    found = await broken_rules(PolicyContract, PolicyCase(policy, REPORTS))
    assert all(any(text.startswith(complaint) for text in found) for complaint in complaints), found


@dataclass
class _Substring:
    """Shows its credential, and itself, to hosts with a similar name."""

    credential_: Credential
    password: str = "secret password"

    async def credential(self, registry: str) -> Credential:
        """Look for the host anywhere in the name."""
        if "ghcr.io" not in registry:
            raise StoreError(Reason.CREDENTIAL_SCOPE, "another registry")
        return self.credential_


async def test_a_credential_provider_that_breaks_its_contract_is_found() -> None:
    """Showing a credential to another host, and printing it."""
    credential = Credential("me", "secret password")
    found = await broken_rules(
        CredentialContract, CredentialCase(_Substring(credential), "ghcr.io", credential)
    )
    assert found == {"evil.ghcr.io is not shown what belongs to ghcr.io", "no secret is in a representation"}


async def test_a_key_provider_that_breaks_its_contract_is_found() -> None:
    """Private keys, empty sets and silence about a broken source."""

    async def private() -> tuple[KeyMaterial, ...]:
        """Hand out a private key."""
        return (KeyMaterial(PRIVATE.encode(), "here"),)

    async def nothing() -> tuple[KeyMaterial, ...]:
        """Hand out nothing."""
        return ()

    async def refusing() -> tuple[KeyMaterial, ...]:
        """Refuse, as is right."""
        raise ConfigurationError("there is none")

    assert "no private key is handed out" in await broken_rules(
        KeyContract, KeyCase(private, {"x": refusing})
    )
    found = await broken_rules(KeyContract, KeyCase(nothing, {"x": nothing}))
    assert "there is at least one document" in found
    assert any(text.startswith("x is a ConfigurationError") for text in found)
    assert "the case has broken sources" in await broken_rules(KeyContract, KeyCase(nothing))
