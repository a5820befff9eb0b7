"""Section Q of the catalogue: dependencies, the process and the machine it runs on."""

import ast
import asyncio
import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Coroutine
from dataclasses import replace
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any, TypeVar

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import pyratify
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.core.verifier import Details, Evidence
from pyratify.pki.encoding import encode_base64
from pyratify.testing.cosign import (
    ClassicSignature,
    CosignKey,
    attach_bundle,
    attach_classic,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import make_manifest
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION
from support.cosign_setting import OTHER, Setting
from support.scenes import KIND, image, validate

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = ROOT / "examples" / "material"
SOURCES = sorted(Path(pyratify.__path__[0]).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# The last version of each with an advisory that reaches us, or one below the first with what we rely on.
BELOW_THE_FLOOR = {
    "aiohttp": "3.14.1",
    "cbor2": "5.8.0",
    "cryptography": "49.0.0",
    "msgspec": "0.19.0",
    "pyyaml": "6.0.1",
    "shtab": "1.6.5",
}


def test_atk_270_every_dependency_has_a_floor_that_leaves_out_what_is_vulnerable() -> None:
    """A user's installer cannot choose a version with an open advisory, and no dependency is without a floor."""
    needed = {canonicalize_name(each.name): each for each in map(Requirement, PROJECT["dependencies"])}
    assert needed.keys() == BELOW_THE_FLOOR.keys()
    for name, vulnerable in BELOW_THE_FLOOR.items():
        assert not needed[name].specifier.contains(vulnerable), name
    for extra, requirements in PROJECT["optional-dependencies"].items():
        for each in map(Requirement, requirements):
            named = canonicalize_name(each.name) == "pyratify"
            assert named or any(one.operator in (">=", "==", "~=") for one in each.specifier), (extra, each)


def test_atk_270_what_is_installed_is_above_the_floors_with_all_that_it_brings() -> None:
    """The installed versions of the whole closure of what a user gets satisfy the ranges that lead to them."""
    waiting, seen = [Requirement(text) for text in PROJECT["dependencies"]], set()
    while waiting:
        each = waiting.pop()
        assert each.specifier.contains(version(each.name), prereleases=True), each
        if each.name not in seen:
            seen.add(each.name)
            brought = map(Requirement, requires(each.name) or ())
            waiting += [one for one in brought if one.marker is None or one.marker.evaluate({"extra": ""})]
    assert len(seen) > len(BELOW_THE_FLOOR)


def test_atk_271_no_library_for_web_tokens_is_on_the_way() -> None:
    """Notation's JWS is verified with `cryptography` itself; nothing that knows shared secrets is imported."""
    tokens = {"jwt", "jose", "joserfc", "jwcrypto", "authlib", "hmac"}
    found = {
        (path.name, name.name)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for name in node.names
        if name.name in tokens
    }
    assert {name for _, name in found} <= {"hmac"}
    makers = {
        path.name
        for path in SOURCES
        # Not `crypto.hmac`, a function of Rego.
        if re.search(r"(?<!\.)\bhmac\.(?!compare_digest)", path.read_text())
    }
    assert makers == {
        "shared_secret.py",
        "verdict_entry.py",
        "fingerprint.py",
        "bearer_tokens.py",
    }  # shared verdicts; the service's tokens


HOSTILE = """
from pyratify.core.errors import RatifyError
from pyratify.core.strictjson import loads
from pyratify.core.key import KeyMaterial
from pyratify.pki.certificates import load_certificates, parse_certificate
from pyratify.pki.cose import parse_cose
from pyratify.pki.der import read_elements
from pyratify.pki.jws import parse_jws
from pyratify.pki.public_keys import load_public_keys
from pyratify.pki.pem import read_pem
corpus = [
    b"", b"\\x00", b"[" * 100_000, b"\\x9f" * 100_000, b"\\x81" * 100_000, b"\\xbf" * 10_000, b"\\xd8\\x1c\\x81\\xd8\\x1d\\x00",
    b"\\x30\\x84\\xff\\xff\\xff\\xff", b"\\x30\\x80" * 50_000, b"\\x30\\x82" * 10_000, b"\\x9b" + b"\\xff" * 8, b"\\x5b" + b"\\xff" * 8,
    b"\\xc2\\x5b\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00", b"-----BEGIN CERTIFICATE-----\\n" * 1000, b"\\xff" * 100_000,
]
readers = [
    loads, parse_certificate, parse_cose, parse_jws, read_pem, lambda data: list(read_elements(data)),
    lambda data: load_public_keys(KeyMaterial(data, "x")), lambda data: load_certificates(KeyMaterial(data, "x")),
]
for data in corpus:
    for read in readers:
        try:
            read(data)
        except (RatifyError, ValueError):
            pass
print("alive")
"""


def test_atk_272_hostile_bytes_end_no_process() -> None:
    """Lengths that lie, depths without end and broken headers: native parsers refuse them and live on."""
    done = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-2000:]


async def longest_turn(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Return what work comes to, and the most processor time in seconds that one turn of the event loop took meanwhile.

    Time of the processor, for this thread alone: another process that is busy makes no difference. What the tests before have left is
    set aside, as servers do when they start: a collection of it is no turn of this work.
    """
    gc.collect()
    gc.freeze()
    longest, last = 0.0, time.thread_time()

    async def probe() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    probing = asyncio.create_task(probe())
    try:
        await asyncio.sleep(0)
        result = await work
        await asyncio.sleep(0)
    finally:
        probing.cancel()
        gc.unfreeze()
    return result, longest


async def test_atk_273_the_probe_sees_what_blocks_the_loop() -> None:
    """A tenth of a second of computing, in one turn."""

    async def blocks() -> None:
        begun = time.thread_time()
        while time.thread_time() < begun + 0.15:
            sum(range(1000))

    _, longest = await longest_turn(blocks())
    assert longest >= 0.15


async def test_atk_273_hostile_documents_leave_the_loop_to_others() -> None:
    """Four large manifests, a large bundle and fifty junk signatures beside a good one: no turn takes 100 ms."""
    keys = tuple(CosignKey.generate(kind) for kind in ("ed25519", "rsa-4096", "p521"))
    setting = Setting()
    for number in range(4):
        layers = [replace(setting.image, annotations={"a": f"{number}" + "x" * 1000}) for _ in range(2000)]
        data = make_manifest(artifact_type="application/x", subject=setting.image, layers=layers)
        setting.store.list_under(setting.image.digest, setting.store.add_manifest(data))
    said = statement(setting.image.digest) | {"predicate": {"x": ["y" * 10] * 50_000}}
    attach_bundle(setting.store, setting.image, sign_statement(OTHER, said))
    junk = [ClassicSignature(b"{}", {SIGNATURE_ANNOTATION: encode_base64(os.urandom(64))}) for _ in range(50)]
    good = sign_classic(keys[0], simple_signing(setting.image.digest))
    attach_classic(setting.store, setting.image, good, *junk)
    result, longest = await longest_turn(setting.validate(*keys))
    assert result.decision is Decision.ALLOW
    assert longest < 0.1


async def test_atk_273_a_verifier_that_computes_lets_others_run_between_artifacts() -> None:
    """Two validations side by side take turns: neither waits for the whole of the other."""
    turns: list[str] = []

    def working(name: str) -> FakeVerifier:
        async def does(evidence: Evidence) -> Details:
            turns.append(name)
            await asyncio.to_thread(sum, range(1000))
            raise VerificationError(Reason.SIG_INVALID, "x")

        return FakeVerifier(does=does)

    store, _ = image(*(f"{KIND}{number}" for number in range(20)))
    await asyncio.gather(*(validate(store, working(name), concurrency=1) for name in ("a", "b")))
    assert sorted(turns) == ["a"] * 20 + ["b"] * 20
    first = turns.index("b")
    assert first < 20


async def test_atk_274_a_validation_that_is_ended_is_no_answer() -> None:
    """A program that is stopped ends in a cancellation and never in a result."""
    begun = asyncio.Event()

    async def does(evidence: Evidence) -> Details:
        begun.set()
        await asyncio.Event().wait()
        return Details("good")

    store, _ = image(KIND)
    task = asyncio.create_task(validate(store, FakeVerifier(does=does)))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_atk_274_a_command_that_is_terminated_does_not_succeed() -> None:
    """SIGTERM while a registry has not answered yet: the exit code is not zero, and nothing says ALLOWED."""
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        command = [
            "-m",
            "pyratify",
            "verify",
            "--key",
            str(MATERIAL / "keys/cosign.pub"),
            f"127.0.0.1:{port}/app:v1",
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        await asked.wait()
        process.send_signal(signal.SIGTERM)
        out, _ = await process.communicate()
    assert process.returncode != 0
    assert b"ALLOWED" not in out


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/St_Johns", "XYZ-14", "nonsense"])
def test_atk_275_the_time_zone_of_the_machine_makes_no_difference(zone: str) -> None:
    """Signed material, good and bad, has the same verdicts whatever TZ says."""
    expected = {"notation-jws-ec": True, "notation-cose-rsa": True, "wrong-ca": False, "unsigned": False}
    references = [f"oci:{MATERIAL / 'layout'}:{tag}" for tag in expected]
    trust = [
        "--cert",
        str(MATERIAL / "certs/ca.pem"),
        "--trusted-identity",
        "x509.subject: C=US, ST=WA, O=Pyratify Test",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pyratify", "verify", *trust, "-o", "json", "--no-cache", *references],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TZ": zone},
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["succeeded"] for result in results] == list(expected.values()), done.stderr
    assert [result["decision"] for result in results] == [
        (Decision.ALLOW if good else Decision.DENY).value for good in expected.values()
    ]
