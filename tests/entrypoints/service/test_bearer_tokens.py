"""Tokens: who has one may ask, and the file is followed."""

import asyncio
import logging
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.service.access import Callers
from pyratify.entrypoints.service.bearer_tokens import TokenFile
from pyratify.testing.fakes import FakeClock
from support.providers import signed
from support.services import JSON, asked, sent, service

FIRST, SECOND = "first-token-0123456789", "second.token~0123456789=="


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with two tokens, a comment and a blank line."""
    found = tmp_path / "tokens"
    found.write_text(f"# for the pipeline\n{FIRST}\n\n  {SECOND}  \r\n")
    return found


def test_every_token_of_the_file_is_admitted_and_nothing_else(path: Path) -> None:
    """Not a part of one, not a comment, not nothing, not text that is no token."""
    tokens = TokenFile(path)
    assert tokens.admits(FIRST)
    assert tokens.admits(SECOND)
    for wrong in ("", FIRST[:-1], FIRST + "0", FIRST.upper(), "# for the pipeline", "\udc80" * 20, "ä" * 20):
        assert not tokens.admits(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n# only a comment\n",
        "tooshort0123456",
        "with a space 0123456789",
        "päper0123456789abcdef",
        "x" * 4097,
    ],
)
def test_a_file_without_usable_tokens_is_refused_at_the_beginning(tmp_path: Path, text: str) -> None:
    """And what it says is not in the message."""
    path = tmp_path / "tokens"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        TokenFile(path)
    assert "openssl rand" in caught.value.remedy
    assert not text.strip() or text.strip() not in caught.value.message


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path: Path) -> None:
    """Before anything is served."""
    path = tmp_path / "tokens"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        TokenFile(path)
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(ConfigurationError, match="has more than 262144 bytes"):
        TokenFile(path)


def test_tokens_are_exchanged_when_the_file_changes(path: Path) -> None:
    """The old one is refused from then on."""
    tokens = TokenFile(path)
    path.write_text(f"{SECOND}\n")
    tokens.reload()
    assert (tokens.admits(FIRST), tokens.admits(SECOND), tokens.fault) == (False, True, "")


def test_a_file_that_was_emptied_admits_no_token(path: Path) -> None:
    """An empty file is a valid choice; readiness reports it."""
    tokens = TokenFile(path)
    path.write_text("")
    tokens.reload()
    assert not tokens.admits(FIRST)
    assert "no token" in tokens.fault


def test_a_line_that_is_wrong_admits_the_others_only(path: Path) -> None:
    """What was taken out is out, although the new line cannot be used."""
    tokens = TokenFile(path)
    path.write_text(f"{SECOND}\nshort\n")
    tokens.reload()
    assert (tokens.admits(FIRST), tokens.admits(SECOND)) == (False, True)
    assert "line 2" in tokens.fault


def test_a_file_that_is_gone_changes_nothing_but_readiness(path: Path) -> None:
    """It may be on its way to be replaced."""
    tokens = TokenFile(path)
    path.unlink()
    tokens.reload()
    assert tokens.admits(FIRST)
    assert "cannot be read" in tokens.fault
    path.write_text(FIRST)
    tokens.reload()
    assert tokens.fault == ""


async def test_the_file_is_followed(path: Path) -> None:
    """Again and again, until cancelled."""
    tokens, looked = TokenFile(path), asyncio.Event()

    class Once(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            if len(self.slept) > 1:
                looked.set()
                await asyncio.Event().wait()

    await asyncio.to_thread(path.write_text, SECOND)
    watching = asyncio.create_task(tokens.watch(Once()))
    await looked.wait()
    watching.cancel()
    assert not tokens.admits(FIRST)
    with pytest.raises(asyncio.CancelledError):
        await watching


def test_tokens_are_neither_shown_nor_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Only hashes are kept, and the log says how many there are."""
    with caplog.at_level(logging.DEBUG):
        tokens = TokenFile(path)
        tokens.admits("guess-0123456789abcdef")
    shown = repr(tokens) + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert not [secret for secret in (FIRST, SECOND, "guess-") if secret in shown]


ROUTES = (
    ("/v1/verify", {"reference": "example.com/app:v1"}),
    ("/v1/resolve", {"reference": "example.com/app:v1"}),
)


@pytest.mark.parametrize(
    ("path_", "body"),
    [*ROUTES, ("/v1/decisions", None), ("/v1/decisions/0123", None), ("/openapi.json", None)],
)
@pytest.mark.parametrize(
    ("given", "error"),
    [
        (None, ""),
        ("", ""),
        ("Bearer", ""),
        ("Bearer ", ""),
        (f"Basic {FIRST}", ""),
        (FIRST, ""),
        ("Bearer wrong-token-0123456789", "invalid_token"),
        (f"Bearer {FIRST} {FIRST}", "invalid_token"),
    ],
)
async def test_without_an_accepted_token_nothing_is_answered(
    path: Path, path_: str, body: object, given: str | None, error: str
) -> None:
    """401 with a challenge, and the store is not even asked."""
    store = signed()
    headers = JSON if given is None else {**JSON, "Authorization": given}
    reply = await sent(service(store), path_, body, callers=Callers(TokenFile(path)), headers=headers)
    challenge = reply.headers["WWW-Authenticate"]
    assert (reply.status, store.calls) == (401, [])
    assert challenge.startswith("Bearer realm=")
    assert ("invalid_token" in challenge) == bool(error)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_an_accepted_token_is_answered(path: Path, scheme: str) -> None:
    """The scheme's name is read in any case."""
    headers = {**JSON, "Authorization": f"{scheme} {SECOND}"}
    status, _ = await asked(
        service(signed()), "/v1/verify", ROUTES[0][1], callers=Callers(TokenFile(path)), headers=headers
    )
    assert status == 200


async def test_the_pages_files_need_no_token(path: Path) -> None:
    """They hold no data, and a browser cannot send one for them."""
    for name in ("/", "/page.css", "/page.js", "/icon.svg"):
        assert (await sent(service(signed()), name, callers=Callers(TokenFile(path)))).status == 200
