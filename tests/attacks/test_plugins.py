"""Section R of the catalogue: plugins by other people."""

import ast
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import pyratify
from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.limits import Limits
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.core.verifier import Details, Evidence
from pyratify.credentials.docker_config import DockerCredentials
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.notation.plugin_process import Plugins
from support.scenes import KIND, codes, image, returning, validate

CANARY = "canary-5d02"
SOURCES = sorted(Path(pyratify.__path__[0]).rglob("*.py"))


def test_atk_278_a_package_that_takes_our_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another package's `notation` beside ours: neither is used, and the message names both."""
    info = tmp_path / "helpful-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: helpful\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pyratify.verifiers]\nnotation = helpful_plugin:plugin\n")
    (tmp_path / "helpful_plugin.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"helpful, pyratify"):
        Registry[Any]("verifiers").load("notation", "executors[0].verifiers[0].type")
    assert Registry[Any]("verifiers").load("cosign", "executors[0].verifiers[0].type")
    assert "helpful_plugin" not in sys.modules


@pytest.mark.parametrize(
    "value", [True, 1, "ALLOW", object(), {"succeeded": True}, Details, (), Details("  ")]
)
async def test_atk_278_a_truthy_answer_is_no_evidence(value: object) -> None:
    """Only details that say something are."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=returning(value)))
    assert result.decision is Decision.DENY
    assert Reason.VERIFIER_ERROR in codes(result)


@pytest.mark.parametrize(
    "details",
    [
        Details("x" * 1_000_000),
        Details("good", signers=tuple(f"spki:sha256:{number:064x}" for number in range(10_000))),
        Details("good", warnings=(Failure(Reason.INTERNAL, "x" * 1_000_000, ""),)),
    ],
    ids=["description", "signers", "warnings"],
)
async def test_atk_278_details_without_end_are_no_evidence(details: Details) -> None:
    """What a verifier says is kept and shown by every entry point, so it has a bound."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=returning(details)))
    assert result.decision is Decision.DENY
    assert Reason.VERIFIER_ERROR in codes(result)
    assert len(result.to_json()) < 10_000


async def test_atk_278_data_without_end_is_left_out_of_the_report() -> None:
    """The evidence counts; of the facts only their number is reported."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=returning(Details("good", data={"x": "y" * 1_000_000}))))
    assert result.decision is Decision.ALLOW
    assert len(result.to_json()) < 10_000


@pytest.mark.parametrize("refuses", [False, True])
async def test_atk_278_a_plugin_that_sleeps_meets_the_deadline(refuses: bool) -> None:
    """Whether it waits or refuses to be ended: the answer is a timeout, and what it says later is heard by none."""
    over = asyncio.Event()

    async def sleeps(evidence: Evidence) -> Details:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                if not refuses:
                    raise
        return Details("good")

    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=sleeps), timeout=0.01)
    assert result.decision is not Decision.ALLOW
    assert result.error is not None
    assert result.error.reason is Reason.TIMEOUT
    over.set()


async def test_atk_278_a_plugin_cannot_read_more_than_a_validation_may() -> None:
    """However often it asks, the bytes of one validation are counted."""
    read = 0

    async def greedy(evidence: Evidence) -> Details:
        nonlocal read
        while True:
            read += len(await evidence.blob(evidence.manifest.layers[0]))

    store = MemoryStore()
    store.attach(store.add_image(), KIND, ("text/plain", b"x" * 1000))
    result = await validate(store, FakeVerifier(does=greedy), limits=Limits(total_bytes=50_000))
    assert Reason.SIZE_EXCEEDED in codes(result)
    assert read <= 50_000


PRINTS_ITS_ENVIRONMENT = """#!/bin/sh
printf '%s\\n' "$@" > "{folder}/arguments"
env > "{folder}/environment"
cat > "{folder}/input"
echo '{{}}'
"""


async def ask_helper(folder: Path) -> None:
    """Let a credential helper of Docker's answer."""
    (folder / "config.json").write_text('{"credsStore": "canary"}')
    await DockerCredentials(folder / "config.json").credential("registry.example")


async def ask_notation_plugin(folder: Path) -> None:
    """Let a verification plugin of notation answer."""
    plugins = Plugins(folder, frozenset({"canary"}))
    await plugins.run("canary", "verify-signature", {"contractVersion": "1.0"})


@pytest.mark.parametrize(
    ("program", "run"),
    [("docker-credential-canary", ask_helper), ("canary/notation-canary", ask_notation_plugin)],
)
async def test_atk_279_a_program_learns_no_secret_of_the_process(
    program: str, run: Callable[[Path], Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary in every kind of variable that holds a secret or changes how programs are loaded reaches no program."""
    path = tmp_path / program
    path.parent.mkdir(exist_ok=True)
    path.write_text(PRINTS_ITS_ENVIRONMENT.format(folder=tmp_path))
    path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in (
        "RATIFY_PASSWORD",
        "CI_SECRET",
        "GITHUB_TOKEN",
        "LD_PRELOAD",
        "PYTHONPATH",
        "DOCKER_AUTH_CONFIG",
    ):
        monkeypatch.setenv(name, CANARY)
    await run(tmp_path)
    seen = (tmp_path / "environment").read_text()
    assert "PATH=" in seen
    for text in (seen, (tmp_path / "arguments").read_text(), (tmp_path / "input").read_text()):
        assert CANARY not in text


def test_atk_279_programs_are_started_in_five_places_with_a_chosen_environment() -> None:
    """Docker's credential helpers and notation's plugins, which get the variables of a list and no secret; ourselves, also for Rego; a node's clients."""
    starts = [
        (path.name, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr
        in (
            "create_subprocess_exec",
            "create_subprocess_shell",
            "system",
            "popen",
            "Popen",
            "run_in_shell",
            "spawnv",
            "execv",
        )
    ]
    assert [name for name, _ in starts] == [
        "docker_helper.py",
        "run_program.py",
        "engine_process.py",
        "worker.py",
        "plugin_process.py",
    ]
    for _, node in starts:
        assert "env" in {keyword.arg for keyword in node.keywords}
    modules = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for name in node.names
        if name.name in ("subprocess", "multiprocessing", "pty")
    }
    assert modules == {"engine_process.py"}
