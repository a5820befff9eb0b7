"""Verification plugins, run by notation-go and by us: equal verdicts at every level, in both formats."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import live
from interop.test_notation_time import LEVELS, ROOT, push
from pyratify.core.clock import SystemClock
from pyratify.core.report import Decision
from pyratify.testing.certificates import signer
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import SIGNERS, Recipe
from pyratify.verifiers.notation.envelope import JWS_TYPE, PLUGIN, PLUGIN_VERSION
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.plugin_process import Plugins
from pyratify.verifiers.notation.plugin_verification import IDENTITY, REVOCATION
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import FORMATS
from support.notation_layouts import validate

pytestmark = pytest.mark.interop
NAME = "com.example.check"
METADATA: dict[str, Any] = {
    "name": NAME,
    "description": "a plugin",
    "version": "1.2.0",
    "url": "https://example.com",
    "supportedContractVersions": ["1.0"],
    "capabilities": [IDENTITY, REVOCATION],
}
SCRIPT = """\
#!{python} -IS
import sys
sys.stdin.read()
asked = sys.argv[1] == "get-plugin-metadata"
sys.stdout.write({metadata!r} if asked else {answer!r})
sys.exit(0 if asked else {code})
"""


def says(identity: bool | None = True, revocation: bool | None = True) -> dict[str, Any]:
    """Return a plugin's answer; None leaves a result out."""
    results = {IDENTITY: identity, REVOCATION: revocation}
    return {
        "verificationResults": {
            name: {"success": value, "reason": "because"}
            for name, value in results.items()
            if value is not None
        },
        "processedAttributes": [],
    }


# What its metadata are, what it answers, and how it ends.
CASES: dict[str, tuple[dict[str, Any], Any, int]] = {
    "agrees": ({}, says(), 0),
    "denies-the-identity": ({}, says(identity=False), 0),
    "calls-it-revoked": ({}, says(revocation=False), 0),
    "checks-the-identity-alone": ({"capabilities": [IDENTITY]}, says(revocation=None), 0),
    "checks-revocation-alone": ({"capabilities": [REVOCATION]}, says(identity=None), 0),
    "leaves-a-result-out": ({}, says(revocation=None), 0),
    "answers-garbage": ({}, "garbage", 0),
    "ends-with-an-error": ({}, {"errorCode": "ERROR", "errorMessage": "no"}, 1),
    "has-another-name": ({"name": "com.example.other"}, says(), 0),
    "is-too-old": ({"version": "0.9.0"}, says(), 0),
    "cannot-verify": ({"capabilities": ["SIGNATURE_GENERATOR.RAW"]}, says(), 0),
    "speaks-another-version": ({"supportedContractVersions": ["2.0"]}, says(), 0),
}

GOOD = ("agrees", "checks-the-identity-alone", "checks-revocation-alone")


def install(folder: Path, metadata: dict[str, Any], answer: Any, code: int) -> None:
    """Write a plugin where notation finds it."""
    program = folder / NAME / f"notation-{NAME}"
    program.parent.mkdir(parents=True)
    texts = {
        "metadata": json.dumps(METADATA | metadata),
        "answer": answer if isinstance(answer, str) else json.dumps(answer),
    }
    program.write_text(SCRIPT.format(python=sys.executable, code=code, **texts))
    program.chmod(0o755)


def asking(kind: str) -> Recipe:
    """Return the recipe of a signature that asks for the plugin."""

    def edit(header: dict[Any, Any]) -> None:
        header[PLUGIN], header[PLUGIN_VERSION] = NAME, "1.0.0"
        header["crit" if kind == JWS_TYPE else 2].extend((PLUGIN, PLUGIN_VERSION))

    return Recipe(protected=edit)


@pytest.fixture(scope="module")
def repository(peers: None) -> Iterator[live.loopback.Repository]:
    """A repository on a registry with the referrers API."""
    with live.loopback.registry() as found:
        yield found


def notation_accepts(reference: str, level: str, folder: Path) -> bool:
    """Return notation-go's verdict."""
    anchor = folder / "ca.pem"
    anchor.write_bytes(ROOT.pem)
    flags = ("-ca", str(anchor), "-level", level, "-plugins", str(folder / "plugins"), "-plain-http")
    done = live.loopback.peer("notary", "verify", *flags, reference)
    assert "flag provided but not defined" not in done.stderr, "run `make peers` again"
    return done.returncode == 0


async def we_accept(store: MemoryStore, level: str, folder: Path) -> bool:
    """Return our verdict."""
    policy = short_trust_policy(identities=("*",), stores=("ca:x",), level=level)
    stores = {StoreName("ca", "x"): (ROOT.material,)}
    plugins = Plugins(folder / "plugins", frozenset({NAME}))
    verifier = NotationVerifier("notation", policy, stores, SystemClock(), plugins=plugins)
    (tag,) = store.tags
    result = await validate(store, f"example.com/demo:{tag}", verifier)
    return result.decision is Decision.ALLOW


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", [*CASES, "is-not-there"])
async def test_plugins_have_notations_verdict(
    name: str, kind: str, repository: live.loopback.Repository, tmp_path: Path
) -> None:
    """Ones that agree, deny, fail, or are not what they should be."""
    if name in CASES:
        install(tmp_path / "plugins", *CASES[name])
    leaf = signer(ROOT)
    store = push(repository, lambda image: SIGNERS[kind](leaf, image, asking(kind)), kind)
    (tag,) = store.tags
    for level in LEVELS:
        expected = notation_accepts(f"{repository.name}:{tag}", level, tmp_path)
        assert await we_accept(store, level, tmp_path) is expected, level
        assert expected is (name in GOOD) or level != "strict", "the trial tells nothing"
