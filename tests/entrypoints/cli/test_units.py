"""Parts of the command by themselves: order, console, decoding, and errors that no flag can cause."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.errors import StoreError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.store import Store
from pyratify.entrypoints.cli import main
from pyratify.entrypoints.cli.commands import version
from pyratify.entrypoints.cli.decode.artifacts import decode_artifact
from pyratify.entrypoints.cli.in_order import in_order
from pyratify.pki.public_keys import spki_fingerprint
from pyratify.stores.scoped import MuxStore
from pyratify.terminal.console import Console, OutputFailed
from pyratify.testing.certificates import authority, make_key
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import RegistrySimulator

Run = Callable[..., tuple[int, str, str]]


async def test_many_pieces_of_work_keep_their_order_and_their_window() -> None:
    """Results come in the items' order, and items are taken only as far as the window goes."""
    taken: list[int] = []
    running: set[int] = set()
    most = 0

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    async def work(number: int) -> int:
        nonlocal most
        running.add(number)
        most = max(most, len(running))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        running.discard(number)
        return number

    found = []
    async for result in in_order(items(), work, window=4):
        assert len(taken) - len(found) <= 4
        found.append(result)
    assert found == list(range(100))
    assert most <= 4


async def test_work_that_fails_ends_the_rest() -> None:
    """What one piece of work raises comes out, and no other goes on."""
    ended: list[int] = []

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(0 if number == 1 else 3600)
        except asyncio.CancelledError:
            ended.append(number)
            raise
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async for _ in in_order([1, 2, 3], work, window=4):
            pass
    assert ended == [2, 3]


class Broken:
    """A stream that takes nothing, as on a full disk."""

    def write(self, text: str) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        """Fail."""
        raise OSError(28, "No space left on device")

    def isatty(self) -> bool:
        """Fail as a closed file does."""
        raise ValueError("closed")


def test_a_console_says_when_results_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken or missing standard output is an error; a broken or missing standard error is nothing."""
    for stream in (Broken(), None):
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        console = Console()
        assert not console.color
        console.note("nobody hears this")
        console.progress(1, 2)
        with pytest.raises(OutputFailed):
            console.result("a result")
        if stream is not None:
            with pytest.raises(OutputFailed):
                console.close()
        console.abandon()
        assert main(["completion", "bash"]) == 2


@pytest.mark.parametrize(
    ("raised", "code"), [(ZeroDivisionError("oops"), 2), (KeyboardInterrupt(), 130), (RecursionError(), 2)]
)
def test_no_defect_becomes_a_traceback_or_a_success(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a command raises, the exit code says that nothing was decided."""

    def broken(*_: object) -> int:
        raise raised

    monkeypatch.setattr(version, "run", broken)
    assert main(["version"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert main(["version", "--debug"]) == code
    assert ("Traceback" in capsys.readouterr().err) is (code == 2)


def test_a_plugin_that_cannot_be_used_is_listed_as_such(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """`ratify plugins` says which are broken and ends with 3."""
    original = Registry.load

    def load(self: Registry[object], name: str, path: str) -> object:
        if name == "cosign":
            from pyratify.core.errors import ConfigurationError

            raise ConfigurationError("cannot be imported: no module named x", path=path)
        return original(self, name, path)

    monkeypatch.setattr(Registry, "load", load)
    code, out, _ = run("plugins")
    assert code == 3
    assert "cannot be used: cannot be imported" in out


def test_resolving_ends_in_time(run: Run) -> None:
    """A registry that does not answer is an error with its own code."""
    with RegistrySimulator(delay=60) as registry:
        code, out, err = run("resolve", "--timeout", "0.05", registry.reference("app", "v1"))
    assert (code, out) == (2, "")
    assert "TIMEOUT" in err


ENVELOPE = {"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": [{"sig": "AAAA"}]}


@pytest.mark.parametrize(
    ("data", "kind", "member", "value"),
    [
        (json.dumps(ENVELOPE).encode(), "DSSE envelope", "payload", {}),
        (json.dumps({**ENVELOPE, "payload": "/w=="}).encode(), "DSSE envelope", "payload", None),
        (b'{"predicateType": "x"}', "in-toto statement", "payload", {"predicateType": "x"}),
        (b'{"critical": {}, "optional": null}', "cosign signature (simple signing)", "signature", None),
        (b"\xd2\x80", "notation signature (COSE)", "error", None),
        (b'{"verificationMaterial": []}', "sigstore bundle", "error", None),
        (b'{"critical": NaN}', "cosign signature (simple signing)", "error", None),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificates", "error", None),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "public keys", "error", None),
    ],
)
def test_documents_are_recognised_and_their_faults_shown(
    data: bytes, kind: str, member: str, value: object
) -> None:
    """A document of a known kind always gives facts; what cannot be read is an error among them."""
    found = decode_artifact(data)
    assert found is not None
    assert found["kind"] == kind
    assert member in found
    assert value is None or found[member] == value


@pytest.mark.parametrize("form", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_key_is_recognised_in_each_form(form: PublicFormat, encoding: Encoding) -> None:
    """PEM with text around it, and DER, told from a certificate by what is in it."""
    key = make_key("rsa-2048").public_key()
    data = key.public_bytes(encoding, form)
    found = decode_artifact(b"Public-Key:\n" + data if encoding is Encoding.PEM else data)
    assert found is not None
    assert found["keys"][0]["fingerprint"] == spki_fingerprint(key)
    certificate = decode_artifact(authority().der)
    assert certificate is not None
    assert certificate["kind"] == "certificates"
    assert "error" not in certificate


def test_a_certificate_beside_a_classic_signature_is_shown() -> None:
    """Annotations of the layer belong to the signature; a broken certificate is an error among the facts."""
    material = Path(__file__).resolve().parents[3] / "examples" / "material"
    media_type = "application/vnd.dev.cosign.simplesigning.v1+json"
    name = "dev.sigstore.cosign/certificate"
    good = decode_artifact(
        b'{"critical": {}}', media_type, {name: (material / "certs" / "ca.pem").read_text()}
    )
    bad = decode_artifact(b'{"critical": {}}', media_type, {name: "nonsense"})
    assert good is not None
    assert bad is not None
    assert good["certificate"][0]["ca"] is True
    assert "error" in bad["certificate"][0]


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("Application/JOSE+JSON", "notation signature (JWS)"),
        ("application/openvex+json; charset=utf-8", "VEX document"),
        ("application/sarif+json;version=2.1.0", "vulnerability report"),
    ],
)
def test_a_media_type_names_its_kind_in_any_case_and_with_parameters(media_type: str, kind: str) -> None:
    """As RFC 9110, section 8.3.1, has it."""
    found = decode_artifact(b"{}", media_type)
    assert found is not None
    assert found["kind"] == kind


def test_layers_of_unknown_kinds_are_named_and_not_read(run: Run) -> None:
    """`inspect` of a reference says what it cannot take apart, and what could not be read."""
    with RegistrySimulator() as registry:
        store = registry.repository("app")
        image = store.add_image("v1")
        store.attach(image, "application/example", ("application/x-tar", b"tar"))
        missing = store.attach(image, "application/example", ("application/jose+json", b"{}"))
        blob = next(digest for digest, data in store.blobs.items() if data == b"{}" and digest)
        del store.blobs[blob]
        code, out, _ = run("inspect", "-o", "json", "--no-cache", registry.reference("app", "v1"))
    found = {each["artifact"]: each for each in json.loads(out)["attached"]}
    assert code == 0
    assert "error" in found.pop(missing.digest)
    (other,) = found.values()
    assert other["contents"] == [{"kind": "unknown", "mediaType": "application/x-tar", "bytes": 3}]


async def test_several_stores_read_as_one() -> None:
    """Every method goes to the store whose scope covers the reference; no scope is an error."""
    stores = {scope: MemoryStore() for scope in ("a.io", "b.io")}
    pairs: list[tuple[str, Store]] = list(stores.items())
    mux = MuxStore(ScopeMap(pairs))
    image = stores["b.io"].add_image()
    artifact = stores["b.io"].attach(image, "application/example", ("text/plain", b"text"))
    reference = Reference.parse("b.io/app:v1")
    assert (await mux.resolve(reference)).digest == image.digest
    pinned = reference.at(image.digest)
    assert [each.descriptor.digest async for each in mux.referrers(pinned)] == [artifact.digest]
    assert await mux.fetch_manifest(pinned, image, 1000) == stores["b.io"].manifests[image.digest]
    layer = next(iter(stores["b.io"].blobs))
    descriptor = stores["b.io"].add_blob(stores["b.io"].blobs[layer])
    assert await mux.fetch_blob(pinned, descriptor, 1000) == stores["b.io"].blobs[layer]
    with pytest.raises(StoreError) as caught:
        await mux.resolve(Reference.parse("c.io/app:v1"))
    assert caught.value.reason is Reason.SCOPE_NO_MATCH
    assert stores["a.io"].calls == []


class Left(Broken):
    """A stream whose reader has left."""

    def write(self, text: str) -> int:
        """Fail as a pipe without a reader does."""
        raise BrokenPipeError(32, "Broken pipe")

    def flush(self) -> None:
        """Fail likewise."""
        self.write("")


def test_a_reader_that_has_left_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for one result nor at the end."""
    monkeypatch.setattr(sys, "stdout", Left())
    console = Console()
    console.result("a result")
    console.close()
    assert main(["completion", "bash"]) == 0


@pytest.mark.parametrize(
    ("names", "colored"), [(("FORCE_COLOR",), True), (("FORCE_COLOR", "NO_COLOR"), False)]
)
def test_color_can_be_forced_and_forbidden(
    names: tuple[str, ...], colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forbidden wins."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name in names:
        monkeypatch.setenv(name, "1")
    assert Console().color is colored


def test_an_interrupt_before_anything_is_said_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no console yet."""

    def interrupted(self: Console) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Console, "__init__", interrupted)
    assert main(["version"]) == 130


def test_files_that_are_too_large_or_gone_are_not_taken_apart(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`inspect` reads 32 MiB, of a file or of standard input."""
    from pyratify.entrypoints.cli.commands import inspect

    monkeypatch.setattr(inspect, "_MAX_FILE", 3)
    (tmp_path / "large").write_text("large")
    assert "more than 3 bytes" in run("inspect", "large")[2]
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is closed" in run("inspect", "-")[2]
