"""Attacks with the price of documents: how much is read, parsed, tried and kept, and where."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

import pytest

from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core import strictjson
from pyratify.core.caching import MemoryCache
from pyratify.core.content import Content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.engine import Engine
from pyratify.core.errors import VerificationError
from pyratify.core.executor import Executor
from pyratify.core.large_documents import LARGE_ARTIFACTS
from pyratify.core.limits import MIB
from pyratify.core.manifest import MAX_ANNOTATIONS, Manifest
from pyratify.core.offload import LARGE, offload
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, Outcome, failures
from pyratify.core.scope import ScopeMap
from pyratify.core.strictjson import MAX_BYTES, MAX_TOKENS, InvalidJson, loads
from pyratify.core.verifier import Details, Evidence
from pyratify.core.weigh import weigh
from pyratify.pki.cose import MAX_ITEMS, parse_cose
from pyratify.pki.encoding import encode_base64
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.sigstore import ed25519ph, key_authenticator
from pyratify.sigstore.budget import MAX_COST, Budget
from pyratify.sigstore.media_types import BUNDLE, MAX_BUNDLE
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
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION
from support.attestation_setting import AttestationSetting
from support.cosign_setting import KEY, TWO, Setting, is_denied, passed


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads in which JSON is parsed, one for each document of more than 64 KiB."""
    names: list[str] = []
    real = strictjson.loads

    def recorded(data: bytes, **options: object) -> object:
        if len(data) > LARGE:
            names.append(threading.current_thread().name)
        return real(data, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(strictjson, "loads", recorded)
    return names


def listed(setting: Setting, manifest: bytes) -> None:
    """List a manifest as one that is attached to the image."""
    setting.store.list_under(setting.image.digest, setting.store.add_manifest(manifest))


async def test_atk_280_a_bundle_larger_than_bundles_are_is_not_even_read() -> None:
    """Its announced size says enough; the reason names both sizes."""
    setting = Setting()
    big = setting.store.add_blob(b"[" + b'"",' * (2 * MIB) + b"0]", BUNDLE)
    assert big.size > MAX_BUNDLE
    listed(setting, make_manifest(artifact_type=BUNDLE, layers=[big], subject=setting.image))
    del setting.store.blobs[big.digest]
    result = await setting.validate()
    assert is_denied(result, Reason.SIZE_EXCEEDED)
    ((_, failure),) = failures(result.artifacts)
    assert str(big.size) in failure.message
    assert str(MAX_BUNDLE) in failure.message


@pytest.mark.parametrize("unit", [b"[],", b'"",', b"0,", b'{"":{}},', b"true,", b'{"a":[null]},'])
def test_atk_281_tokens_are_counted_before_a_document_is_parsed(
    unit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoder never sees it, whatever the tokens are."""
    document = b"[" + unit * MAX_TOKENS + b"0]"
    monkeypatch.setattr("pyratify.core.strictjson._DECODER", None)
    with pytest.raises(InvalidJson) as caught:
        loads(document)
    assert caught.value.reason is Reason.PARSE_LIMIT
    assert f"{MAX_TOKENS} JSON tokens" in caught.value.message


def test_atk_281_the_limits_are_exact() -> None:
    """As many tokens and bytes as are allowed, and one more; what stands in strings is no token."""
    assert len(loads(b"[" + b"0," * (MAX_TOKENS - 3) + b"0]")) == MAX_TOKENS - 2
    with pytest.raises(InvalidJson, match="JSON tokens"):
        loads(b"[" + b"0," * (MAX_TOKENS - 2) + b"0]")
    text = b'"' + b"[{,:}]" * MAX_TOKENS + b'"'
    assert len(loads(text)) == len(text) - 2
    assert loads(b" " * (MAX_BYTES - 1) + b"1") == 1
    with pytest.raises(InvalidJson) as caught:
        loads(b" " * MAX_BYTES + b"1")
    assert caught.value.reason is Reason.PARSE_LIMIT
    assert loads(b"[" + b"0," * MAX_TOKENS + b"0]", max_tokens=2 * MAX_TOKENS)[0] == 0
    assert loads(b" " * MAX_BYTES + b"1", max_bytes=2 * MAX_BYTES) == 1


@pytest.mark.parametrize("filler", [b" ", b",", b'"', b'\\"', b"[", b"]", b"1", b'"\\'])
def test_atk_281_counting_takes_one_pass_whatever_there_is(filler: bytes) -> None:
    """Four megabytes of one thing; what tried each place again would not end."""
    with pytest.raises(InvalidJson):
        loads(b'["' + filler * (MAX_BYTES // len(filler) - 2))


async def test_atk_280_a_large_manifest_is_parsed_beside_the_event_loop(threads: list[str]) -> None:
    """Looked at because one signature is not enough; the good one beside it counts."""
    setting = Setting()
    layers = [replace(setting.image, annotations={"a": "x" * 1000}) for _ in range(100)]
    large = make_manifest(artifact_type="application/x", subject=setting.image, layers=layers)
    listed(setting, large)
    attach_classic(setting.store, setting.image, sign_classic(KEY, simple_signing(setting.image.digest)))
    result = await setting.validate(policy=TWO)
    assert [each.outcome for report in result.artifacts for each in report.results] == [Outcome.PASSED]
    assert threads
    assert all(name.startswith("pyratify-documents") for name in threads)


async def test_atk_280_a_large_bundle_is_parsed_beside_the_event_loop(threads: list[str]) -> None:
    """Envelope and statement, each by its own size."""
    setting = Setting()
    said = statement(setting.image.digest) | {"predicate": {"x": "y" * 2 * LARGE}}
    attach_bundle(setting.store, setting.image, sign_statement(KEY, said))
    assert passed(await setting.validate()).signers
    assert len(threads) == 2
    assert all(name.startswith("pyratify-documents") for name in threads)


async def test_atk_280_a_large_attestation_is_parsed_beside_the_event_loop(threads: list[str]) -> None:
    """More than a signature may have, and in threads alone."""
    setting = AttestationSetting()
    setting.attach(setting.provenance() | {"padding": "y" * 5 * MIB})
    assert (await setting.validate()).succeeded
    assert threads
    assert all(name.startswith("pyratify-documents") for name in threads)


def junk(length: int = 64) -> ClassicSignature:
    """Return a signature that looks like one of Ed25519, and is none."""
    value = os.urandom(length - 1) + b"\x00"
    return ClassicSignature(b"{}", {SIGNATURE_ANNOTATION: encode_base64(value)})


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, where: object, name: str) -> Iterator[list[str]]:
    """Count calls of a function, with the threads that they come from."""
    calls: list[str] = []
    real = getattr(where, name)

    def counting(*args: object) -> object:
        calls.append(threading.current_thread().name)
        return real(*args)

    monkeypatch.setattr(where, name, counting)
    yield calls


async def test_atk_282_only_algorithms_are_tried_that_a_signature_can_be_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has not the form of Ed25519 is no reason to compute with points."""
    key = CosignKey.generate("ed25519")
    setting = Setting()
    wrong = [
        ClassicSignature(b"{}", {SIGNATURE_ANNOTATION: encode_base64(value)})
        for value in (os.urandom(63), os.urandom(65), os.urandom(256), bytes(32) + b"\xff" * 32)
    ]
    attach_classic(setting.store, setting.image, *wrong)
    with counted(monkeypatch, ed25519ph, "decode_point") as calls:
        assert is_denied(await setting.validate(key), Reason.SIG_INVALID)
    assert calls == []


async def test_atk_282_junk_signatures_are_tried_in_a_thread_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty signatures and twenty keys would be two thousand attempts; the reason says that not all were made."""
    keys = tuple(CosignKey.generate("ed25519") for _ in range(20))
    setting = Setting()
    attach_classic(setting.store, setting.image, *(junk() for _ in range(50)))
    with counted(monkeypatch, ed25519ph, "verify_prehashed") as calls:
        result = await setting.validate(*keys)
    assert is_denied(result, Reason.ATTEMPT_LIMIT)
    assert 0 < len(calls) <= MAX_COST // 15
    assert all(name.startswith("pyratify-documents") for name in calls)


async def test_atk_282_a_good_signature_before_the_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be tried is in the report."""
    keys = tuple(CosignKey.generate("ed25519") for _ in range(20))
    setting = Setting()
    good = sign_classic(keys[3], simple_signing(setting.image.digest))
    attach_classic(setting.store, setting.image, good, *(junk() for _ in range(49)))
    found = passed(await setting.validate(*keys))
    assert len(found.signers) == 1
    assert any("ATTEMPT_LIMIT" in each.get("error", "") for each in found.data["verifiedSignatures"])


async def test_atk_282_few_signatures_cost_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual image is verified at once, so that no hostile document stands before it."""
    setting = Setting()
    attach_classic(setting.store, setting.image, sign_classic(KEY, simple_signing(setting.image.digest)))
    with counted(monkeypatch, key_authenticator, "is_signed") as calls:
        assert passed(await setting.validate()).signers
    assert calls == [threading.current_thread().name]


def test_atk_283_a_content_cache_weighs_keys_and_entries_too() -> None:
    """A hundred thousand empty entries are not free."""
    cache = MemoryCache(max_bytes=64 * 1024, max_entries=10**6)
    for number in range(2000):
        cache.put(f"{number}" + "k" * 1000, b"")
        assert cache.size <= 64 * 1024
    kept = sum(cache.get(f"{number}" + "k" * 1000) is not None for number in range(2000))
    assert 10 < kept < 64


def reporting(data: dict[str, object]) -> FakeVerifier:
    """Return a verifier that passes everything and reports these facts."""

    async def does(evidence: Evidence) -> Details:
        return Details("passed", ("a-signer",), dict(data))

    return FakeVerifier(does=does)


def made_of(verifier: FakeVerifier, store: MemoryStore, generation: str = "one") -> Engine:
    """Return an engine for everything."""
    executor = Executor(
        store=store, verifiers=(verifier,), policy=ThresholdPolicy(Rule(None, (Rule("fake"),), 1))
    )
    return Engine(ScopeMap([("example.com", executor)]), generation)


async def test_atk_283_a_verdict_weighs_everything_that_its_report_holds() -> None:
    """Details and annotations are what a publisher writes; one verdict never takes the place of all others."""
    store, clock = MemoryStore(), FakeClock()
    image = store.add_image()
    store.attach(image, "application/test", annotations={"a": "x" * 60_000})
    verdicts = Verdicts(clock, Lifetimes(allowed=60), 2 * MIB)
    engine = made_of(reporting({"said": ["y" * 90_000]}), store)
    reference = Reference.parse("example.com/app").at(image.digest)
    assert (await verdicts.validate(engine, reference)).succeeded
    assert len(verdicts) == 1
    assert 150_000 < verdicts.weight < 200_000
    heavy = made_of(reporting({"said": "y" * MIB}), store, "two")
    assert (await verdicts.validate(heavy, reference)).succeeded
    assert len(verdicts) == 1


async def test_atk_283_verdicts_that_are_over_do_not_stay() -> None:
    """Not until their weight is needed, but until the next sweep."""
    store, clock = MemoryStore(), FakeClock()
    image = store.add_image()
    store.attach(image, "application/test")
    verdicts = Verdicts(clock, Lifetimes(allowed=5, tags=2))
    engine = made_of(reporting({}), store)
    await verdicts.validate(engine, Reference.parse("example.com/app").at(image.digest))
    await verdicts.resolve(engine, Reference.parse("example.com/app:v1"))
    clock.advance(4.9)
    verdicts.sweep()
    assert len(verdicts) == 1
    clock.advance(0.2)
    verdicts.sweep()
    assert (len(verdicts), verdicts.weight) == (0, 0)


async def test_atk_283_a_configuration_that_is_gone_takes_its_verdicts_along() -> None:
    """And no other's; one that is asked again under the same name finds its own anew."""
    store = MemoryStore()
    image = store.add_image()
    store.attach(image, "application/test")
    verdicts = Verdicts(FakeClock(), Lifetimes(allowed=3600))
    old, new = made_of(reporting({}), store, "old"), made_of(reporting({}), store, "new")
    reference = Reference.parse("example.com/app").at(image.digest)
    for engine in (old, new):
        assert (await verdicts.validate(engine, reference)).succeeded
    old.lifetime.close()
    verdicts.sweep()
    assert len(verdicts) == 1
    assert verdicts.remaining(old, reference) == 0
    assert verdicts.remaining(new, reference) > 0


async def test_atk_283_a_sweep_comes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when no more requests arrive."""
    monkeypatch.setattr("pyratify.caches.verdicts._SWEEP_SECONDS", 0.0)
    store, clock = MemoryStore(), FakeClock()
    image = store.add_image()
    store.attach(image, "application/test")
    verdicts = Verdicts(clock, Lifetimes(allowed=5))
    reference = Reference.parse("example.com/app").at(image.digest)
    await verdicts.validate(made_of(reporting({}), store), reference)
    clock.advance(6)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(verdicts) == 0
    await verdicts.aclose()


def test_atk_283_weighing_counts_each_object_once_and_stops_in_time() -> None:
    """Shared texts are held once; what is too heavy anyway is not weighed to its end."""
    text = "x" * 10_000
    assert 10_000 < weigh([text, text, {"a": text}]) < 12_000
    assert weigh([os.urandom(1000) for _ in range(1000)], 5000) < 20_000
    assert weigh(MappingProxyType({"a": text})) > 10_000


async def test_atk_283_annotations_that_would_fill_reports_are_refused() -> None:
    """They are carried along by every report; exactly as many as are allowed do not harm."""
    for size, outcome in ((MAX_ANNOTATIONS - 1, None), (MAX_ANNOTATIONS, Reason.PARSE_LIMIT)):
        store = MemoryStore()
        image = store.add_image()
        store.attach(image, "application/test", annotations={"a": "x" * size})
        reference = Reference.parse("example.com/app").at(image.digest)
        result = await made_of(reporting({}), store).validate(reference)
        (report,) = result.artifacts
        assert (report.failure.reason if report.failure else None) is outcome


class Slow:
    """A verifier that reads a large layer, and counts how many do at the same time."""

    name = "fake"

    def __init__(self, wanted: int) -> None:
        self.go, self.wanted = asyncio.Event(), wanted
        self.under_way = self.most = 0

    def accepts(self, manifest: Manifest) -> bool:
        """Accept everything."""
        del manifest
        return True

    async def verify(self, evidence: Evidence) -> Details:
        """Read, and wait to be let go."""
        await evidence.blob(evidence.manifest.layers[0])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == self.wanted:
            self.go.set()
        await self.go.wait()
        await asyncio.sleep(0)
        self.under_way -= 1
        return Details("passed", ("a-signer",))


async def test_atk_280_only_so_many_large_documents_are_in_memory() -> None:
    """However many artifacts and images bring them at the same time; small ones never wait for them."""
    store, slow = MemoryStore(), Slow(LARGE_ARTIFACTS)
    executor = Executor(store=store, verifiers=(slow,), policy=NoPolicy())
    large = [store.add_image(f"t{number}", bytes([number])) for number in range(3)]
    for image in large:
        for number in range(6):
            store.attach(image, "application/test", ("application/x", bytes([number]) * (LARGE + 1)))
    ask = Reference.parse("example.com/app")
    results = await asyncio.gather(*(executor.validate(ask.at(image.digest)) for image in large))
    assert slow.most == LARGE_ARTIFACTS
    assert all(report.passed("fake") for result in results for report in result.artifacts)
    small = store.add_image("small", b"small")
    for number in range(6):
        store.attach(small, "application/test", ("application/x", bytes([number]) * LARGE))
    quick = Slow(6)
    await Executor(store=store, verifiers=(quick,), policy=NoPolicy()).validate(ask.at(small.digest))
    assert quick.most == 6


async def test_atk_280_a_large_manifest_that_comes_unasked_takes_a_place_too() -> None:
    """As cosign's tags do, whose manifests stores deliver with the listing."""
    data = b"x" * (LARGE + 1)
    descriptor = Descriptor("application/x", Digest.of(data), len(data))
    content = Content(MemoryStore(), places=asyncio.Semaphore(1))
    with content.for_artifact() as mine:
        await mine.accept(data, descriptor)
        assert content.places.locked()
    assert not content.places.locked()


def test_atk_281_cbor_items_are_counted_before_an_envelope_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The decoder never sees them; what stands in strings is no item."""
    import cbor2

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    for filler in (b"\x80", b"\xa0", b"\xf6", b"\x40", b"\x18\x20"):
        count = MAX_ITEMS + 1
        envelope = b"\xd2\x84\x40\xa1\x01\x9a" + count.to_bytes(4, "big") + filler * count + b"\x40\x40"
        with monkeypatch.context() as patch:
            patch.setattr(cbor2, "CBORDecoder", never)
            with pytest.raises(VerificationError) as caught:
                parse_cose(envelope)
        assert caught.value.reason is Reason.PARSE_LIMIT
    with pytest.raises(VerificationError) as caught:
        parse_cose(cbor2.dumps([b"\x80" * 2 * MAX_ITEMS]))
    assert caught.value.reason is Reason.ENVELOPE_MALFORMED


async def test_atk_281_a_large_envelope_is_verified_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of either format, with everything of it that does not wait for others."""
    from pyratify.testing.notation import Recipe
    from pyratify.verifiers.notation import integrity_check
    from pyratify.verifiers.notation.envelope import AGENT, COSE_TYPE, JWS_TYPE
    from support.notation_bench import judge

    def edit(header: dict[object, object]) -> None:
        header[AGENT] = "x" * 2 * LARGE

    for media_type in (JWS_TYPE, COSE_TYPE):
        with counted(monkeypatch, integrity_check, "parse_envelope") as calls:
            result = await judge(Recipe(unprotected=edit), media_type)
        assert result.decision is Decision.ALLOW
        assert calls[0].startswith("pyratify-documents")


async def test_atk_282_what_signatures_share_is_read_once() -> None:
    """A thousand signatures over one payload are one download."""
    setting = Setting()
    attach_classic(setting.store, setting.image, *(junk() for _ in range(50)))
    await setting.validate()
    assert [method for method, _ in setting.store.calls].count("fetch_blob") == 1


async def test_atk_282_attempts_leave_the_interpreter_to_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between any two of them: a thread that works without a pause delays every system call of the loop."""
    pauses: list[float] = []
    monkeypatch.setattr("pyratify.core.offload.sleep", pauses.append)
    setting = Setting()
    attach_classic(setting.store, setting.image, *(junk() for _ in range(100)))
    await setting.validate()
    assert len(pauses) == 100


def test_atk_282_attempts_end_when_the_caller_is_gone() -> None:
    """The deadline ends the work in the thread too."""
    budget = Budget()
    budget.spend(1)
    budget.end()
    with pytest.raises(VerificationError) as caught:
        budget.spend(1)
    assert caught.value.reason is Reason.ATTEMPT_LIMIT


async def test_atk_282_a_deadline_ends_the_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most the one that is under way is finished."""
    key = CosignKey.generate("ed25519")
    setting = Setting()
    attach_classic(setting.store, setting.image, *(junk() for _ in range(50)))
    begun, go = threading.Event(), threading.Event()
    tried: list[bytes] = []

    def waits(public: bytes, message: bytes, signature: bytes) -> bool:
        del public, message
        tried.append(signature)
        begun.set()
        return not go.wait(10)

    monkeypatch.setattr(ed25519ph, "verify_prehashed", waits)
    asking = asyncio.create_task(setting.validate(key))
    await asyncio.to_thread(begun.wait, 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go.set()
    await offload(LARGE + 1, int)
    assert len(tried) == 1
