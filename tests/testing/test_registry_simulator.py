"""The registry simulator itself: that what tests rely on is so."""

import http.client
import json
import threading

import pytest

from pyratify.core.manifest import EMPTY_CONFIG, OCI_INDEX
from pyratify.testing.registry import BearerAuth, Fault, Features, RegistrySimulator, redirect


def _get(
    registry: RegistrySimulator, path: str, method: str = "GET"
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_content_is_served_by_tag_and_by_digest() -> None:
    """Manifests with their type and digest, blobs as they are."""
    with RegistrySimulator() as registry:
        memory = registry.repository("team/app")
        image = memory.add_image("v1", b"layer")
        for name in ("v1", image.digest):
            status, headers, body = _get(registry, f"/v2/team/app/manifests/{name}")
            assert (status, body) == (200, memory.manifests[image.digest])
            assert headers["Content-Type"] == image.media_type
            assert headers["Docker-Content-Digest"] == image.digest
        blob = json.loads(body)["layers"][0]["digest"]
        assert _get(registry, f"/v2/team/app/blobs/{blob}")[2] == b"layer"
        assert _get(registry, "/v2/")[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/missing/manifests/v1", 404),
        ("/v2/app/manifests/missing", 404),
        ("/v2/app/manifests/sha256:short", 400),
        (f"/v2/app/blobs/sha256:{'0' * 64}", 404),
        ("/elsewhere", 404),
        ("/token", 404),
    ],
)
def test_what_is_missing_is_missing(path: str, status: int) -> None:
    """With the statuses of the distribution specification."""
    with RegistrySimulator() as registry:
        registry.repository("app")
        assert _get(registry, path)[0] == status
        assert _get(registry, "/v2/app/manifests/v1", "DELETE")[0] == 405


def _listing(
    registry: RegistrySimulator, query: str = ""
) -> tuple[list[dict[str, object]], http.client.HTTPMessage]:
    memory = registry.repository("app")
    status, headers, body = _get(registry, f"/v2/app/referrers/{memory.tags['v1']}{query}")
    assert status == 200
    assert headers["Content-Type"] == OCI_INDEX
    return json.loads(body)["manifests"], headers


def _filled(**features: object) -> RegistrySimulator:
    registry = RegistrySimulator(features=Features(**features))  # type: ignore[arg-type]
    memory = registry.repository("app")
    image = memory.add_image("v1")
    for kind in ("a/one", "a/two", "a/three"):
        memory.attach(image, kind, annotations={"kind": kind})
    return registry


def test_referrers_are_listed_with_type_and_annotations() -> None:
    """As the specification asks."""
    with _filled() as registry:
        entries, _ = _listing(registry)
    assert [entry["artifactType"] for entry in entries] == ["a/one", "a/two", "a/three"]
    assert entries[0]["annotations"] == {"kind": "a/one"}


def test_registries_differ() -> None:
    """Config types in place of artifact types, no annotations, no filter."""
    with _filled(config_types=True, annotations=False, filters=False) as registry:
        entries, headers = _listing(registry, "?artifactType=a/one")
    assert {entry["artifactType"] for entry in entries} == {EMPTY_CONFIG}
    assert not any("annotations" in entry for entry in entries)
    assert "OCI-Filters-Applied" not in headers


def test_a_filter_is_applied_and_announced() -> None:
    """With the header field that says so."""
    with _filled() as registry:
        entries, headers = _listing(registry, "?artifactType=a/two")
    assert [entry["artifactType"] for entry in entries] == ["a/two"]
    assert headers["OCI-Filters-Applied"] == "artifactType"


def test_pages_are_linked() -> None:
    """Until the last."""
    with _filled(page_size=2) as registry:
        first, headers = _listing(registry)
        query = headers["Link"].partition("?")[2].partition(">")[0]
        second, headers = _listing(registry, f"?{query}")
    assert (len(first), len(second)) == (2, 1)
    assert "Link" not in headers


def test_without_an_api_the_tag_schema_is_served() -> None:
    """404 there, an index here."""
    with _filled(referrers_api=False) as registry:
        digest = registry.repository("app").tags["v1"]
        assert _get(registry, f"/v2/app/referrers/{digest}")[0] == 404
        _, headers, body = _get(registry, f"/v2/app/manifests/sha256-{digest.hex}")
        assert headers["Content-Type"] == OCI_INDEX
        assert len(json.loads(body)["manifests"]) == 3
        assert _get(registry, f"/v2/app/manifests/sha256-{'0' * 64}")[0] == 404


def test_requests_are_recorded() -> None:
    """In their order, with their header fields and statuses."""
    with RegistrySimulator() as registry:
        _get(registry, "/v2/?a=b")
        _get(registry, "/v2/app/blobs/x")
        assert [(hit.method, hit.path, hit.status) for hit in registry.hits] == [
            ("GET", "/v2/?a=b", 200),
            ("GET", "/v2/app/blobs/x", 404),
        ]
        assert registry.hits[0].headers["host"] == registry.host
        assert registry.depth == 2
        registry.reset()
        assert (registry.hits, registry.depth) == ((), 0)


def test_depth_counts_what_waited_for_an_answer() -> None:
    """Two requests at the same time are one deep."""
    release = threading.Event()
    with RegistrySimulator() as registry:
        registry.fault(Fault(path="first", wait=release))
        first = threading.Thread(target=_get, args=(registry, "/first"))
        first.start()
        while not registry.hits:
            pass
        release.set()
        first.join()
        assert registry.depth == 1
        _get(registry, "/second")
        assert registry.depth == 2


def test_faults_happen_when_they_should() -> None:
    """To the request of the given number, so often, and to no others."""
    with RegistrySimulator() as registry:
        registry.fault(
            Fault(path="/v2/", nth=2, times=1, status=503),
            Fault(path="/v2/", nth=2, status=418),
            redirect("/moved", "/v2/"),
        )
        assert [_get(registry, "/v2/")[0] for _ in range(4)] == [200, 503, 418, 418]
        status, headers, _ = _get(registry, "/moved")
        assert (status, headers["Location"]) == (307, "/v2/")


def test_a_token_is_for_one_repository() -> None:
    """And is given to those who may have it."""
    auth = BearerAuth(anonymous=True)
    with RegistrySimulator(auth=auth) as registry:
        registry.repository("app").add_image("v1")
        status, headers, _ = _get(registry, "/v2/app/manifests/v1")
        assert status == 401
        assert f'realm="{registry.url}/token"' in headers["WWW-Authenticate"]
        token = json.loads(_get(registry, "/token?service=s&scope=repository:app:pull")[2])["token"]
        assert auth.issued == {token: "repository:app:pull"}


async def test_it_is_an_asynchronous_context_too() -> None:
    """For tests that are themselves asynchronous."""
    async with RegistrySimulator() as registry:
        assert registry.reference("app", "v1").registry == registry.host


def test_a_defect_of_its_own_is_shown() -> None:
    """A test must not pass because the simulator broke."""

    class Broken(BearerAuth):
        def refuse(self, *args: object) -> None:
            raise ZeroDivisionError

    registry = RegistrySimulator(auth=Broken())
    with pytest.raises(http.client.RemoteDisconnected):
        _get(registry, "/v2/")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        registry.close()
