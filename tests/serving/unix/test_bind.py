"""Unix sockets that this process makes: their mode, what is in their place, and who removes them."""

import os
import socket
import stat
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.unix.bind import BoundSocket, bind_unix


def bound(path: Path) -> BoundSocket:
    """Return a socket at a path whose listener the test closes."""
    return bind_unix(path)


def test_a_socket_is_for_its_owner_and_group_alone(tmp_path: Path) -> None:
    """Mode 0660 from the first moment on: it gets its name last."""
    one = bound(tmp_path / "node.sock")
    with one.listener:
        status = one.path.lstat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o660
        assert [path.name for path in tmp_path.iterdir()] == ["node.sock"]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(one.path))
    one.remove()
    assert not one.path.exists()


def test_the_folder_is_made(tmp_path: Path) -> None:
    """As /run/ratify after a boot."""
    one = bound(tmp_path / "run" / "ratify" / "node.sock")
    with one.listener:
        assert one.path.exists()


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """Its process died and left the file."""
    path = tmp_path / "node.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    one = bound(path)
    with one.listener:
        assert not one.fault()


def test_a_live_socket_is_not_taken_over(tmp_path: Path) -> None:
    """Two daemons at one path would answer by turns."""
    first = bound(tmp_path / "node.sock")
    with first.listener:
        with pytest.raises(ConfigurationError, match="another process listens there"):
            bound(first.path)
        assert not first.fault()
        assert [path.name for path in tmp_path.iterdir()] == ["node.sock"]


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    """A typing error must not cost a file; a link is no socket either."""
    path = tmp_path / "node.sock"
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match="no socket"):
        bound(path)
    assert path.read_text() == "precious"


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    """They could put a socket of their own in the place of this one."""
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="mode 0777"):
        bound(folder / "node.sock")
    folder.chmod(0o1777)
    one = bound(folder / "node.sock")
    one.listener.close()


@pytest.mark.parametrize("path", [Path("node.sock"), Path("/tmp") / ("a" * 120)])
def test_a_path_that_cannot_be_used_is_said(path: Path) -> None:
    """Relative to a folder that nothing names, or longer than the kernel takes."""
    with pytest.raises(ConfigurationError):
        bound(path)


def test_a_replaced_socket_is_noticed_and_left_alone(tmp_path: Path) -> None:
    """Another process put its own there: this one is not ready, and does not remove what is not its own."""
    one = bound(tmp_path / "node.sock")
    with one.listener:
        one.path.unlink()
        assert "is gone" in one.fault()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(one.path))
            assert "was replaced" in one.fault()
            one.remove()
            assert one.path.exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """Nothing is left behind."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be listened on: File exists"):
        bound(tmp_path / "file" / "node.sock")


def test_a_server_that_is_too_busy_to_answer_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its backlog is full: it is not replaced."""
    monkeypatch.setattr("pyratify.serving.unix.bind._SECONDS", 0.01)
    path = tmp_path / "node.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(ConfigurationError, match="another process listens there"):
            bound(path)


def test_a_socket_may_belong_to_a_group(tmp_path: Path) -> None:
    """Its members connect without being root."""
    one = bind_unix(tmp_path / "node.sock", group=os.getgid())
    with one.listener:
        assert one.path.lstat().st_gid == os.getgid()
