"""Section F of the catalogue: everything that could turn a failure into an answer."""

import ast
import asyncio
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import pyratify
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import InconclusiveError, StoreError, VerificationError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore, make_manifest
from support.scenes import (
    KIND,
    ONE,
    REFERENCE,
    codes,
    image,
    raising,
    returning,
    signed_by_annotation,
    threshold,
    validate,
)

SOURCES = sorted(Path(pyratify.__path__[0]).rglob("*.py"))
GOOD, OTHER = FakeVerifier("fake", KIND), "application/other"


async def _nothing(store: MemoryStore, subject: Descriptor) -> None:
    """Attach nothing."""


async def _no_layers(store: MemoryStore, subject: Descriptor) -> None:
    store.attach(subject, KIND)


async def _other_kind(store: MemoryStore, subject: Descriptor) -> None:
    store.attach(subject, "application/x-unknown")


async def _null_lists(store: MemoryStore, subject: Descriptor) -> None:
    data = make_manifest(artifact_type=KIND, subject=subject, layers=[]).replace(
        b'"layers": []', b'"layers": null'
    )
    store.list_under(subject.digest, store.add_manifest(data))


async def _empty_blob(store: MemoryStore, subject: Descriptor) -> None:
    store.attach(subject, KIND, ("application/json", b""))


@pytest.mark.parametrize("attach", [_nothing, _no_layers, _other_kind, _null_lists, _empty_blob])
@pytest.mark.parametrize("needed", [0, 1])
async def test_atk_093_nothing_proves_nothing(
    attach: Callable[[MemoryStore, Descriptor], Awaitable[None]], needed: int
) -> None:
    """No referrers, other kinds, no layers, empty layers: a verifier of whatever is there has nothing to pass."""

    async def needs_content(evidence: Evidence) -> Details:
        texts = [await evidence.blob(layer) for layer in evidence.manifest.layers]
        if not any(texts):
            raise VerificationError(Reason.ENVELOPE_MALFORMED, "there is nothing in it")
        return Details("good")

    store, subject = image()
    await attach(store, subject)
    verifier = FakeVerifier("fake", KIND, needs_content)
    result = await validate(store, verifier, policy=threshold("fake", needed=needed))
    assert result.decision is Decision.DENY
    assert codes(result) & {Reason.NO_EVIDENCE, Reason.ENVELOPE_MALFORMED}


class Panic(BaseException):
    """What native code raises."""


ERRORS = [
    ValueError("x"),
    KeyError("x"),
    AssertionError(),
    RecursionError(),
    MemoryError(),
    StopIteration(),
    OSError("x"),
    TimeoutError(),
    ExceptionGroup("x", [ValueError()]),
    SystemExit(0),
    asyncio.CancelledError(),
    Panic("x"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("mixed", [True, False])
async def test_atk_094_an_exception_is_never_a_success(error: BaseException, mixed: bool) -> None:
    """Whatever a verifier raises is a failed result with a code; a good one beside it still counts for its rule only."""
    store, _ = image(KIND, OTHER)
    bad = FakeVerifier("bad", OTHER, raising(error))
    verifiers = (GOOD, bad) if mixed else (bad,)
    result = await validate(store, *verifiers, policy=threshold("fake", "bad") if mixed else threshold("bad"))
    assert result.decision is Decision.DENY
    assert Reason.VERIFIER_ERROR in codes(result)
    if mixed:
        assert (await validate(store, *verifiers, policy=threshold("fake", "bad", needed=1))).succeeded


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_atk_094_an_exception_while_choosing_is_never_a_success(error: BaseException) -> None:
    """`accepts` is a plugin's code as well."""

    class Bad(FakeVerifier):
        def accepts(self, manifest: object) -> bool:
            """Raise."""
            raise error

    store, _ = image(KIND)
    result = await validate(store, Bad())
    assert result.decision is Decision.DENY
    assert Reason.VERIFIER_ERROR in codes(result)


class Counting(MemoryStore):
    """A store whose n-th answer is a failure."""

    fails_at = 0
    answers = 0
    error: BaseException = StoreError(Reason.REGISTRY_ERROR, "x")

    def called(self, method: str, what: str) -> None:
        """Fail at the wanted answer."""
        self.answers += 1
        if self.answers == self.fails_at:
            raise self.error
        super().called(method, what)


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(
    "error", [Counting.error, ValueError("x"), SystemExit(0)], ids=["store", "defect", "exit"]
)
async def test_atk_096_a_failure_at_any_step_is_no_answer(error: BaseException, concurrency: int) -> None:
    """Where every step is needed, the failure of each makes an error of an ALLOW."""
    store = Counting()
    subject = store.add_image()
    sbom = store.attach(subject, "application/sbom", ("application/json", b"{}"))
    store.attach(sbom, KIND, ("application/json", b"[]"))

    async def reads(evidence: Evidence) -> Details:
        for layer in evidence.manifest.layers:
            await evidence.blob(layer)
        return Details("good")

    verifiers = (FakeVerifier("sbom", "application/sbom", reads), FakeVerifier("fake", KIND, reads))
    settings: dict[str, Any] = {
        "policy": threshold(Rule("sbom", (Rule("fake"),))),
        "concurrency": concurrency,
    }
    assert (await validate(store, *verifiers, **settings)).succeeded
    steps, store.error = store.answers, error
    assert steps >= 7
    for step in range(1, steps + 1):
        store.answers, store.fails_at = 0, step
        result = await validate(store, *verifiers, **settings)
        assert result.decision is Decision.DENY, step
        assert result.error is not None, step


async def _never(evidence: Evidence) -> Details:
    await asyncio.Event().wait()
    return Details("good")


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (raising(InconclusiveError(Reason.KEY_UNAVAILABLE, "x")), Reason.KEY_UNAVAILABLE),
        (raising(StoreError(Reason.BLOB_NOT_FOUND, "x")), Reason.BLOB_NOT_FOUND),
        (raising(VerificationError(Reason.SIG_INVALID, "x")), Reason.SIG_INVALID),
        (raising(RuntimeError("x")), Reason.VERIFIER_ERROR),
        (returning(None), Reason.VERIFIER_ERROR),
        (returning("good"), Reason.VERIFIER_ERROR),
        (returning(Details("")), Reason.VERIFIER_ERROR),
        (_never, Reason.TIMEOUT),
    ],
)
@pytest.mark.parametrize("first", [True, False])
async def test_atk_097_a_result_that_is_missing_counts_as_failed(
    does: Callable[[Evidence], Awaitable[Details]], reason: Reason, first: bool
) -> None:
    """Two of two: the other verifier's exception, silence, garbage or delay denies."""
    store, _ = image(*((OTHER, KIND) if first else (KIND, OTHER)))
    bad = FakeVerifier("bad", OTHER, does)
    timeout = 0.02 if does is _never else None
    result = await validate(store, GOOD, bad, policy=threshold("fake", "bad"), timeout=timeout)
    assert result.decision is Decision.DENY
    assert reason in codes(result)


async def test_atk_098_validations_at_the_same_time_do_not_touch_each_other() -> None:
    """Two hundred at once through one executor, half of them signed, answer as they do one by one."""
    turns = random.Random(7)

    class Slow(MemoryStore):
        async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            """Take some turns."""
            for _ in range(turns.randrange(5)):
                await asyncio.sleep(0)
            return await super().fetch_manifest(reference, descriptor, limit)

    store = Slow()
    for number in range(200):
        subject = store.add_image(f"v{number}", str(number).encode())
        if number % 2:
            store.attach(subject, KIND)
    executor = Executor(store=store, verifiers=(GOOD,), policy=ONE)
    references = [REFERENCE.tagged(f"v{number}") for number in range(200)]
    together = await asyncio.gather(*map(executor.validate, references))
    assert [result.succeeded for result in together] == [bool(number % 2) for number in range(200)]
    assert together == [await executor.validate(reference) for reference in references]


@pytest.mark.parametrize("concurrency", [1, 3, 8])
async def test_atk_099_the_order_of_arrival_makes_no_difference(concurrency: int) -> None:
    """All 120 orders of five artifacts give the verdict of the policy, allowed and denied."""
    store, subject = image()
    for number, signer in enumerate(("k1", "k1", "", "k2", "")):
        store.attach(subject, KIND, annotations={"signers": signer, "n": str(number)})
    listing = store.listings[subject.digest]
    for order in permutations(listing):
        store.listings[subject.digest] = list(order)
        for needed in (2, 3):
            policy = threshold("fake", "fake", "fake", needed=needed)
            result = await validate(store, signed_by_annotation(), policy=policy, concurrency=concurrency)
            assert result.succeeded is (needed == 2)


@pytest.mark.parametrize("how", ["cancelled", "late"])
async def test_atk_100_the_end_of_one_validation_does_not_fail_another(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two share a download; the one that began it goes away, and the other gets its real verdict."""
    passed, loop = 0.0, asyncio.get_running_loop()
    elapsed = loop.time
    monkeypatch.setattr(loop, "time", lambda: elapsed() + passed)
    go, asked = asyncio.Event(), asyncio.Event()

    class Slow(MemoryStore):
        async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            """Wait to be let go."""
            asked.set()
            await go.wait()
            return await super().fetch_manifest(reference, descriptor, limit)

    store = Slow()
    store.attach(store.add_image(), KIND)
    executor = Executor(store=store, verifiers=(GOOD,), policy=ONE, timeout=3600)
    first = asyncio.create_task(executor.validate(REFERENCE))
    await asked.wait()
    passed += 2000
    second = asyncio.create_task(executor.validate(REFERENCE))
    for _ in range(10):
        await asyncio.sleep(0)
    if how == "cancelled":
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    else:
        passed += 2000  # the first has had its hour, the second half of it
        error = (await first).error
        assert error is not None
        assert error.reason is Reason.TIMEOUT
    go.set()
    assert (await second).succeeded
    assert len([method for method, _ in store.calls if method == "fetch_manifest"]) == 1


async def test_atk_101_slow_images_do_not_hold_up_a_fast_one() -> None:
    """Fifty that wait for ever leave the fifty-first its own slots."""
    go = asyncio.Event()

    class Slow(MemoryStore):
        async def resolve(self, reference: Reference) -> Descriptor:
            """Wait, but not for the fast one."""
            if reference.tag != "fast":
                await go.wait()
            return await super().resolve(reference)

    store = Slow()
    store.attach(store.add_image("fast"), KIND)
    executor = Executor(store=store, verifiers=(GOOD,), policy=ONE, concurrency=1)
    slow = [asyncio.create_task(executor.validate(REFERENCE.tagged(f"slow{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    assert (await executor.validate(REFERENCE.tagged("fast"))).succeeded
    assert not any(task.done() for task in slow)
    go.set()
    assert not any(result.succeeded for result in await asyncio.gather(*slow))


async def test_atk_102_what_is_not_finished_in_time_is_an_error() -> None:
    """The deadline denies, says so, and shows what was found until then."""
    store, _ = image(KIND, OTHER)
    result = await validate(
        store, GOOD, FakeVerifier("bad", OTHER, _never), policy=threshold("fake", "bad"), timeout=0.02
    )
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.TIMEOUT
    assert [found.passed for report in result.artifacts for found in report.results] == [True]


async def test_atk_103_artifacts_of_unknown_kinds_satisfy_nothing() -> None:
    """They stand in the report, and no verifier was asked about them."""
    store, _ = image("application/x-unknown", "application/x-other")
    result = await validate(store, GOOD)
    assert result.decision is Decision.DENY
    assert codes(result) == {Reason.NO_EVIDENCE}
    assert [report.results for report in result.artifacts] == [(), ()]


async def test_atk_104_every_answer_belongs_to_its_own_question() -> None:
    """A batch in fifty orders, with duplicates and two versions of one image, answers as single questions do."""
    store = MemoryStore()
    signed, unsigned = store.add_image("a"), store.add_image("b", b"other")
    store.attach(signed, KIND)
    executor = Executor(store=store, verifiers=(GOOD,), policy=ONE)
    questions = [
        REFERENCE.tagged("a"),
        REFERENCE.tagged("b"),
        REFERENCE.at(unsigned.digest),
        REFERENCE.at(signed.digest),
    ]
    alone = {question: await executor.validate(question) for question in questions}
    assert [alone[question].succeeded for question in questions] == [True, False, False, True]
    shuffled = random.Random(7)
    for _ in range(50):
        batch = shuffled.choices(questions, k=8)
        for question, answer in zip(batch, await asyncio.gather(*map(executor.validate, batch)), strict=True):
            assert answer == alone[question]
            assert answer.reference == question


def test_atk_106_no_decision_depends_on_an_assertion() -> None:
    """There is no `assert` in the package: with `python -O` it would be gone."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


OPTIMISED = """
import asyncio, sys
from support.scenes import KIND, image, raising, validate
from pyratify.testing.fakes import FakeVerifier
from pyratify.core.digest import Digest
async def main():
    bad = FakeVerifier(does=raising(ValueError()))
    good, _ = image(KIND)
    spoiled, _ = image(KIND)
    for digest in spoiled.manifests:
        spoiled.manifests[digest] += b" "
    scenes = (good, ()), (good, (bad,)), (image()[0], ()), (spoiled, ())
    return [(await validate(store, *verifiers)).succeeded for store, verifiers in scenes]
print(sys.flags.optimize, asyncio.run(main()))
"""


def test_atk_106_verdicts_are_the_same_without_assertions() -> None:
    """The same scenes under `python -O`: one good, one failing, one empty, one tampered with."""
    tests = str(Path(__file__).parents[1])
    source = f"import sys; sys.path.insert(0, {tests!r})\n{OPTIMISED}"
    done = subprocess.run([sys.executable, "-O", "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 [True, False, False, False]"


async def test_atk_107_cleaning_up_returns_nothing_good() -> None:
    """A verifier that swallows its own refusal, and one whose context manager fails on the way out, pass nothing."""

    async def swallows(evidence: Evidence) -> Details:
        with suppress(VerificationError):
            raise VerificationError(Reason.SIG_INVALID, "x")
        return None  # type: ignore[return-value]

    class Context:
        async def __aenter__(self) -> None:
            return None

        async def __aexit__(self, *args: object) -> None:
            raise ValueError

    async def breaks(evidence: Evidence) -> Details:
        async with Context():
            return Details("good")

    store, _ = image(KIND)
    for does in (swallows, breaks):
        result = await validate(store, FakeVerifier(does=does))
        assert result.decision is Decision.DENY
        assert Reason.VERIFIER_ERROR in codes(result)


def test_atk_107_the_package_swallows_nothing() -> None:
    """No `finally` that returns, no bare `except`, no `except` around nothing but `pass` for every exception."""
    faults = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Try) and any(
                isinstance(inner, ast.Return | ast.Break | ast.Continue)
                for statement in node.finalbody
                for inner in ast.walk(statement)
            ):
                faults.append(f"{path}:{node.lineno} leaves in finally")
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (_is_broad(node.type) and isinstance(node.body[0], ast.Pass))
            ):
                faults.append(f"{path}:{node.lineno} swallows")
    assert faults == []


def _is_broad(kind: ast.expr) -> bool:
    return isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")


def test_atk_108_sequences_are_never_cut_to_the_shorter() -> None:
    """Every `zip` in the package says whether both must be as long."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "zip"
        and not any(keyword.arg == "strict" for keyword in node.keywords)
    ]
    assert found == []
    assert Digest.of(b"").matches(b"")
