"""Attacks on digest integrity, tried through the registry store."""

import json
from collections.abc import Callable, Iterator

import pytest

from pyratify.core.credential import Credential
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import InvalidReference, StoreError
from pyratify.core.limits import Limits
from pyratify.core.manifest import OCI_INDEX, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, Outcome
from pyratify.testing.memory import make_manifest
from pyratify.testing.registry import BasicAuth, Fault, Features, RegistrySimulator
from support.registries import (
    ENVELOPE,
    SIGNATURE,
    Credentials,
    executor,
    listed_until_error,
    open_store,
    reasons,
    sign,
)


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with one signed image, `app:v1`."""
    with RegistrySimulator() as simulator:
        memory = simulator.repository("app")
        sign(memory, memory.add_image("v1"))
        yield simulator


def _flip(data: bytes) -> bytes:
    return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]


async def test_atk_013_a_tag_that_moves_is_read_once(registry: RegistrySimulator) -> None:
    """The verdict is about the digest that the tag named at its only reading; everything else goes by digest."""
    image = registry.repository("app").tags["v1"]
    moved = make_manifest(annotations={"moved": "yes"})
    registry.fault(Fault(path="manifests/v1", nth=2, body=moved))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.ALLOW
    assert result.subject is not None
    assert result.subject.digest == image
    by_tag = [hit for hit in registry.hits if hit.path.endswith("/v1")]
    assert len(by_tag) == 1
    assert all("sha256:" in hit.path for hit in registry.hits if hit not in by_tag)


@pytest.mark.parametrize("name", ["tag", "digest"])
async def test_atk_014_a_digest_header_is_compared_not_believed(
    registry: RegistrySimulator, name: str
) -> None:
    """A header that names another digest than the body's is refused; nothing is ever asked by HEAD."""
    memory = registry.repository("app")
    other = memory.add_image("other", b"not signed")
    reference = registry.reference("app", "other" if name == "tag" else str(other.digest))
    lie = {"Docker-Content-Digest": str(memory.tags["v1"])}
    registry.fault(Fault(path="manifests/", headers=lie))
    async with open_store() as store:
        with pytest.raises(StoreError) as caught:
            await store.resolve(reference)
    assert caught.value.reason is Reason.DIGEST_MISMATCH
    assert {hit.method for hit in registry.hits} == {"GET"}


async def test_atk_014_a_missing_digest_header_changes_nothing(registry: RegistrySimulator) -> None:
    """The digest is computed, never copied."""
    registry.features.digest_header = False
    async with open_store() as store:
        descriptor = await store.resolve(registry.reference("app", "v1"))
    assert descriptor.digest == registry.repository("app").tags["v1"]


@pytest.mark.parametrize("change", [_flip, lambda data: data + b" ", lambda _: make_manifest()])
async def test_atk_015_a_subject_with_another_digest_is_refused(
    registry: RegistrySimulator, change: Callable[[bytes], bytes]
) -> None:
    """One flipped byte, an appended space, another valid document."""
    memory = registry.repository("app")
    digest = memory.tags["v1"]
    memory.manifests[digest] = change(memory.manifests[digest])
    registry.features.digest_header = False
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", str(digest)))
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
async def test_atk_015_an_artifact_with_another_digest_is_refused(
    registry: RegistrySimulator, kind: str
) -> None:
    """Manifests and blobs of artifacts are hashed before they are parsed."""
    memory = registry.repository("app")
    signature = memory.listings[memory.tags["v1"]][0].descriptor.digest
    target = signature if kind == "manifests" else Digest.of(ENVELOPE)
    held = memory.manifests if kind == "manifests" else memory.blobs
    held[target] = _flip(held[target])
    registry.features.digest_header = False
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.DIGEST_MISMATCH


async def test_atk_016_what_follows_a_document_counts_too(registry: RegistrySimulator) -> None:
    """A blob that begins as it should and goes on is read to its end and hashed whole."""
    memory = registry.repository("app")
    image = memory.add_image("junk", b"another")
    junk = ENVELOPE + b"x" * 1024
    memory.blobs[Digest.of(ENVELOPE)] = junk
    layer = Descriptor("application/octet-stream", Digest.of(ENVELOPE), len(junk))
    manifest = memory.add_manifest(make_manifest(artifact_type=SIGNATURE, layers=[layer], subject=image))
    memory.list_under(image.digest, manifest)
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "junk"))
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.DIGEST_MISMATCH


def delivered(body: bytes, framing: str) -> Fault:
    """Return a manifest in one of the ways in which HTTP says how long a body is."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {OCI_MANIFEST}\r\n"
    if framing == "chunked":
        framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return Fault(path="manifests/", raw=f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + framed)
    if framing == "until the end":
        return Fault(path="manifests/", raw=f"{head}Connection: close\r\n\r\n".encode() + body)
    return Fault(path="manifests/", body=body, headers={"Docker-Content-Digest": None})


@pytest.mark.parametrize("framing", ["length", "chunked", "until the end"])
@pytest.mark.parametrize("size", [2000, 2001])
async def test_atk_017_a_manifest_over_the_limit_is_never_cut(
    registry: RegistrySimulator, framing: str, size: int
) -> None:
    """At the limit a document is read whole; with one byte more, a space behind it, it is refused and not cut."""
    padded = make_manifest().ljust(size)
    registry.fault(delivered(padded, framing))
    async with open_store(max_manifest_bytes=2000) as store:
        if size == 2000:
            found = await store.resolve(registry.reference("app", "v1"))
            assert (found.digest, found.size) == (Digest.of(padded), 2000)
            return
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
    assert caught.value.reason is Reason.SIZE_EXCEEDED


async def test_atk_018_a_body_without_end_is_left_at_its_announced_size(registry: RegistrySimulator) -> None:
    """Not one read more than the descriptor's size and a byte."""
    registry.fault(Fault(path="blobs/", endless=True))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert Reason.SIZE_EXCEEDED in reasons(result)


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (10 * 1024**3, Reason.SIZE_EXCEEDED),
        (-1, Reason.SIZE_MISMATCH),
        (2**63, Reason.SIZE_MISMATCH),
        (1.5, Reason.SIZE_MISMATCH),
        ("100", Reason.SIZE_MISMATCH),
        (True, Reason.SIZE_MISMATCH),
        (3, Reason.SIZE_MISMATCH),
    ],
)
async def test_atk_018_an_announced_size_that_cannot_be_is_refused(
    registry: RegistrySimulator, size: object, reason: Reason
) -> None:
    """A size has to be a number of bytes within the limits, and the content's own."""
    memory = registry.repository("app")
    signature = memory.listings[memory.tags["v1"]][0].descriptor
    entry = {"mediaType": OCI_MANIFEST, "digest": str(signature.digest), "size": size}
    registry.fault(Fault(path="/referrers/", body=_index(entry)))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert reason in reasons(result)


_LENGTHS = {
    "negative": b"Content-Length: -15\r\n",
    "doubled": b"Content-Length: 15\r\nContent-Length: 16\r\n",
    "signed": b"Content-Length: +15\r\n",
    "underscored": b"Content-Length: 1_5\r\n",
    "full width": "Content-Length: \uff11\uff15\r\n".encode(),
    "ten tebibytes": b"Content-Length: 10995116277760\r\n",
    "shorter": b"Content-Length: 14\r\n",
    "longer": b"Content-Length: 16\r\n",
}


@pytest.mark.parametrize("length", list(_LENGTHS))
async def test_atk_019_a_length_field_is_never_trusted(registry: RegistrySimulator, length: str) -> None:
    """Only ASCII digits are a length, and size and digest of the descriptor decide."""
    registry.fault(Fault(path="blobs/", raw=b"HTTP/1.1 200 OK\r\n" + _LENGTHS[length] + b"\r\n" + ENVELOPE))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert Reason.SIZE_MISMATCH in reasons(result)


@pytest.mark.parametrize("body", [ENVELOPE[:-1], b""])
async def test_atk_019_without_a_length_the_descriptor_decides(
    registry: RegistrySimulator, body: bytes
) -> None:
    """A body that simply ends is compared with the descriptor."""
    registry.fault(Fault(path="blobs/", raw=b"HTTP/1.1 200 OK\r\n\r\n" + body))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert Reason.SIZE_MISMATCH in reasons(result)


_HEX = "0123456789abcdef" * 4
DIGESTS = (
    f"md5:{_HEX[:32]}",
    f"sha1:{_HEX[:40]}",
    f"sha256:{_HEX}{_HEX}",
    f"sha512:{_HEX}",
    f"SHA256:{_HEX}",
    f"sha256:{_HEX.upper()}",
    f"sha256+b64:{_HEX}",
    f"sha256:{_HEX[:63]}",
    f"sha256:{_HEX}\n",
    f"sha256: {_HEX}",
    "sha256:",
    _HEX,
)


@pytest.mark.parametrize("text", DIGESTS)
async def test_atk_020_a_digest_has_one_spelling(registry: RegistrySimulator, text: str) -> None:
    """In a reference, a listing, a manifest's subject and a header field alike."""
    with pytest.raises(InvalidReference):
        Reference.parse(f"{registry.host}/app@{text}")
    memory = registry.repository("app")
    image = await _image(registry)
    entry = {"mediaType": OCI_MANIFEST, "digest": text, "size": 10}
    memory.listings.clear()
    artifact = memory.add_manifest(_with_subject(text))
    memory.list_under(image.digest, artifact)
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
        assert result.decision is Decision.DENY
        assert Reason.DIGEST_INVALID in reasons(result)
        registry.fault(Fault(path="/referrers/", body=_index(entry)))
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
        assert (found, error and error.reason) == ([], Reason.DIGEST_INVALID)
        if text.isprintable():
            registry.fault(Fault(path="manifests/v1", headers={"Docker-Content-Digest": text}))
            with pytest.raises(StoreError) as caught:
                await store.resolve(registry.reference("app", "v1"))
            assert caught.value.reason is Reason.DIGEST_INVALID


async def test_atk_021_a_shortened_referrers_tag_is_only_a_hint() -> None:
    """Under the tag of a sha512 subject, what is attached to another subject is refused and one's own accepted."""
    with RegistrySimulator(features=Features(referrers_api=False)) as registry:
        memory = registry.repository("app")
        data = make_manifest(annotations={"subject": "mine"})
        digest = Digest.of(data, "sha512")
        memory.manifests[digest] = data
        memory.types[digest] = OCI_MANIFEST
        mine = Descriptor(OCI_MANIFEST, digest, len(data))
        other = memory.add_image("other")
        foreign = sign(memory, other)
        own = sign(memory, mine)
        memory.listings[digest].reverse()
        memory.list_under(digest, foreign)
        memory.listings[digest].reverse()
        async with open_store() as store:
            result = await executor(store).validate(registry.reference("app", str(digest)))
        assert f"/manifests/sha512-{digest.hex[:64]}" in {hit.path[len("/v2/app") :] for hit in registry.hits}
    assert result.decision is Decision.ALLOW
    by_digest = {report.artifact.digest: report for report in result.artifacts}
    assert by_digest[own.digest].passed("fake")
    refused = by_digest[foreign.digest].failure
    assert refused is not None
    assert refused.reason is Reason.SUBJECT_MISMATCH


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len("sha256:") + 12],
        lambda text: text[: len("sha256:") + 32],
        lambda text: text[:-1],
        str.upper,
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: "sha256:" + ("0" if text[7] != "0" else "1") + text[8:],
    ],
)
async def test_atk_022_digests_are_compared_whole(
    registry: RegistrySimulator, change: Callable[[str], str]
) -> None:
    """A subject that is shortened, in upper case, or different in one digit is another subject or none."""
    image = await _image(registry)
    memory = registry.repository("app")
    memory.listings.clear()
    memory.list_under(image.digest, memory.add_manifest(_with_subject(change(str(image.digest)), image.size)))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert reasons(result) & {Reason.SUBJECT_MISMATCH, Reason.DIGEST_INVALID}
    assert [report.outcome for report in result.artifacts] == [Outcome.FAILED]


@pytest.mark.parametrize(
    "text", ["sha256:../../../etc/cron.d/x", "sha256:/abs", "sha256:\x00", "sha256:..%2f.."]
)
async def test_atk_023_a_digest_is_no_path(registry: RegistrySimulator, text: str) -> None:
    """What could be a path is no digest, and is never asked for."""
    with pytest.raises(InvalidDigest):
        Digest(text)
    image = await _image(registry)
    registry.fault(
        Fault(path="/referrers/", body=_index({"mediaType": OCI_MANIFEST, "digest": text, "size": 1}))
    )
    async with open_store() as store:
        _, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert error is not None
    assert error.reason is Reason.DIGEST_INVALID
    assert not any(".." in hit.path for hit in registry.hits)


async def test_atk_024_embedded_data_is_not_content(registry: RegistrySimulator) -> None:
    """A descriptor's `data` is not read: what counts is the blob with the descriptor's digest."""
    memory = registry.repository("app")
    image = memory.add_image("embedded", b"another")
    bad = b"not the envelope"
    layer = memory.add_blob(bad)
    entry = {
        "mediaType": layer.media_type,
        "digest": str(layer.digest),
        "size": layer.size,
        "data": "YSBnb29kIGVudmVsb3Bl",
    }
    document = json.loads(make_manifest(artifact_type=SIGNATURE, subject=image))
    document["layers"] = [entry]
    memory.list_under(image.digest, memory.add_manifest(json.dumps(document).encode()))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "embedded"))
    assert result.decision is Decision.DENY
    assert Reason.SIG_INVALID in reasons(result)


@pytest.mark.parametrize("kind", ["tag", "digest", "blob"])
async def test_atk_026_a_mirror_is_checked_and_knows_no_secret(
    registry: RegistrySimulator, kind: str
) -> None:
    """Other bytes from a mirror are passed over; the origin's credential is not shown to it, nor the other way round."""
    image = await _image(registry)
    with RegistrySimulator(auth=BasicAuth("mirror", "mirror's")) as mirror:
        registry.auth = BasicAuth("origin", "origin's")
        copy = mirror.repository("app")
        memory = registry.repository("app")
        for held, source in (
            (copy.manifests, memory.manifests),
            (copy.blobs, memory.blobs),
            (copy.types, memory.types),
            (copy.tags, memory.tags),
            (copy.listings, memory.listings),
        ):
            held.update(source)  # type: ignore[attr-defined]
        if kind == "digest":
            copy.manifests[image.digest] = _flip(copy.manifests[image.digest])
        if kind == "blob":
            copy.blobs[Digest.of(ENVELOPE)] = _flip(ENVELOPE)
        if kind == "tag":
            mirror.fault(Fault(path="manifests/v1", headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"}))
        credentials = Credentials(
            {
                mirror.host: Credential("mirror", "mirror's"),
                registry.host: Credential("origin", "origin's"),
            }
        )
        name = "v1" if kind == "tag" else str(image.digest)
        async with open_store(credentials=credentials, mirrors=(mirror.host,)) as store:
            result = await executor(store).validate(registry.reference("app", name))
        assert result.decision is Decision.ALLOW
        assert result.subject is not None
        assert result.subject.digest == image.digest
        assert mirror.hits
        shown = {hit.headers.get("authorization", "") for hit in mirror.hits}
        assert shown == {"", "Basic bWlycm9yOm1pcnJvcidz"}
        shown = {hit.headers.get("authorization", "") for hit in registry.hits}
        assert shown == {"", "Basic b3JpZ2luOm9yaWdpbidz"}


async def test_atk_018_a_limit_of_the_engine_holds_before_any_request(registry: RegistrySimulator) -> None:
    """A blob that is announced larger than allowed is not even asked for."""
    async with open_store() as store:
        result = await executor(store, limits=Limits(blob_bytes=5)).validate(registry.reference("app", "v1"))
    assert Reason.SIZE_EXCEEDED in reasons(result)
    assert not any("/blobs/" in hit.path for hit in registry.hits)


async def _image(registry: RegistrySimulator) -> Descriptor:
    async with open_store() as store:
        image = await store.resolve(registry.reference("app", "v1"))
    registry.reset()
    return image


def _index(*entries: dict[str, object]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def _with_subject(digest: str, size: int = 10) -> bytes:
    document = json.loads(make_manifest(artifact_type=SIGNATURE))
    document["subject"] = {"mediaType": OCI_MANIFEST, "digest": digest, "size": size}
    return json.dumps(document).encode()
