"""The flags of shared verdicts, and what the process makes of them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.serving.server_flags import add_serving_flags
from pyratify.serving.shared_verdicts import PASSWORD, open_shared

URL = "redis://127.0.0.1:6379/0"


def flags(*arguments: object) -> Namespace:
    """Return flags."""
    parser = ArgumentParser()
    add_serving_flags(parser)
    return parser.parse_args(["--address", "127.0.0.1:0", *map(str, arguments)])


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A secret in a file."""
    path = tmp_path / "key"
    path.write_text("test-only 0123456789abcdef0123456789abcdef\n")
    return path


def test_nothing_is_shared_unless_asked_for() -> None:
    """And verdicts are remembered for five seconds."""
    assert open_shared(flags(), SystemClock()) is None
    assert flags().verdict_lifetime == 5


async def test_the_password_comes_from_a_file_or_the_environment(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file wins; neither is shown anywhere."""
    (tmp_path / "password").write_text("from-file\n")
    monkeypatch.setenv(PASSWORD, "from-environment")
    for more, expected in (
        ((), "from-environment"),
        (("--shared-cache-password-file", tmp_path / "password"), "from-file"),
    ):
        shared = open_shared(
            flags("--shared-cache", URL, "--shared-cache-key-file", key, *more), SystemClock()
        )
        assert shared is not None
        remote: Any = shared.remote
        assert remote.client.connection_pool.connection_kwargs["password"] == expected
        assert expected not in repr(shared)
        await shared.aclose()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--shared-cache", URL),
        ("--shared-cache-key-file", "key"),
        ("--shared-cache", URL, "--shared-cache-key-file", "missing"),
        ("--shared-cache", URL, "--shared-cache-key-file", "key", "--shared-cache-password-file", "missing"),
        ("--shared-cache", URL, "--shared-cache-key-file", "key", "--shared-cache-password-file", "empty"),
        ("--shared-cache", URL, "--shared-cache-key-file", "key", "--shared-cache-password-file", "long"),
        ("--shared-cache", URL, "--shared-cache-key-file", "key", "--shared-cache-password-file", "binary"),
        ("--shared-cache", "http://x", "--shared-cache-key-file", "key"),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    arguments: tuple[str, ...], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above all a shared cache without a secret."""
    monkeypatch.chdir(key.parent)
    (key.parent / "empty").write_text("\n")
    (key.parent / "long").write_text("x" * 4097)
    (key.parent / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError):
        open_shared(flags(*arguments), SystemClock())
