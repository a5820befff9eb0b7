"""Notation's own folder is found where notation looks for it, and read as notation lays it out."""

from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.verifiers.notation import config_directory
from pyratify.verifiers.notation.config_directory import NotationFolder, user_folder


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NOTATION_CONFIG": "/n", "XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/n"),
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/notation"),
        ({"XDG_CONFIG_HOME": "", "HOME": "/h"}, "/h/.config/notation"),
    ],
)
def test_the_users_folder_is_where_notation_has_it(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable first, then the user's configuration folder."""
    monkeypatch.setattr(config_directory.sys, "platform", "linux")
    assert user_folder(environment).root == Path(expected)


def test_on_a_mac_it_is_below_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notation follows the platform."""
    monkeypatch.setattr(config_directory.sys, "platform", "darwin")
    root = user_folder({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}).root
    assert root == Path("/h/Library/Application Support/notation")


@pytest.mark.parametrize(
    "environment", [{}, {"HOME": "h"}, {"NOTATION_CONFIG": "n"}, {"XDG_CONFIG_HOME": "x"}]
)
def test_a_folder_that_depends_on_where_one_stands_is_refused(environment: dict[str, str]) -> None:
    """A trust policy is never taken from the working directory by accident."""
    with pytest.raises(ConfigurationError, match="no absolute path"):
        user_folder(environment)


def test_the_newer_name_of_the_trust_policy_goes_first(tmp_path: Path) -> None:
    """`trustpolicy.oci.json` replaces `trustpolicy.json`."""
    (tmp_path / "trustpolicy.json").write_bytes(b"old")
    assert NotationFolder(tmp_path).trust_policy() == b"old"
    (tmp_path / "trustpolicy.oci.json").write_bytes(b"new")
    assert NotationFolder(tmp_path).trust_policy() == b"new"
    assert NotationFolder(tmp_path).trust_store == tmp_path / "truststore"


def test_what_is_no_regular_file_is_no_trust_policy(tmp_path: Path) -> None:
    """A link is not followed, a folder is not read, and nothing is not a policy; a newer broken one hides no older."""
    (tmp_path / "real").write_bytes(b"{}")
    (tmp_path / "trustpolicy.json").write_bytes(b"{}")
    (tmp_path / "trustpolicy.oci.json").symlink_to("real")
    (tmp_path / "trustpolicy.blob.json").mkdir()
    for read in (NotationFolder(tmp_path).trust_policy, NotationFolder(tmp_path).blob_policy):
        with pytest.raises(ConfigurationError, match="no regular file"):
            read()
    with pytest.raises(ConfigurationError, match="no regular file"):
        NotationFolder(tmp_path / "missing").trust_policy()


def test_a_trust_policy_is_bounded(tmp_path: Path) -> None:
    """A file that is too large is not read whole."""
    (tmp_path / "trustpolicy.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(ConfigurationError, match="more than"):
        NotationFolder(tmp_path).trust_policy()
