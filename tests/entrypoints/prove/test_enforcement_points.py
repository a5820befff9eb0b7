"""Each point: what counts as a refusal, what as letting the image pass, and what proves nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.reference import Reference
from pyratify.entrypoints.gatekeeper.gatekeeper_routes import provider_site
from pyratify.entrypoints.prove.containerd_pull import ContainerdPull
from pyratify.entrypoints.prove.docker_create import DockerCreate
from pyratify.entrypoints.prove.enforcement_point import Outcome
from pyratify.entrypoints.prove.server_requests import GatekeeperRequest, WebhookRequest
from pyratify.entrypoints.webhook.webhook_routes import webhook_site
from pyratify.http.url import Url
from pyratify.serving.http.routes import Address, Reply, Request, Site
from pyratify.serving.http.server import listening
from support.providers import VERIFY, provider
from support.webhooks import VALIDATE, store, webhook

NAME = Reference.parse("example.com/app:v1")


async def pinned(tag: str) -> Reference:
    """Return an image of the store: `v1` has evidence, `bare` has none."""
    found = await store().resolve(NAME.tagged(tag))
    return NAME.at(found.digest)


def ctr(folder: Path, code: int, text: str) -> Path:
    """Write a program in the place of ctr, which notes its arguments."""
    path = folder / "ctr"
    path.write_text(f"#!/bin/sh\necho \"$@\" >>{folder}/asked\necho '{text}' >&2\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (
            1,
            "ctr: x blocked: verifier 00-ratify rejected image (exit code 1): ratify: DENIED [NO_EVIDENCE]",
            "refused",
        ),
        (1, "ctr: x blocked: verifier 00-other rejected image (exit code 1): no", "unknown"),
        (1, "ctr: failed to resolve: 401 UNAUTHORIZED", "unknown"),
        (1, "ctr: cannot connect", "unknown"),
        (0, "", "passed"),
    ],
)
async def test_containerd(tmp_path: Path, code: int, text: str, outcome: str) -> None:
    """Only a verifier's refusal with a code of ours counts; what was pulled is removed."""
    point = ContainerdPull("/run/c.sock", str(ctr(tmp_path, code, text)), ("--plain-http",))
    image = await pinned("bare")
    offer = await point.offer(image)
    assert offer.outcome is Outcome(outcome)
    assert offer.code == ("NO_EVIDENCE" if outcome == "refused" else "")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0] == f"-a /run/c.sock -n ratify-prove images pull --plain-http {image}"
    assert [line.split()[5] for line in asked[1:]] == (["remove"] if outcome == "passed" else [])


async def test_a_client_that_is_not_there_proves_nothing() -> None:
    """The message names it."""
    offer = await ContainerdPull("/run/c.sock", "/nowhere/ctr").offer(await pinned("bare"))
    assert offer.outcome is Outcome.UNKNOWN
    assert "/nowhere/ctr" in offer.message


@asynccontextmanager
async def docker(folder: Path, *answers: tuple[int, Any]) -> AsyncIterator[list[str]]:
    """Answer requests at a socket one after another as Docker would; give the requests' first lines."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().strip())
        status, document = answers[len(asked) - 1]
        writer.write(f"HTTP/1.0 {status} X\r\n\r\n{json.dumps(document)}".encode())
        writer.close()

    server = await asyncio.start_unix_server(answer, folder / "docker.sock")
    async with server:
        yield asked


DENIED = {"message": "authorization denied by plugin ratify: ratify: DENIED example.com/app [NO_EVIDENCE]"}


GONE = (404, {"message": "No such image"})
PULLED = (200, {"status": "done"})
CREATED = ((201, {"Id": "abc"}), (204, None))
REMOVED = (200, [])


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (((403, DENIED),), "refused"),
        (((403, {"message": "authorization denied by plugin other: no"}),), "unknown"),
        (((500, {"message": "NO_EVIDENCE"}),), "unknown"),
        (CREATED, "passed"),
        ((GONE, (403, DENIED), REMOVED), "refused"),
        ((GONE, (200, {"errorDetail": {"message": "manifest unknown"}}), REMOVED), "unknown"),
        ((GONE, PULLED, (403, DENIED), REMOVED), "refused"),
        ((GONE, PULLED, *CREATED, REMOVED), "passed"),
        ((GONE, PULLED, GONE, REMOVED), "unknown"),
        (((200, {}),), "unknown"),
    ],
)
async def test_docker(tmp_path: Path, answers: tuple[tuple[int, Any], ...], outcome: str) -> None:
    """An image that is not there is pulled first, by digest; what was made is removed."""
    image = await pinned("bare")
    async with docker(tmp_path, *answers) as asked:
        offer = await DockerCreate(str(tmp_path / "docker.sock")).offer(image)
    assert offer.outcome is Outcome(outcome)
    assert len(asked) == len(answers)
    assert asked[0] == "POST /containers/create HTTP/1.0"
    if GONE in answers:
        assert str(image.digest).replace(":", "%3A") in asked[1]
        assert asked[-1].startswith("DELETE /images/example.com%2Fapp%40sha256")
    if CREATED[0] in answers:
        assert "DELETE /containers/abc?force=1 HTTP/1.0" in asked


async def test_a_docker_that_does_not_answer_proves_nothing(tmp_path: Path) -> None:
    """No socket at that path."""
    offer = await DockerCreate(str(tmp_path / "absent")).offer(await pinned("bare"))
    assert offer.outcome is Outcome.UNKNOWN


@asynccontextmanager
async def served(site: Site, path: str) -> AsyncIterator[Url]:
    """Serve a site on loopback and give the URL of a path of it."""
    async with listening(site, Address("127.0.0.1", 0)) as where:
        yield Url.parse(f"http://127.0.0.1:{where.port}{path}")


@pytest.mark.parametrize(("tag", "outcome"), [("bare", Outcome.REFUSED), ("v1", Outcome.PASSED)])
async def test_our_own_servers(tag: str, outcome: Outcome) -> None:
    """The provider and the webhook, with the bodies that Gatekeeper and the API server send."""
    image = await pinned(tag)
    async with served(provider_site(provider(store())), VERIFY) as url:
        found = await GatekeeperRequest(url).offer(image)
        assert found.outcome is outcome, found
    async with served(webhook_site(webhook(store())), VALIDATE) as url:
        found = await WebhookRequest(url, "default").offer(image)
        assert found.outcome is outcome, found


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ({}, "unknown"),
        ({"response": {"systemError": "no [NO_EXECUTOR]"}}, "unknown"),
        ({"response": {"items": []}}, "unknown"),
        ({"response": {"items": [{"error": "NOT_FOUND: no"}]}}, "refused"),
        ({"response": {"items": [{"error": "no"}]}}, "unknown"),
        ({"response": {"items": [{"value": {"isSuccess": True}}]}}, "passed"),
        ({"response": {"allowed": True, "warnings": ["it would be refused"]}}, "unknown"),
    ],
)
async def test_answers_of_providers(document: Any, outcome: str) -> None:
    """Only an error or a value of an item is one; a webhook's warning is no refusal."""

    async def answer(request: Request) -> Reply:
        return Reply(200, json.dumps(document).encode())

    async with served(Site(routes={("POST", "/x"): answer}, refusals={}), "/x") as url:
        assert (await GatekeeperRequest(url).offer(await pinned("bare"))).outcome is Outcome(outcome)
        hook = await WebhookRequest(url, "default").offer(await pinned("bare"))
    assert hook.outcome is (Outcome.PASSED if "warnings" in document.get("response", {}) else Outcome.UNKNOWN)


async def test_another_server_proves_nothing() -> None:
    """One that answers something else, and one that is not there."""
    image = await pinned("bare")
    async with served(provider_site(provider(None)), VERIFY) as url:
        for point in (WebhookRequest(url, "default"), GatekeeperRequest(Url(url.origin, "/other"))):
            assert (await point.offer(image)).outcome is Outcome.UNKNOWN
    nowhere = Url.parse("http://127.0.0.1:1/verify")
    for point in (GatekeeperRequest(nowhere), WebhookRequest(nowhere, "default")):
        assert (await point.offer(image)).outcome is Outcome.UNKNOWN
