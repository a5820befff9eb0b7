"""Attacks on trust material and on secrets."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.sqlite_content import SqliteCache
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.credential import Credential
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.credentials.docker_config import DockerCredentials
from pyratify.credentials.docker_file import parse_docker_file
from pyratify.credentials.static import StaticOptions
from pyratify.keys.documents import FileDocuments, InlineDocuments
from pyratify.pki.public_keys import load_public_keys
from pyratify.testing.fakes import FakeClock
from support.scenes import codes

KEYS = Path(__file__).resolve().parents[2] / "examples" / "material" / "keys"
GOOD = (KEYS / "cosign.pub").read_bytes()
PRIVATE = (KEYS / "cosign.key").read_bytes()
CANARY = "canary-4f1e"


async def load(*paths: Path) -> int:
    """Load public keys from files and return how many there are."""
    return sum(len(load_public_keys(material)) for material in await FileDocuments(paths).keys())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda folder: (folder / "good.pub").unlink(), id="empty folder"),
        pytest.param(lambda folder: (folder / "empty.pub").touch(), id="empty file beside a good one"),
        pytest.param(lambda folder: (folder / "blank.pub").write_text(" \n"), id="blank file"),
        pytest.param(lambda folder: (folder / "private.pem").write_bytes(PRIVATE), id="private key"),
        pytest.param(
            lambda folder: (folder / "both.pem").write_bytes(GOOD + PRIVATE), id="public and private"
        ),
        pytest.param(
            lambda folder: (folder / "mixed.pub").write_bytes(GOOD + GOOD[1:]), id="a damaged block after"
        ),
        pytest.param(lambda folder: (folder / "text.pub").write_text("no key"), id="no key"),
        pytest.param(lambda folder: (folder / "good.pub.bak").write_bytes(GOOD), id="backup"),
        pytest.param(lambda folder: (folder / "good.pub~").write_bytes(GOOD), id="editor's backup"),
        pytest.param(lambda folder: (folder / "lost.pub").symlink_to("nowhere"), id="dangling link"),
        pytest.param(lambda folder: os.mkfifo(folder / "pipe.pub"), id="pipe"),
    ],
)
async def test_atk_238_trust_material_is_whole_or_refused(
    tmp_path: Path, spoil: Callable[[Path], Any]
) -> None:
    """One bad file makes the whole source an error, never a smaller set of keys."""
    (tmp_path / "good.pub").write_bytes(GOOD)
    assert await load(tmp_path) == 1
    spoil(tmp_path)
    with pytest.raises(ConfigurationError):
        await load(tmp_path)


async def test_atk_238_a_missing_source_is_refused(tmp_path: Path) -> None:
    """A path that does not exist is no empty set, also beside one that does, and neither is an empty text."""
    (tmp_path / "good.pub").write_bytes(GOOD)
    for paths in ((tmp_path / "none",), (tmp_path / "good.pub", tmp_path / "none")):
        with pytest.raises(ConfigurationError) as caught:
            await load(*paths)
        assert caught.value.reason is Reason.KEY_UNAVAILABLE
    for text in ("", "\n"):
        with pytest.raises(ConfigurationError):
            await InlineDocuments(keys=text).keys()
    with pytest.raises(ConfigurationError):
        FileDocuments(())


def link_file(trust: Path, elsewhere: Path) -> Path:
    """Let a file in the folder be a link that leads out of it."""
    (trust / "evil.pub").symlink_to(elsewhere / "evil.pub")
    return trust


def link_folder(trust: Path, elsewhere: Path) -> Path:
    """Let a folder in the folder be a link that leads out of it."""
    (trust / "more").symlink_to(elsewhere)
    return trust


def link_root(trust: Path, elsewhere: Path) -> Path:
    """Let the named folder itself be a link that leads elsewhere."""
    (trust / "store").symlink_to(elsewhere)
    return trust / "store"


def link_relative(trust: Path, elsewhere: Path) -> Path:
    """Let a chain of links in the folder lead out of it at its end."""
    (trust / "..data").symlink_to(f"../{elsewhere.name}")
    (trust / "evil.pub").symlink_to("..data/evil.pub")
    return trust


def link_named(trust: Path, elsewhere: Path) -> Path:
    """Let the named file be a link that leads out of its folder."""
    return link_file(trust, elsewhere) / "evil.pub"


@pytest.mark.parametrize("attack", [link_file, link_folder, link_root, link_relative, link_named])
async def test_atk_239_no_link_leads_out_of_a_trust_store(
    tmp_path: Path, attack: Callable[[Path, Path], Path]
) -> None:
    """Who may write elsewhere does not become a signer."""
    trust, elsewhere = tmp_path / "trust", tmp_path / "elsewhere"
    for folder, name in ((trust, "good.pub"), (elsewhere, "evil.pub")):
        folder.mkdir()
        (folder / name).write_bytes(GOOD)
    assert await load(trust) == 1
    with pytest.raises(ConfigurationError, match="leads out of"):
        await load(attack(trust, elsewhere))


async def test_atk_240_a_key_that_was_removed_verifies_nothing_any_more(tmp_path: Path) -> None:
    """Rotation with an overlap, in a configuration that is followed: real signatures of both keys, then of the new one alone."""
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "old.pub").write_bytes(GOOD)
    (folder / "new.pub").write_bytes((KEYS / "other.pub").read_bytes())
    verifier = {"trustPolicies": [{"ignoreTLog": True, "keys": {"files": [str(folder)]}}]}
    document = {
        "scopes": ["example.com"],
        "stores": [
            {
                "type": "filesystem-oci-store",
                "parameters": {"path": str(KEYS.parent / "layout"), "allowBareTags": True},
            }
        ],
        "verifiers": [{"name": "c", "type": "cosign", "parameters": verifier}],
    }
    (tmp_path / "config.json").write_text(json.dumps({"executors": [document]}))
    watched = WatchedConfig(tmp_path / "config.json", FakeClock())

    async def verdicts() -> list[tuple[Decision, set[Reason]]]:
        await watched.refresh()
        assert watched.current is not None
        async with watched.current.used() as generation:
            results = [
                await generation.engine.validate(Reference.parse(f"example.com/app:{tag}"))
                for tag in ("cosign-v3", "wrong-key")
            ]
        return [(each.decision, codes(each) - {Reason.POLICY_UNSATISFIED}) for each in results]

    assert await verdicts() == [(Decision.ALLOW, set())] * 2
    (folder / "old.pub").unlink()
    assert await verdicts() == [(Decision.DENY, {Reason.SIG_INVALID}), (Decision.ALLOW, set())]
    (folder / "new.pub").unlink()
    await verdicts()
    assert watched.fault is not None
    assert Reason.KEY_UNAVAILABLE is watched.fault.reason
    await watched.aclose()


async def test_atk_240_keys_that_cannot_be_had_now_are_not_remembered(tmp_path: Path) -> None:
    """What is read anew for each question has nothing to fall back upon."""
    (tmp_path / "old.pub").write_bytes(GOOD)
    documents = FileDocuments([tmp_path])
    assert len(await documents.keys()) == 1
    (tmp_path / "old.pub").unlink()
    with pytest.raises(ConfigurationError) as caught:
        await documents.keys()
    assert caught.value.reason is Reason.KEY_UNAVAILABLE


HELPERS = {
    "fails": f"#!/bin/sh\necho {CANARY}; echo {CANARY} >&2; exit 3\n",
    "prints-garbage": f"#!/bin/sh\necho {CANARY}\n",
    "prints-other": f'#!/bin/sh\necho \'{{"Username": 1, "Secret": "{CANARY}"}}\'\n',
    "prints-much": f"#!/bin/sh\nwhile :; do echo {CANARY}; done\n",
}


@pytest.mark.parametrize("name", HELPERS)
async def test_atk_243_what_a_helper_prints_is_not_echoed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A helper that fails may have printed the secret: its output is in no error."""
    program = tmp_path / f"docker-credential-{name}"
    program.write_text(HELPERS[name])
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "config.json").write_text(f'{{"credsStore": "{name}"}}')
    with pytest.raises(StoreError) as caught:
        await DockerCredentials(tmp_path / "config.json").credential("example.com")
    assert_silent(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"auths": {{"example.com": {{"auth": "{CANARY}"}}}}}}',
        f'{{"auths": {{"example.com": "{CANARY}"}}}}',
        f'{{"auths": {{"example.com": {{"password": ["{CANARY}"]}}}}}}',
        f'{{"auths": "{CANARY}"}}',
        f'{{"auths": {{"example.com": {{"password": "{CANARY}"}}}}',
        f'{{"password": "{CANARY}", "password": "{CANARY}"}}',
    ],
)
async def test_atk_243_a_malformed_config_is_not_echoed(tmp_path: Path, text: str) -> None:
    """The error says where, not what."""
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(StoreError) as caught:
        await DockerCredentials(tmp_path / "config.json").credential("example.com")
    assert_silent(caught.value)


def assert_silent(error: BaseException) -> None:
    """Look for the canary in everything that could be printed of an error."""
    import traceback

    assert CANARY not in "".join(traceback.format_exception(error))
    assert CANARY not in repr(error)
    assert CANARY not in repr(vars(error))


def test_atk_243_representations_have_no_secrets() -> None:
    """Values that hold secrets can be logged."""
    values = (
        Credential(password=CANARY, identity_token=CANARY, registry_token=CANARY),
        StaticOptions(username="me", password=CANARY),
        parse_docker_file(f'{{"auths": {{"a": {{"password": "{CANARY}"}}}}}}'.encode(), "config.json"),
    )
    for value in values:
        assert CANARY not in repr(value)
        assert CANARY not in f"{value}"


def test_atk_244_the_cache_belongs_to_its_user_alone(tmp_path: Path) -> None:
    """Whatever the umask: folders 0700 and files 0600."""
    old = os.umask(0)
    try:
        cache = SqliteCache(tmp_path / "new" / "ratify" / "content.db")
        cache.put("key", b"data")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
        modes["new"] = stat.S_IMODE((tmp_path / "new").stat().st_mode)
        assert cache.get("key") == b"data"
        cache.close()
    finally:
        os.umask(old)
    assert modes.pop("ratify") == modes.pop("new") == 0o700
    assert set(modes.values()) == {0o600}


def prepare_link(path: Path, target: Path) -> None:
    """Put a link to another file in the cache's place."""
    path.symlink_to(target)


def prepare_open_file(path: Path, target: Path) -> None:
    """Put a file that others may write in the cache's place."""
    path.touch()
    path.chmod(0o666)


def prepare_open_folder(path: Path, target: Path) -> None:
    """Let others write to the cache's folder."""
    path.parent.chmod(0o777)


def prepare_linked_folder(path: Path, target: Path) -> None:
    """Put a link in the place of the cache's folder."""
    path.parent.rmdir()
    (target.parent / "elsewhere").mkdir()
    path.parent.symlink_to(target.parent / "elsewhere")


def prepare_pipe(path: Path, target: Path) -> None:
    """Put a pipe in the cache's place."""
    os.mkfifo(path)


@pytest.mark.parametrize(
    "prepare", [prepare_link, prepare_open_file, prepare_open_folder, prepare_linked_folder, prepare_pipe]
)
def test_atk_244_a_cache_that_another_user_prepared_is_not_used(
    tmp_path: Path, prepare: Callable[[Path, Path], None]
) -> None:
    """A link, a pipe, or a place where others may write: no cache, and nothing is written."""
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    path = tmp_path / "cache" / "content.db"
    path.parent.mkdir(mode=0o700)
    prepare(path, target)
    cache = SqliteCache(path)
    cache.put("key", b"data")
    assert cache.get("key") is None
    assert target.read_bytes() == b"precious"
    cache.close()
