"""Keys and certificates from the configuration and from files."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import ALWAYS, KeyMaterial, Validity
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.keys.documents import FileDocuments, InlineDocuments
from support.plugins import FakeResources

PUBLIC = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
PRIVATE = PUBLIC.replace(b"PUBLIC", b"PRIVATE")


def files(folder: Path, *names: str) -> Path:
    """Write files, each with its own name in a comment, and return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"# %s\n" % name.encode() + PUBLIC)
    return folder


def kubernetes(folder: Path, *names: str) -> Path:
    """Write files as Kubernetes mounts them: links to a hidden folder that is swapped as a whole."""
    folder.mkdir(parents=True)
    files(folder / "..2026_06_01", *names)
    (folder / "..data").symlink_to("..2026_06_01")
    for name in {name.split("/")[0] for name in names}:
        (folder / name).symlink_to(f"..data/{name}")
    return folder


async def origins(*paths: Path, **options: Any) -> list[str]:
    """Return the names of the files that were read."""
    return [Path(material.origin).name for material in await FileDocuments(paths, **options).keys()]


class TestInline:
    """The provider `inline`."""

    async def test_keys_and_certificates_are_kept_apart(self) -> None:
        """What is asked for is what was given under that name."""
        documents = InlineDocuments(certs="a certificate", keys="a key")
        assert await documents.keys() == (KeyMaterial(b"a key", "inline keys"),)
        assert await documents.certificates() == (KeyMaterial(b"a certificate", "inline certs"),)

    @pytest.mark.parametrize("text", ["", " \n", PRIVATE.decode()])
    async def test_nothing_or_a_private_key_is_refused(self, text: str) -> None:
        """An empty trust store never verifies anything, and private keys have no place there."""
        documents = InlineDocuments(certs=text, keys=text)
        for work in (documents.keys(), documents.certificates()):
            with pytest.raises(ConfigurationError) as caught:
                await work
            assert caught.value.reason is Reason.KEY_INVALID


class TestFiles:
    """The provider `files`."""

    async def test_files_and_folders_are_read_in_order(self, tmp_path: Path) -> None:
        """Paths in the order given, a folder's files by name, folders in it too, hidden ones not."""
        files(tmp_path / "folder", "b.pem", "a.pem", "deep/c.crt", ".hidden", ".git/config")
        files(tmp_path, "z.pub")
        assert await origins(tmp_path / "z.pub", tmp_path / "folder") == ["z.pub", "a.pem", "b.pem", "c.crt"]

    async def test_the_content_is_delivered_as_it_is(self, tmp_path: Path) -> None:
        """DER is not touched, and the origin is the file."""
        (tmp_path / "key.der").write_bytes(b"0\x00\xff")
        documents = FileDocuments([tmp_path / "key.der"])
        expected = (KeyMaterial(b"0\x00\xff", str(tmp_path / "key.der")),)
        assert await documents.keys() == expected
        assert await documents.certificates() == expected

    async def test_a_kubernetes_mount_is_read_once(self, tmp_path: Path) -> None:
        """Links that stay in the mount are followed; the hidden folders they lead through are not read beside them."""
        mount = kubernetes(tmp_path / "mount", "ca.crt", "more/other.crt")
        assert await origins(mount) == ["ca.crt", "other.crt"]
        assert await origins(mount / "ca.crt") == ["ca.crt"]

    async def test_a_file_is_read_anew_each_time(self, tmp_path: Path) -> None:
        """Rotation needs no restart: the next read returns the new keys."""
        files(tmp_path, "a.pem")
        documents = FileDocuments([tmp_path])
        assert len(await documents.keys()) == 1
        files(tmp_path, "b.pem")
        assert len(await documents.keys()) == 2

    async def test_a_link_on_the_command_line_may_be_followed(self, tmp_path: Path) -> None:
        """Who names a file by hand may name a link."""
        files(tmp_path / "elsewhere", "real.pem")
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "link.pem").symlink_to(tmp_path / "elsewhere" / "real.pem")
        assert await origins(tmp_path / "here" / "link.pem", follow_links=True) == ["real.pem"]
        with pytest.raises(ConfigurationError, match="leads out of its folder"):
            await origins(tmp_path / "here" / "link.pem")

    async def test_too_many_files_or_levels_are_refused(self, tmp_path: Path) -> None:
        """A folder that is no trust store is not read to its end."""
        files(tmp_path / "many", *(f"{number}.pem" for number in range(1001)))
        with pytest.raises(ConfigurationError, match="1000 files"):
            await origins(tmp_path / "many")
        files(tmp_path / "deep", "1/2/3/4/5/6/7/8/9/a.pem")
        with pytest.raises(ConfigurationError, match="8 levels"):
            await origins(tmp_path / "deep")

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda path: path.write_bytes(b"x" * (1 << 20) + b"x"), "has more than"),
            (os.mkfifo, "not a regular file"),
            (lambda path: path.symlink_to(path), "cannot be read"),
        ],
        ids=["too large", "pipe", "loop of links"],
    )
    async def test_what_is_no_plain_document_is_refused(
        self, tmp_path: Path, make: Callable[[Path], Any], message: str
    ) -> None:
        """Nothing is waited for and nothing is read without a bound."""
        make(tmp_path / "key.pem")
        with pytest.raises(ConfigurationError, match=message):
            await origins(tmp_path / "key.pem")

    async def test_a_file_that_vanishes_between_listing_and_reading_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A trust store never becomes smaller silently."""
        files(tmp_path, "a.pem")
        real = os.open

        def vanished(path: Any, *args: Any, **options: Any) -> int:
            """Refuse to open one file."""
            if str(path).endswith("a.pem"):
                raise PermissionError(13, "Permission denied")
            return real(path, *args, **options)

        monkeypatch.setattr(os, "open", vanished)
        with pytest.raises(ConfigurationError, match="Permission denied") as caught:
            await origins(tmp_path)
        assert caught.value.reason is Reason.KEY_UNAVAILABLE


class TestPlugins:
    """The plugins as the configuration reader builds them."""

    async def test_files_takes_ratify_v2s_bare_list(self, tmp_path: Path) -> None:
        """Relative paths start at the configuration's folder."""
        files(tmp_path, "a.pem")
        provider = await build("files", ["a.pem", str(tmp_path / "a.pem")], tmp_path)
        assert len(await provider.keys()) == 2

    async def test_inline_takes_ratify_v2s_object(self, tmp_path: Path) -> None:
        """Certificates and keys are named."""
        provider = await build("inline", {"keys": PUBLIC.decode()}, tmp_path)
        assert (await provider.keys())[0].data == PUBLIC

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("files", []),
            ("files", [""]),
            ("files", "a.pem"),
            ("inline", {}),
            ("inline", {"certs": " "}),
            ("inline", {"cert": "x"}),
            ("inline", "x"),
        ],
    )
    async def test_parameters_without_keys_are_refused(
        self, tmp_path: Path, name: str, parameters: Any
    ) -> None:
        """No keys, a misspelt name, another type: refused when the configuration is read."""
        with pytest.raises((ConfigurationError, msgspec.ValidationError)):
            await build(name, parameters, tmp_path)


async def build(name: str, parameters: Any, base: Path) -> Any:
    """Build a provider as the configuration reader does."""
    plugin = Registry[Any]("keys").load(name, "keys")
    return await plugin.build(name, msgspec.convert(parameters, plugin.options), FakeResources(base=base))


class TestPeriods:
    """When keys are trusted."""

    START, END = "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"
    PERIOD = Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))

    async def provider(self, name: str, parameters: Any, base: Path = Path()) -> Any:
        """Build a provider as a configuration names it."""
        plugin = Registry[Any]("keys").load(name, "")
        options = msgspec.convert(parameters, plugin.options)
        return await plugin.build(name, options, FakeResources(base=base))

    async def test_files_may_each_have_a_period(self, tmp_path: Path) -> None:
        """Beside others without one; a folder gives its own to all its files."""
        files(tmp_path, "new.pub", "old/a.pub", "old/b.pub")
        parameters = ["new.pub", {"path": "old", "notBefore": self.START, "notAfter": self.END}]
        found = await (await self.provider("files", parameters, tmp_path)).keys()
        assert [material.validity for material in found] == [ALWAYS, self.PERIOD, self.PERIOD]

    async def test_keys_in_the_configuration_may_have_one(self) -> None:
        """Also with one end alone."""
        found = await (await self.provider("inline", {"keys": "a key", "notAfter": self.END})).keys()
        assert found[0].validity == Validity(None, self.PERIOD.end)

    @pytest.mark.parametrize(
        ("name", "parameters", "path"),
        [
            ("inline", {"keys": "a key", "notBefore": "yesterday"}, "notBefore"),
            ("inline", {"keys": "a key", "notBefore": END, "notAfter": START}, "notAfter"),
            ("files", ["a.pub", {"path": "b.pub", "notAfter": "2026-13-01T00:00:00Z"}], "[1].notAfter"),
            ("files", ["a.pub", {"path": "a.pub", "notAfter": END}], "[1]"),
        ],
    )
    async def test_a_period_that_is_none_is_refused(self, name: str, parameters: Any, path: str) -> None:
        """With the place where it stands."""
        with pytest.raises(ConfigurationError) as caught:
            await self.provider(name, parameters)
        assert caught.value.path == path

    async def test_certificates_say_themselves_how_long_they_are_valid(self, tmp_path: Path) -> None:
        """A period beside one would be ignored, so it is refused."""
        files(tmp_path, "ca.pem")
        period = {"notAfter": self.END}
        for name, parameters in (
            ("files", [{"path": "ca.pem", **period}]),
            ("inline", {"certs": "ca", **period}),
        ):
            provider = await self.provider(name, parameters, tmp_path)
            with pytest.raises(ConfigurationError, match="for keys"):
                await provider.certificates()
