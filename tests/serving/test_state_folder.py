"""What a server keeps on disk: a secret of its own, verdicts that only it can write, content that is hashed again."""

from argparse import Namespace
from pathlib import Path

import pytest

from pyratify.caches.on_disk import OnDisk
from pyratify.caches.sqlite_content import SqliteCache
from pyratify.core.errors import ConfigurationError
from pyratify.serving.state_folder import open_content_cache, open_state
from pyratify.testing.fakes import FakeClock
from support.sharing import question, verdict


async def test_verdicts_outlive_a_restart(tmp_path: Path) -> None:
    """The secret is made once; the folder is for its owner alone."""
    folder = tmp_path / "state"
    first = open_state(str(folder), FakeClock())
    await first.put(question(), verdict(), 60)
    await first.aclose()
    second = open_state(str(folder), FakeClock())
    found = await second.get(question())
    assert found is not None
    assert found.result == verdict()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    await second.aclose()


async def test_another_secret_reads_nothing(tmp_path: Path) -> None:
    """Verdicts that another process put into the file are misses."""
    folder = tmp_path / "state"
    first = open_state(str(folder), FakeClock())
    await first.put(question(), verdict(), 60)
    await first.aclose()
    (folder / "secret").write_text("0123456789abcdef" * 4)
    second = open_state(str(folder), FakeClock())
    assert await second.get(question()) is None
    await second.aclose()


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """They could write verdicts."""
    open_state(str(tmp_path / "state"), FakeClock())
    (tmp_path / "state" / "secret").chmod(0o644)
    with pytest.raises(ConfigurationError, match="other users may read"):
        open_state(str(tmp_path / "state"), FakeClock())


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """With the flag that switches it off."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--state") as caught:
        open_state(str(tmp_path / "file" / "state"), FakeClock())
    assert "--state ''" in caught.value.remedy


def test_content_is_kept_where_verdicts_are(tmp_path: Path) -> None:
    """And nowhere without a folder."""
    assert open_content_cache(Namespace(state="")) is None
    cache = open_content_cache(Namespace(state=str(tmp_path / "state")))
    assert cache is not None
    cache.put("key", b"data")
    again = open_content_cache(Namespace(state=str(tmp_path / "state")))
    assert again is not None
    assert again.get("key") == b"data"


async def test_an_entry_that_is_too_long_is_none(tmp_path: Path) -> None:
    """Whatever the file holds."""
    disk = OnDisk(SqliteCache(tmp_path / "state" / "verdicts.sqlite"))
    await disk.put("name", b"12345", 60)
    assert await disk.get("name", 5) == b"12345"
    assert await disk.get("name", 4) is None
    assert await disk.get("other", 5) is None
    await disk.aclose()
