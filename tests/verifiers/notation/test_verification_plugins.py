"""Verification plugins in this process, and the critical attributes that only a plugin understands."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.certificates import Issued, authority
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE, PLUGIN, SIGNING_TIME
from pyratify.verifiers.notation.plugin_verification import IDENTITY, REVOCATION
from pyratify.verifiers.notation.verification_plugins import CombinedPlugins
from support.notation_bench import ROOT, details, found, judge

NAME = "com.example.check"
FORMATS = (JWS_TYPE, COSE_TYPE)


class Module:
    """Answers as a test says, and remembers what it was asked."""

    def __init__(
        self, processed: Any = "all", capabilities: tuple[str, ...] = (IDENTITY, REVOCATION)
    ) -> None:
        self.processed = processed
        self.capabilities = list(capabilities)
        self.asked: list[Mapping[str, Any]] = []
        self.fault: BaseException | None = None
        self.slow = False

    async def run(self, command: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a command."""
        if command == "get-plugin-metadata":
            contract = {"name": NAME, "version": "1.0.0", "supportedContractVersions": ["1.0"]}
            return contract | {"capabilities": self.capabilities}
        self.asked.append(request)
        if self.fault is not None:
            raise self.fault
        if self.slow:
            await asyncio.Event().wait()
        wanted = request["trustPolicy"]["signatureVerification"]
        given = request["signature"]["unprocessedAttributes"]
        processed = given if self.processed == "all" else self.processed
        return {
            "verificationResults": {each: {"success": True} for each in wanted},
            "processedAttributes": processed,
        }


def asking(**attributes: Any) -> Recipe:
    """Return the recipe of a signature that names the plugin and has critical attributes of its own."""

    def edit(header: dict[Any, Any]) -> None:
        crit = "crit" if "crit" in header else 2
        named = {name.replace("__", "."): value for name, value in attributes.items()}
        header.update({PLUGIN: NAME} | named)
        header[crit] = [*header[crit], PLUGIN, *named]

    return Recipe(protected=edit)


def verifier(module: Module, **options: Any) -> Any:
    """Return a verifier with the plugin."""
    return make_verifier(ROOT, plugins=CombinedPlugins({NAME: module}, seconds=0.05), **options)


@pytest.mark.parametrize("media_type", FORMATS)
async def test_a_plugin_processes_the_critical_attributes_that_are_its_own(media_type: str) -> None:
    """It is given them, and has to say that it understood each of them."""
    module = Module()
    recipe = asking(com__example__job="17", com__example__profile="release")
    details(await judge(recipe, media_type, verifier=verifier(module)))
    (request,) = module.asked
    attributes = {"com.example.job": "17", "com.example.profile": "release"}
    assert request["signature"]["criticalAttributes"]["extendedAttributes"] == attributes
    assert request["signature"]["unprocessedAttributes"] == list(attributes)


@pytest.mark.parametrize(
    "processed",
    [
        [],
        None,
        ["com.example.job"],
        ["com.example.job", "com.example.profile", "com.example.other"],
        ["com.example.job", "com.example.job", "com.example.profile"],
        "com.example.job",
        7,
    ],
)
async def test_an_attribute_that_stays_unprocessed_refuses_the_signature(processed: Any) -> None:
    """Also one too many: the plugin speaks of another signature then."""
    recipe = asking(com__example__job="17", com__example__profile="release")
    failure = found(await judge(recipe, verifier=verifier(Module(processed))))
    assert failure.reason is Reason.VERIFIER_ERROR
    assert "critical attributes" in failure.message


async def test_critical_attributes_are_processed_where_revocation_is_skipped() -> None:
    """A plugin that only looks revocation up is asked all the same: nothing critical may stay unread."""
    module = Module(capabilities=(REVOCATION,))
    skipping = verifier(module, level="audit")
    await judge(asking(com__example__job="17"), verifier=skipping)
    assert len(module.asked) == 1


@pytest.mark.parametrize(
    ("anchor", "identity"), [(authority("other"), "*"), (ROOT, "x509.subject: C=US, ST=WA, O=other")]
)
async def test_atk_131_no_level_leaves_critical_attributes_unprocessed(anchor: Issued, identity: str) -> None:
    """The plugin is not asked about an untrusted signer, and what it alone understands must not be ignored then."""
    module = Module(capabilities=(REVOCATION,))
    auditing = make_verifier(
        anchor, identities=(identity,), level="audit", plugins=CombinedPlugins({NAME: module})
    )
    failure = found(await judge(asking(com__example__job="17"), verifier=auditing))
    assert failure.reason is Reason.CRIT_UNKNOWN
    assert "com.example.job" in failure.message
    assert module.asked == []


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("com.example.job", 17),
        ("com.example.job", None),
        ("com.example.job", {"a": 1}),
        (SIGNING_TIME, "2030-01-01T00:00:00Z"),
        ("kid", "x"),
        ("io.cncf.notary.timestampSignature", "x"),
    ],
)
async def test_atk_131_what_no_plugin_can_process_stays_unknown(
    name: str, value: object, media_type: str
) -> None:
    """Neither another type than a text nor what has a meaning already is handed on."""
    failure = found(
        await judge(asking(**{name.replace(".", "__"): value}), media_type, verifier=verifier(Module()))
    )
    assert failure.reason in (Reason.CRIT_UNKNOWN, Reason.ENVELOPE_MALFORMED)


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_131_without_a_plugin_an_unknown_attribute_is_refused(media_type: str) -> None:
    """As before there were any."""

    def edit(header: dict[Any, Any]) -> None:
        crit = "crit" if "crit" in header else 2
        header["com.example.job"] = "17"
        header[crit] = [*header[crit], "com.example.job"]

    failure = found(await judge(Recipe(protected=edit), media_type, verifier=verifier(Module())))
    assert failure.reason is Reason.CRIT_UNKNOWN


@pytest.mark.parametrize(
    ("fault", "slow", "reason"),
    [
        (RuntimeError("boom"), False, Reason.VERIFIER_ERROR),
        (None, True, Reason.TIMEOUT),
    ],
)
async def test_a_module_that_fails_allows_nothing(
    fault: BaseException | None, slow: bool, reason: Reason
) -> None:
    """Whatever it raises, and however long it takes."""
    module = Module()
    module.fault, module.slow = fault, slow
    result = await judge(asking(), verifier=verifier(module))
    assert result.decision is Decision.DENY
    assert found(result).reason is reason


async def test_a_name_that_nothing_runs_is_refused() -> None:
    """With and without programs beside the modules."""
    plugins = CombinedPlugins({NAME: Module()})
    with pytest.raises(VerificationError):
        plugins.find("other")
    with pytest.raises(VerificationError):
        await plugins.run("other", "verify-signature", {})
