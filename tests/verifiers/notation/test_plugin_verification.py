"""Verification plugins: run only where they are allowed, for signers that the trust policy trusts, and never failing open."""

import asyncio
import fcntl
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult, failures
from pyratify.testing.certificates import authority
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation import plugin_verification
from pyratify.verifiers.notation.envelope import PLUGIN, PLUGIN_VERSION
from pyratify.verifiers.notation.plugin_process import Plugins
from pyratify.verifiers.notation.plugin_verification import IDENTITY, REVOCATION
from support.notation_bench import LEAF, ROOT, details, judge

NAME = "com.example.check"
METADATA = {
    "name": NAME,
    "description": "a plugin",
    "version": "1.2.0",
    "url": "https://example.com",
    "supportedContractVersions": ["1.0"],
    "capabilities": [IDENTITY, REVOCATION],
}
GOOD = {
    "verificationResults": {IDENTITY: {"success": True}, REVOCATION: {"success": True}},
    "processedAttributes": [],
}
SCRIPT = """\
#!{python} -IS
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as log:
    log.write(json.dumps([sys.argv[1:], sys.stdin.read(), dict(os.environ)]) + "\\n")
metadata, answer = {metadata!r}, {answer!r}
{extra}
sys.stdout.write(metadata if sys.argv[1] == "get-plugin-metadata" else answer)
"""


def install(
    folder: Path, metadata: Any = METADATA, answer: Any = GOOD, extra: str = "", **options: Any
) -> Plugins:
    """Write a plugin and return what runs it."""
    program = folder / NAME / f"notation-{NAME}"
    program.parent.mkdir(parents=True)
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in (("metadata", metadata), ("answer", answer))
    }
    program.write_text(SCRIPT.format(python=sys.executable, extra=extra, **texts))
    program.chmod(0o755)
    return Plugins(folder, frozenset({NAME}), **options)


def calls(plugins: Plugins) -> list[Any]:
    """Return the arguments, the request and the environment of each run."""
    log = plugins.folder / NAME / "calls"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def asking(name: str = NAME, version: str | None = None) -> Recipe:
    """Return the recipe of a signature that asks for a plugin."""

    def edit(header: dict[str, Any]) -> None:
        header[PLUGIN] = name
        header["crit"].append(PLUGIN)
        if version is not None:
            header[PLUGIN_VERSION] = version
            header["crit"].append(PLUGIN_VERSION)

    return Recipe(protected=edit)


async def verify(plugins: Plugins | None, recipe: Recipe | None = None, **options: Any) -> ValidationResult:
    """Verify a signature that asks for the plugin."""
    return await judge(recipe or asking(), verifier=make_verifier(ROOT, plugins=plugins, **options))


def found(result: ValidationResult) -> Failure:
    """Return the only failure; the image must not be allowed."""
    assert result.decision is Decision.DENY
    ((_, failure),) = failures(result.artifacts)
    return failure


def results(**changes: bool) -> dict[str, Any]:
    """Return an answer with some results."""
    return GOOD | {
        "verificationResults": {IDENTITY: {"success": True}, REVOCATION: {"success": True}}
        | {
            {"identity": IDENTITY, "revocation": REVOCATION}[name]: {"success": value, "reason": "because"}
            for name, value in changes.items()
        }
    }


async def test_a_plugin_that_agrees_lets_the_signature_count(tmp_path: Path) -> None:
    """It is asked twice, in its own language, with an environment that tells it nothing."""
    plugins = install(tmp_path)
    outcome = details(
        await verify(plugins, asking(version="1.2.0"), identities=("x509.subject: C=DE, ST=BE, O=Other",))
    )
    assert outcome.data["checks"]["authenticity"] == outcome.data["checks"]["revocation"] == "passed"
    (first, _, environment), (second, request, _) = calls(plugins)
    assert (first, second) == (["get-plugin-metadata"], ["verify-signature"])
    assert set(environment) <= {"PATH", "LANG", "HOME", "XDG_CONFIG_HOME", "LC_CTYPE"}
    asked = json.loads(request)
    assert asked["contractVersion"] == "1.0"
    assert asked["trustPolicy"] == {
        "trustedIdentities": ["x509.subject: C=DE, ST=BE, O=Other"],
        "signatureVerification": [REVOCATION, IDENTITY],
    }
    assert asked["signature"]["criticalAttributes"]["verificationPluginMinVersion"] == "1.2.0"
    assert len(asked["signature"]["certificateChain"]) == len(LEAF.chain)


async def test_without_configuration_no_plugin_is_run(tmp_path: Path) -> None:
    """Neither one that is there and not allowed, nor one that a signature names cleverly."""
    plugins = install(tmp_path)
    nobody = Plugins(tmp_path, frozenset({"other", "../x", ".."}))
    for allowed, name in ((None, NAME), (nobody, NAME), (nobody, "../x"), (nobody, ".."), (nobody, "other")):
        assert found(await verify(allowed, asking(name))).reason is Reason.PLUGIN_REQUIRED
    assert calls(plugins) == []


async def test_who_is_not_trusted_starts_no_plugin(tmp_path: Path) -> None:
    """Not even to learn what an allowed plugin does."""
    plugins = install(tmp_path)
    verifier = make_verifier(authority("other"), plugins=plugins, level="audit")
    await judge(asking(), verifier=verifier)
    assert calls(plugins) == []


@pytest.mark.parametrize(
    ("change", "reason"), [("identity", Reason.IDENTITY_MISMATCH), ("revocation", Reason.CERT_REVOKED)]
)
async def test_a_plugin_that_refuses_is_heard(change: str, reason: Reason, tmp_path: Path) -> None:
    """With its own words; where the level only reports, as a warning."""
    plugins = install(tmp_path, answer=results(**{change: False}))
    failure = found(await verify(plugins))
    assert failure.reason is reason
    assert "because" in failure.message
    warned = details(await verify(plugins, level="audit"))
    assert reason in [warning.reason for warning in warned.warnings]


@pytest.mark.parametrize(
    ("metadata", "answer", "extra"),
    [
        ("", GOOD, ""),
        ("{}", GOOD, ""),
        ("[]", GOOD, ""),
        (METADATA | {"name": "com.example.other"}, GOOD, ""),
        (METADATA | {"version": "one"}, GOOD, ""),
        (METADATA | {"supportedContractVersions": ["2.0"]}, GOOD, ""),
        (METADATA | {"supportedContractVersions": "1.0"}, GOOD, ""),
        (METADATA, "", ""),
        (METADATA, "no JSON", ""),
        (METADATA, "{}", ""),
        (METADATA, '{"verificationResults":{},"verificationResults":{}}', ""),
        (METADATA, GOOD | {"verificationResults": {}}, ""),
        (METADATA, GOOD | {"verificationResults": {IDENTITY: {"success": True}}}, ""),
        (
            METADATA,
            GOOD | {"verificationResults": {IDENTITY: {"success": 1}, REVOCATION: {"success": 1}}},
            "",
        ),
        (METADATA, GOOD | {"verificationResults": {IDENTITY: True, REVOCATION: True}}, ""),
        (METADATA, GOOD | {"processedAttributes": ["x"]}, ""),
        (METADATA, GOOD, "sys.exit(1)"),
        (METADATA, GOOD, "if 'verify' in sys.argv[1]: os.kill(os.getpid(), 9)"),
        (METADATA, GOOD, "sys.stdout.write(' ' * 2**21)"),
        (METADATA, GOOD, "sys.stderr.write(' ' * 2**18)"),
    ],
)
@pytest.mark.parametrize("level", ["strict", "audit"])
async def test_a_plugin_that_fails_decides_nothing(
    metadata: Any, answer: Any, extra: str, level: str, tmp_path: Path
) -> None:
    """Whatever the level is: a plugin that does not work never lets a signature pass."""
    failure = found(await verify(install(tmp_path, metadata, answer, extra), level=level))
    assert failure.reason is Reason.VERIFIER_ERROR


def wait_for(lock: Path) -> None:
    """Return once no process holds the lock any more."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


async def test_a_plugin_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    """With everything that it started: a child that outlived it would keep the lock."""
    extra = "import fcntl; lock = (here / 'lock').open('w'); fcntl.flock(lock, 2); os.fork(); time.sleep(600)"
    plugins = install(tmp_path, extra=extra, seconds=0.5)
    failure = found(await verify(plugins))
    assert failure.reason is Reason.TIMEOUT
    async with asyncio.timeout(60):
        await asyncio.to_thread(wait_for, tmp_path / NAME / "lock")


async def test_a_plugin_says_why_it_failed(tmp_path: Path) -> None:
    """Its error comes through, bounded."""
    said = json.dumps({"errorCode": "ACCESS_DENIED", "errorMessage": "x" * 5000})
    failure = found(await verify(install(tmp_path, extra=f"sys.stderr.write({said!r}); sys.exit(1)")))
    assert "ACCESS_DENIED: xxx" in failure.message
    assert len(failure.message) < 700


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("1.2.0", None),
        ("1.1.99", None),
        ("1.2.0-rc.1", None),
        ("1.2.1", "old"),
        ("2.0.0-a", "old"),
        ("1.2", "bad"),
        (f"1.0.0-{'1' * 5000}", "bad"),
    ],
)
async def test_a_plugin_must_be_new_enough(wanted: str, reason: str | None, tmp_path: Path) -> None:
    """Versions are semantic versions."""
    result = await verify(install(tmp_path), asking(version=wanted))
    assert (result.decision is Decision.ALLOW) is (reason is None)
    if reason:
        assert found(result).reason is Reason.PLUGIN_REQUIRED


def test_versions_have_the_order_of_their_specification() -> None:
    """The example of semver.org, section 11."""
    ordered = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0"
    versions: list[Any] = [plugin_verification.semantic_version(text) for text in ordered.split()]
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)
    assert plugin_verification.semantic_version("1.0.0+b") == plugin_verification.semantic_version("1.0.0")


async def test_what_a_plugin_does_not_do_is_done_here(tmp_path: Path) -> None:
    """A plugin for revocation leaves the identity to the trust policy."""
    metadata = METADATA | {"capabilities": [REVOCATION]}
    answer = GOOD | {"verificationResults": {REVOCATION: {"success": True}}}
    plugins = install(tmp_path, metadata, answer)
    assert (await verify(plugins)).decision is Decision.ALLOW
    identities = ("x509.subject: C=DE, ST=BE, O=Other",)
    assert found(await verify(plugins, identities=identities)).reason is Reason.IDENTITY_MISMATCH


async def test_a_plugin_that_verifies_nothing_does_not_count(tmp_path: Path) -> None:
    """A signing plugin is no verification plugin."""
    plugins = install(tmp_path, METADATA | {"capabilities": ["SIGNATURE_GENERATOR.RAW"]})
    assert found(await verify(plugins)).reason is Reason.PLUGIN_REQUIRED


@pytest.mark.parametrize("fault", ["link", "linked folder", "not executable", "writable"])
async def test_what_anyone_could_have_put_there_is_not_run(fault: str, tmp_path: Path) -> None:
    """Links are not followed, and a program that everyone can change is not run."""
    plugins = install(tmp_path)
    program = tmp_path / NAME / f"notation-{NAME}"
    if fault == "link":
        program.rename(tmp_path / "real")
        program.symlink_to(tmp_path / "real")
    elif fault == "linked folder":
        program.parent.rename(tmp_path / "real")
        program.parent.symlink_to(tmp_path / "real")
    else:
        program.chmod(0o644 if fault == "not executable" else 0o757)
    assert found(await verify(plugins)).reason is Reason.PLUGIN_REQUIRED
    assert calls(plugins) == []
