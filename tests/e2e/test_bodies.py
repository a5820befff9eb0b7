"""Bodies of Gatekeeper's and Ratify v2's own tests, sent to the provider as a process over mutual TLS."""

import json
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLError

import pytest

from e2e.cluster.api import Document
from e2e.cluster.images import Images
from e2e.cluster.provider import SIGNED_BY_EITHER, Provider, provider
from pyratify.testing.tls import Authority

pytestmark = pytest.mark.e2e

CLIENTS = Authority("e2e clients")
BETA = "externaldata.gatekeeper.sh/v1beta1"


@pytest.fixture(scope="module")
def alone(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider of these tests alone; it knows one repository."""
    folder = tmp_path_factory.mktemp("alone")
    (executor,) = SIGNED_BY_EITHER["executors"]
    known = {"executors": [{**executor, "scopes": [images.repository.name]}]}
    with provider(CLIENTS, folder, known) as found:
        (folder / "client.pem").write_bytes(CLIENTS.issue("gatekeeper"))
        yield found


def ask(alone: Provider, path: str, body: bytes) -> tuple[int, Document]:
    """Send a body with a client certificate."""
    return alone.asked(path, body, alone.folder / "client.pem")


def asking(*keys: str, version: str = BETA) -> bytes:
    """Return the body of a request."""
    return json.dumps({"apiVersion": version, "kind": "ProviderRequest", "request": {"keys": keys}}).encode()


def ratify_cases(shared: Path) -> list[Document]:
    """Return Ratify v2's cases, without those that ask for something in its cache."""
    cases: list[Document] = json.loads((shared / "gatekeeper" / "ratify_v2_provider_cases.json").read_text())[
        "cases"
    ]
    return [case for case in cases if "cache" not in case.get("setup", "")]


def test_ratify_v2_bodies(alone: Provider, shared: Path) -> None:
    """Each is answered with the members that Ratify v2 answers it with; texts of errors are our own."""
    cases = ratify_cases(shared)
    assert len(cases) == 8
    for case in cases:
        body = case.get("raw_body", "").encode() or json.dumps(case["request"]).encode()
        status, found = ask(alone, f"v2/{case['path']}", body)
        assert (found["apiVersion"], found["kind"]) == (BETA, "ProviderResponse"), case["name"]
        if case.get("error"):
            assert (status, found["response"].keys()) == (400, {"systemError"}), case["name"]
            continue
        assert status == case["http"], case["name"]
        if "response" not in case:
            error = found["response"]["items"][0]["error"]
            assert case["item_error_must_contain"] in error, case["name"]
            assert case["item_error_must_not_contain"] not in error, case["name"]
            continue
        assert shape(found["response"]) == shape(case["response"]["response"]), case["name"]


def shape(response: Document) -> Document:
    """Return a response with nothing of its errors but that they are there."""
    items = [{**item, "error": "error" in item} for item in response["items"]]
    return {**response, "items": items}


def test_gatekeepers_documented_response(alone: Provider, images: Images, shared: Path) -> None:
    """A mutation is answered with the members that Gatekeeper documents, and no others."""
    examples = json.loads((shared / "gatekeeper" / "provider_response_examples.json").read_text())["examples"]
    _, found = ask(alone, "v2/mutate", asking(images["both"]))
    for example in examples:
        assert found.keys() == example.keys()
        assert found["response"].keys() == example["response"].keys()
        assert found["response"]["items"][0].keys() == example["response"]["items"][0].keys()
        assert (found["apiVersion"], found["kind"]) == (example["apiVersion"], example["kind"])


def test_signed_unsigned_and_missing_in_one_request(alone: Provider, images: Images) -> None:
    """Every key has its answer, in order, as often as it was asked."""
    keys = [images[tag] for tag in ("both", "unsigned", "nobody", "both")]
    status, found = ask(alone, "v2/verify", asking(*keys))
    answered = found["response"]["items"]
    assert (status, [item["key"] for item in answered]) == (200, keys)
    assert [item.get("value", {}).get("succeeded") for item in answered] == [True, False, None, True]
    assert answered[2]["error"].startswith("NOT_FOUND")
    assert "idempotent" not in found["response"]


def test_no_keys(alone: Provider) -> None:
    """Are answered with no items."""
    assert ask(alone, "v2/verify", asking())[1]["response"] == {}


def test_the_old_shape(alone: Provider, images: Images) -> None:
    """For constraint templates of Ratify v1."""
    alpha = "externaldata.gatekeeper.sh/v1alpha1"
    _, found = ask(alone, "v1/verify", asking(images["cosign-v2"], version=alpha))
    assert found["apiVersion"] == alpha
    assert found["response"]["items"][0]["value"]["isSuccess"] is True


def test_who_shows_no_certificate_is_not_answered(alone: Provider, images: Images, tmp_path: Path) -> None:
    """Nor who shows one of another authority."""
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(Authority("somebody else").issue("gatekeeper"))
    for client in (None, stranger):
        with pytest.raises((SSLError, ConnectionError)):
            alone.asked("v2/verify", asking(images["both"]), client)


def test_a_process_without_a_configuration(tmp_path: Path) -> None:
    """Answers, is not ready, and allows nothing."""
    alone = Provider(tmp_path, Authority("e2e provider"), ("--config", tmp_path / "none.json"))
    alone.replace_certificate()
    alone.admit_clients_of(CLIENTS.pem)
    (tmp_path / "client.pem").write_bytes(CLIENTS.issue("gatekeeper"))
    try:
        alone.start(ready=False)
        with pytest.raises(AssertionError, match="configuration"):
            alone.ready()
        _, found = ask(alone, "v2/verify", asking("artifact1"))
        assert found["response"]["items"][0]["error"].startswith("NO_EXECUTOR")
    finally:
        alone.end()
