"""Signatures of AWS Signer: the profile is the identity, and its API knows revocation."""

from collections.abc import Mapping
from typing import Any

import pytest

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult, failures
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE, PLUGIN, SIGNING_AUTHORITY, X509
from pyratify.verifiers.notation.verification_plugins import CombinedPlugins
from pyratify_aws.aws_client import AwsClient, AwsError
from pyratify_aws.signer import NAME, SignerPlugin
from support.notation_bench import LEAF, ROOT, details, judge

PROFILE = "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release"
VERSION = f"{PROFILE}/awUPb84ibN"
JOB = "arn:aws:signer:eu-west-1:111122223333:/signing-jobs/e218ee67-5dd3-4dc4-8caf-224898b12493"
ALIAS = "arn:aws:signer:eu-west-1:111122223333:/aliases/release"
FORMATS = (JWS_TYPE, COSE_TYPE)


class FakeSigner(AwsClient):
    """Says what is revoked, and remembers what it was asked."""

    def __init__(self, *revoked: str, max_age: int | None = None) -> None:
        super().__init__()
        self.revoked: Any = list(revoked)
        self.max_age = max_age
        self.asked: list[tuple[str, ...]] = []
        self.parameters: list[Mapping[str, Any]] = []
        self.fault: AwsError | None = None

    async def call(self, *names: str, **parameters: Any) -> Mapping[str, Any]:
        """Answer."""
        self.asked.append(names)
        self.parameters.append(parameters)
        if self.fault is not None:
            raise self.fault
        fields = {} if self.max_age is None else {"cache-control": f"private, max-age={self.max_age}"}
        return {"revokedEntities": self.revoked, "ResponseMetadata": {"HTTPHeaders": fields}}


def signed(scheme: str = SIGNING_AUTHORITY, **attributes: Any) -> Recipe:
    """Return the recipe of a signature as AWS Signer makes it, with changed attributes."""
    found = {"signingJob": JOB, "signingProfileVersion": VERSION} | attributes

    def edit(header: dict[Any, Any]) -> None:
        crit = "crit" if "crit" in header else 2
        values = {f"com.amazonaws.signer.{name}": value for name, value in found.items() if value is not None}
        header.update({PLUGIN: NAME} | values)
        header[crit] = [*header[crit], PLUGIN, *values]

    return Recipe(scheme=scheme, protected=edit)


async def verify(
    signer: FakeSigner,
    recipe: Recipe,
    media_type: str = JWS_TYPE,
    *,
    clock: FakeClock | None = None,
    identities: tuple[str, ...] = (PROFILE,),
    **options: Any,
) -> ValidationResult:
    """Verify with a trust policy that names a signing profile."""
    plugins = CombinedPlugins({NAME: SignerPlugin(signer, clock or FakeClock())})
    verifier = make_verifier(ROOT, kind="signingAuthority", identities=identities, plugins=plugins, **options)
    return await judge(recipe, media_type, verifier=verifier)


def found(result: ValidationResult) -> Failure:
    """Return the only failure; the image must not be allowed."""
    assert result.decision is Decision.DENY
    ((_, failure),) = failures(result.artifacts)
    return failure


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("identity", [PROFILE, VERSION])
async def test_a_profile_is_the_identity(media_type: str, identity: str) -> None:
    """By itself or by one of its versions; revocation is asked for in its region, by the names that the API has."""
    signer = FakeSigner()
    details(await verify(signer, signed(), media_type, identities=(identity,)))
    assert signer.asked == [("signer", "eu-west-1", "get_revocation_status")]
    (parameters,) = signer.parameters
    assert (parameters["profileVersionArn"], parameters["jobArn"]) == (VERSION, JOB)
    assert parameters["platformId"] == "Notation-OCI-SHA384-ECDSA"
    hashes = parameters["certificateHashes"]
    assert [len(each) for each in hashes] == [192] * len(LEAF.chain)
    assert hashes[0][96:] == hashes[1][:96]
    assert hashes[-1][:96] == hashes[-1][96:]


async def test_an_alias_is_an_identity_where_the_signature_has_it() -> None:
    """And no other one."""
    recipe = signed(signingProfileAlias=ALIAS)
    details(await verify(FakeSigner(), recipe, identities=(ALIAS,)))
    assert found(await verify(FakeSigner(), signed(), identities=(ALIAS,))).reason is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize(
    "identities",
    [
        ("*",),
        (PROFILE.replace("release", "other"),),
        (PROFILE[:-1],),
        (f"{PROFILE}/otherVersn",),
        (PROFILE.upper(),),
        ("x509.subject: C=US, ST=WA, O=Example",),
    ],
)
async def test_another_profile_is_not_trusted(identities: tuple[str, ...]) -> None:
    """Nor is every one: the authority signs for all of AWS's customers."""
    failure = found(await verify(FakeSigner(), signed(), identities=identities))
    assert failure.reason is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize("entity", [JOB, VERSION, "ab" * 96])
async def test_what_is_revoked_is_refused(entity: str) -> None:
    """The job, the profile's version or a certificate."""
    failure = found(await verify(FakeSigner(entity), signed()))
    assert failure.reason is Reason.CERT_REVOKED
    assert entity[:20] in failure.message


@pytest.mark.parametrize("revoked", [None, {}, "x", [7]])
async def test_an_answer_that_says_nothing_allows_nothing(revoked: Any) -> None:
    """An empty list is an answer; a missing one is none."""
    signer = FakeSigner()
    signer.revoked = revoked
    assert found(await verify(signer, signed())).reason is Reason.REVOCATION_UNKNOWN


@pytest.mark.parametrize(
    ("code", "refused", "remedy"),
    [
        ("AccessDeniedException", True, "Allow signer:GetRevocationStatus"),
        ("EndpointConnectionError", False, "Check that this process reaches AWS Signer"),
        ("SignatureDoesNotMatch", True, "Check the clock"),
    ],
)
async def test_a_service_that_does_not_answer_allows_nothing(code: str, refused: bool, remedy: str) -> None:
    """Without the permission neither; once it answers again, the signature counts."""
    signer = FakeSigner()
    signer.fault = AwsError(code, "signer:get_revocation_status is refused", refused=refused)
    result = await verify(signer, signed())
    assert found(result).reason is Reason.REVOCATION_UNKNOWN
    assert found(result).remedy.startswith(remedy)
    signer.fault = None
    details(await verify(signer, signed()))


async def test_an_answer_is_kept_for_the_life_that_it_names() -> None:
    """And not at all where it names none."""
    for max_age, asked in ((300, 1), (None, 2), (0, 2)):
        clock, signer = FakeClock(), FakeSigner(max_age=max_age)
        plugins = CombinedPlugins({NAME: SignerPlugin(signer, clock)})
        verifier = make_verifier(ROOT, kind="signingAuthority", identities=(PROFILE,), plugins=plugins)
        from pyratify.testing.notation import sign_jws

        envelopes: list[bytes] = []

        def once(image: Any, kept: list[bytes] = envelopes) -> bytes:
            kept[:] = kept or [sign_jws(LEAF, image, signed())]
            return kept[0]

        details(await judge(verifier=verifier, raw=once))
        details(await judge(verifier=verifier, raw=once))
        assert len(signer.asked) == asked
        if max_age == 300:
            clock.advance(300)
            details(await judge(verifier=verifier, raw=once))
            assert len(signer.asked) == 2


@pytest.mark.parametrize(
    "recipe",
    [
        signed(scheme=X509),
        signed(signingProfileVersion=None),
        signed(signingJob=None),
        signed(signingProfileVersion="arn:aws:signer:eu-west-1:1:/x"),
        signed(signingProfileVersion=f"{VERSION}\n"),
        signed(another="x"),
    ],
)
async def test_what_aws_signer_does_not_write_is_refused(recipe: Recipe) -> None:
    """Nothing that is critical stays unread, and no region is taken from a text that is no ARN."""
    signer = FakeSigner()
    result = await verify(signer, recipe)
    assert result.decision is Decision.DENY
    assert signer.asked == []


async def test_without_the_plugin_the_signature_is_refused() -> None:
    """As one that only a plugin can judge."""
    verifier = make_verifier(ROOT, kind="signingAuthority", identities=(PROFILE,))
    assert found(await judge(signed(), verifier=verifier)).reason is Reason.PLUGIN_REQUIRED


async def test_a_chain_that_is_not_trusted_asks_no_service() -> None:
    """A stranger's envelope must not cause requests as this identity."""
    from pyratify.testing.certificates import authority

    signer = FakeSigner()
    plugins = CombinedPlugins({NAME: SignerPlugin(signer, FakeClock())})
    verifier = make_verifier(
        authority("other"), kind="signingAuthority", identities=(PROFILE,), plugins=plugins, level="audit"
    )
    await judge(signed(), verifier=verifier)
    assert signer.asked == []


async def test_it_is_built_from_a_configuration() -> None:
    """With the parameters of an identity; an endpoint has to be https."""
    from pathlib import Path

    resources = BuildResources(FakeClock(), Path())
    assert isinstance(await resources.plugin("notation_plugins", NAME, {}, "p"), SignerPlugin)
    with pytest.raises(ConfigurationError) as caught:
        await resources.plugin("notation_plugins", NAME, {"endpoint": "http://signer.example.com"}, "p")
    assert caught.value.path == "p.endpoint"
