"""Docker's config.json and its helpers."""

import asyncio
import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.credentials.docker_config import DockerCredentials, default_path
from support.plugins import FakeResources

Install = Callable[[str, str], None]


def auth(text: str) -> dict[str, str]:
    """Return an entry as `docker login` writes it."""
    return {"auth": base64.b64encode(text.encode()).decode()}


def config(folder: Path, document: object) -> DockerCredentials:
    """Write a config.json and return its credentials."""
    path = folder / "config.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return DockerCredentials(path, timeout=20)


async def refused(provider: DockerCredentials, registry: str = "example.com") -> StoreError:
    """Return the error that asking raises."""
    with pytest.raises(StoreError) as caught:
        await provider.credential(registry)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    return caught.value


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs shell scripts as credential helpers."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f".{os.pathsep}{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def write(name: str, script: str) -> None:
        path = folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


class TestFile:
    """What the file itself holds."""

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            (auth("me:secret"), Credential("me", "secret")),
            (auth("me:se:cret\0"), Credential("me", "se:cret")),
            ({"username": "me", "password": "secret"}, Credential("me", "secret")),
            ({**auth("me:secret"), "username": "you", "password": "x"}, Credential("me", "secret")),
            ({**auth("me:"), "identitytoken": "t"}, Credential("me", "", "t")),
            ({"registrytoken": "r"}, Credential(registry_token="r")),
            ({}, ANONYMOUS),
        ],
    )
    async def test_an_entry_is_read_as_docker_reads_it(
        self, tmp_path: Path, entry: dict[str, str], expected: Credential
    ) -> None:
        """`auth` wins over separate fields; tokens are kept apart."""
        assert await config(tmp_path, {"auths": {"example.com": entry}}).credential("example.com") == expected

    @pytest.mark.parametrize(
        ("key", "registry", "found"),
        [
            ("example.com", "example.com", True),
            ("https://example.com", "example.com", True),
            ("http://example.com/", "example.com", True),
            ("https://example.com/v2/", "example.com", True),
            ("example.com/v1/", "example.com", True),
            ("EXAMPLE.com:443", "example.com", True),
            ("example.com:8443", "example.com:8443", True),
            ("https://index.docker.io/v1/", "docker.io", True),
            ("index.docker.io", "docker.io", True),
            ("docker.io", "docker.io", True),
            ("example.com:8443", "example.com", False),
            ("example.com", "example.com:8443", False),
            ("example.com/team", "example.com", False),
            ("ftp://example.com", "example.com", False),
            ("registry.example.com", "example.com", False),
            ("example.com.evil.io", "example.com", False),
            ("not a host", "example.com", False),
        ],
    )
    async def test_a_registry_is_matched_exactly(
        self, tmp_path: Path, key: str, registry: str, found: bool
    ) -> None:
        """Host and port are equal after Docker's spellings are normalised; a part of a name is another name."""
        provider = config(tmp_path, {"auths": {key: auth("me:secret")}})
        assert await provider.credential(registry) == (Credential("me", "secret") if found else ANONYMOUS)

    async def test_the_exact_spelling_comes_first(self, tmp_path: Path) -> None:
        """Of several entries for one registry the plain one is meant."""
        auths = {
            "https://example.com/": auth("old:x"),
            "example.com": auth("new:x"),
            "http://example.com": auth("z:x"),
        }
        assert (await config(tmp_path, {"auths": auths}).credential("example.com")).username == "new"
        del auths["example.com"]
        assert (await config(tmp_path, {"auths": auths}).credential("example.com")).username == "old"

    @pytest.mark.parametrize(
        "entry",
        [
            "text",
            None,
            1,
            {"auth": "%%%"},
            auth("nocolon"),
            auth(":no-user"),
            {"identitytoken": 1},
            {"auth": "é"},
        ],
    )
    async def test_a_malformed_entry_is_an_error_for_its_own_registry_only(
        self, tmp_path: Path, entry: Any
    ) -> None:
        """Requests for another registry are not affected."""
        provider = config(tmp_path, {"auths": {"example.com": entry or [], "other.example": auth("me:x")}})
        assert "example.com" in str(await refused(provider))
        assert (await provider.credential("other.example")).username == "me"

    @pytest.mark.parametrize(
        "document",
        [
            "bad",
            "[]",
            {"auths": "x"},
            {"credHelpers": [1]},
            {"credHelpers": {"a": 1}},
            {"credsStore": 1},
            '{"a":1,"a":2}',
            '{"a":NaN}',
        ],
    )
    async def test_a_malformed_file_is_an_error_that_names_it(self, tmp_path: Path, document: object) -> None:
        """It is never taken for an empty one."""
        assert str(tmp_path / "config.json") in str(await refused(config(tmp_path, document)))

    @pytest.mark.parametrize(
        "document", ["", " \n\t", "{}", {"auths": None, "credHelpers": None, "credsStore": ""}]
    )
    async def test_an_empty_file_holds_nothing(self, tmp_path: Path, document: object) -> None:
        """Docker writes nothing before a login; a message has nothing to say of it."""
        found = await config(tmp_path, document).credential("example.com")
        assert (found, found.note) == (ANONYMOUS, "")

    async def test_a_missing_file_holds_nothing(self, tmp_path: Path) -> None:
        """Who never logged in is anonymous."""
        assert (
            await DockerCredentials(tmp_path / "none" / "config.json").credential("example.com") == ANONYMOUS
        )

    async def test_a_file_that_cannot_be_read_is_an_error(self, tmp_path: Path) -> None:
        """Neither a folder nor something huge is taken for an empty file."""
        assert "cannot be read" in str(await refused(DockerCredentials(tmp_path)))
        assert "has more than" in str(await refused(config(tmp_path, " " * (1 << 20) + "{}")))

    async def test_a_new_login_is_seen_at_once(self, tmp_path: Path) -> None:
        """The file is read whenever a credential is needed."""
        provider = config(tmp_path, {})
        assert await provider.credential("example.com") == ANONYMOUS
        config(tmp_path, {"auths": {"example.com": auth("me:x")}})
        assert (await provider.credential("example.com")).username == "me"


class TestPlaces:
    """Where the file is looked for."""

    def test_the_environment_decides(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`$DOCKER_CONFIG`, else the home folder."""
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("DOCKER_CONFIG", raising=False)
        assert default_path() == tmp_path / ".docker" / "config.json"
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "other"))
        assert default_path() == tmp_path / "other" / "config.json"

    async def test_a_user_without_a_home_is_anonymous(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A container's user may have neither variable nor entry."""

        def nowhere() -> Path:
            """Fail as `Path.home` does."""
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.delenv("DOCKER_CONFIG", raising=False)
        monkeypatch.setattr(Path, "home", nowhere)
        assert await DockerCredentials().credential("example.com") == ANONYMOUS

    async def test_the_plugin_takes_a_path_or_looks_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A named file must exist; without a name Docker's places are used."""
        config(tmp_path, {"auths": {"example.com": auth("me:x")}})
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        for parameters in ({}, {"path": "config.json"}):
            assert (await (await build(parameters, tmp_path)).credential("example.com")).username == "me"
        with pytest.raises(ConfigurationError, match="there is no file"):
            await build({"path": "none.json"}, tmp_path)


async def build(parameters: dict[str, str], base: Path) -> Any:
    """Build the provider as the configuration reader does."""
    plugin = Registry[Any]("credentials").load("docker", "credential.provider")
    return await plugin.build("docker", msgspec.convert(parameters, plugin.options), FakeResources(base=base))


KEYS = {
    "example.com": "host",
    "example.com/team": "team",
    "example.com/team/app": "app",
    "https://example.com/v2/kubelet": "kubelet",
    "*.example.com": "zone",
    "eu.*.example.com:5000/team": "zone-team",
    "docker.io/library/nginx": "nginx",
    "https://index.docker.io/v1/": "hub",
    "other.io:5000/group": "group",
    "https://legacy.io/path/": "legacy",
    "*": "label",
}


class TestPaths:
    """Entries for a part of a registry, and for several registries."""

    @pytest.mark.parametrize(
        ("registry", "repository", "user"),
        [
            ("example.com", "team/app", "app"),
            ("example.com", "team/app/deep", "app"),
            ("example.com", "team/apple", "team"),
            ("example.com", "team", "team"),
            ("example.com", "teamster", "host"),
            ("example.com", "other/team/app", "host"),
            ("example.com", "kubelet/x", "kubelet"),
            ("example.com", "", "host"),
            ("a.example.com", "team/app", "zone"),
            ("a.b.example.com", "team/app", ""),
            ("a.example.com:5000", "team/app", ""),
            ("eu.b.example.com:5000", "team/app", "zone-team"),
            ("eu.b.example.com:5000", "other", ""),
            ("eu.b.example.com", "team/app", ""),
            ("a.example.com.evil.io", "team/app", ""),
            ("evil-example.com", "team/app", ""),
            ("docker.io", "library/nginx", "nginx"),
            ("docker.io", "library/redis", "hub"),
            ("other.io:5000", "group/app", "group"),
            ("other.io:5000", "groups/app", ""),
            ("other.io", "group/app", ""),
            ("legacy.io", "path/app", "legacy"),
            ("legacy.io", "app", "legacy"),
            ("localhost", "app", "label"),
        ],
    )
    async def test_the_longest_match_is_meant(
        self, tmp_path: Path, registry: str, repository: str, user: str
    ) -> None:
        """As podman and kubelet do, by whole components of the path and whole labels of the host."""
        provider = config(tmp_path, {"auths": {key: auth(f"{name}:x") for key, name in KEYS.items()}})
        assert (await provider.repository_credential(registry, repository)).username == user

    async def test_the_order_of_the_file_does_not_matter(self, tmp_path: Path) -> None:
        """The same with the entries in reverse."""
        entries = {key: auth(f"{name}:x") for key, name in reversed(KEYS.items())}
        provider = config(tmp_path, {"auths": entries})
        assert (await provider.repository_credential("example.com", "team/app")).username == "app"

    async def test_an_exact_host_comes_before_a_pattern(self, tmp_path: Path) -> None:
        """However long the pattern's path is, and the pattern with more letters before the other."""
        entries = {"*.b.c/team/app": auth("star:x"), "a.b.c": auth("exact:x")}
        found = await config(tmp_path, {"auths": entries}).repository_credential("a.b.c", "team/app")
        assert found.username == "exact"
        entries = {"*.*.c": auth("two:x"), "*.b.c": auth("one:x")}
        found = await config(tmp_path, {"auths": entries}).repository_credential("a.b.c", "team/app")
        assert found.username == "one"

    @pytest.mark.parametrize(
        "key", ["ftp://example.com", "example.com//other", "example.com/team", "example.com:x"]
    )
    async def test_no_entry_of_the_registry_is_passed_over_silently(self, tmp_path: Path, key: str) -> None:
        """Anonymous access says which keys there are, and that none of them is for this repository."""
        others = {"unrelated.io": auth("me:x"), "ftp://unrelated.io": auth("me:x")}
        provider = config(tmp_path, {"auths": {key: auth("me:canary"), **others}})
        found = await provider.repository_credential("example.com", "other/app")
        assert found == ANONYMOUS
        assert f"{key!r} is not for example.com/other/app" in found.note
        assert "canary" not in found.note
        assert "unrelated" not in found.note

    async def test_what_was_found_says_under_which_key(self, tmp_path: Path) -> None:
        """For the message of a registry that refuses it."""
        provider = config(tmp_path, {"auths": {"example.com/team": auth("me:x")}})
        found = await provider.repository_credential("example.com", "team/app")
        assert found.note == f"'example.com/team' in {tmp_path / 'config.json'}"

    async def test_only_the_entry_that_is_meant_is_read(self, tmp_path: Path) -> None:
        """A malformed one for another repository harms nothing, its own is an error."""
        entries = {"example.com/bad": {"auth": "%"}, "example.com": auth("me:x")}
        provider = config(tmp_path, {"auths": entries})
        assert (await provider.repository_credential("example.com", "good")).username == "me"
        with pytest.raises(StoreError, match="entry for example"):
            await provider.repository_credential("example.com", "bad/app")

    @pytest.mark.parametrize("break_", ["\n", "\r\n"])
    async def test_auth_may_be_broken_into_lines(self, tmp_path: Path, break_: str) -> None:
        """As `base64` prints it."""
        text = auth("me:" + "s" * 90)["auth"]
        entry = {"auth": break_.join((text[:76], text[76:], ""))}
        found = await config(tmp_path, {"auths": {"a.io": entry}}).credential("a.io")
        assert found == Credential("me", "s" * 90)
        with pytest.raises(StoreError, match="auth is not the base64"):
            await config(tmp_path, {"auths": {"a.io": {"auth": text + " "}}}).credential("a.io")


class TestHelpers:
    """Programs that know credentials."""

    async def test_a_helper_is_asked_for_the_registry_as_docker_spells_it(
        self, tmp_path: Path, install: Install
    ) -> None:
        """The host goes to its standard input; Docker Hub has a name of its own."""
        install(
            "echo",
            """read host || true; [ "$1" = get ] && printf '{"Username":"%s","Secret":"s"}' "$host" """,
        )
        provider = config(tmp_path, {"credsStore": "echo"})
        assert await provider.credential("example.com:5000") == Credential("example.com:5000", "s")
        assert (await provider.credential("docker.io")).username == "https://index.docker.io/v1/"

    async def test_a_helper_for_one_registry_comes_first(self, tmp_path: Path, install: Install) -> None:
        """`credHelpers` before `credsStore` before `auths`; an empty name means the file itself."""
        for name in ("one", "all"):
            install(name, f"""echo '{{"ServerURL":"x","Username":"{name}","Secret":"s"}}'""")
        auths = {"c.example": auth("file:x"), "a.example": auth("file:x")}
        helpers = {"a.example": "one", "https://c.example": ""}
        provider = config(tmp_path, {"auths": auths, "credHelpers": helpers, "credsStore": "all"})
        names = [
            (await provider.credential(name)).username for name in ("a.example", "b.example", "c.example")
        ]
        assert names == ["one", "all", "file"]

    async def test_a_helpers_token_is_an_identity_token(self, tmp_path: Path, install: Install) -> None:
        """The helpers' protocol marks tokens by a user name."""
        install("token", """echo '{"Username":"<token>","Secret":"t"}'""")
        assert await config(tmp_path, {"credsStore": "token"}).credential("a.io") == Credential(
            identity_token="t"
        )

    async def test_a_helper_that_knows_nothing_means_anonymous(
        self, tmp_path: Path, install: Install
    ) -> None:
        """As Docker, which then does not look into the file either."""
        install("none", "echo credentials not found in native keychain; exit 1")
        provider = config(tmp_path, {"credsStore": "none", "auths": {"a.io": auth("me:x")}})
        found = await provider.credential("a.io")
        assert found == ANONYMOUS
        assert "docker-credential-none was asked, and so 'a.io' in" in found.note

    async def test_the_longest_match_is_meant_among_helpers_and_entries(
        self, tmp_path: Path, install: Install
    ) -> None:
        """An entry for a part of the registry comes before the helper of all of it, and the other way round."""
        for name in ("host", "team", "all"):
            install(name, f'echo \'{{"Username": "{name}", "Secret": "s"}}\'')
        document = {
            "credHelpers": {"a.io": "host", "a.io/team": "team", "*.zone.io": "host"},
            "credsStore": "all",
            "auths": {
                "a.io": auth("file:x"),
                "a.io/mine": auth("mine:x"),
                "b.io": auth("file:x"),
                "b.io/mine": auth("mine:x"),
                "c.io/x": {},
                "a.zone.io": auth("mine:x"),
            },
        }
        provider = config(tmp_path, document)
        for repository, user in (("a.io/app", "host"), ("a.io/team/app", "team"), ("a.io/mine/app", "mine"),
                                 ("b.io/app", "all"), ("b.io/mine/app", "mine"), ("c.io/app", "all"), ("d.io/app", "all"),
                                 ("a.zone.io/app", "mine"), ("b.zone.io/app", "host")):  # fmt: skip
            registry, _, path = repository.partition("/")
            assert (await provider.repository_credential(registry, path)).username == user

    @pytest.mark.parametrize(
        ("script", "message"),
        [
            ("exit 3", "code 3"),
            ("kill -9 $$", "code -9"),
            ("echo nothing", "no JSON object"),
            ("echo '{\"Username\": 1}'", "no user name"),
            ("echo '{\"Secret\": []}'", "no user name"),
            ("while :; do echo 0123456789012345678901234567890123456789; done", "more than"),
        ],
    )
    async def test_a_helper_that_fails_is_an_error(
        self, tmp_path: Path, install: Install, script: str, message: str
    ) -> None:
        """A credential that should be there is not silently left out."""
        install("bad", script)
        error = await refused(config(tmp_path, {"credsStore": "bad"}))
        assert message in str(error)
        assert "docker-credential-bad" in error.remedy

    async def test_a_helper_that_hangs_is_given_up(self, tmp_path: Path, install: Install) -> None:
        """Time is bounded."""
        install("slow", "exec sleep 60")
        config(tmp_path, {"credsStore": "slow"})
        error = await refused(DockerCredentials(tmp_path / "config.json", timeout=0.01))
        assert "did not answer within 0.01 seconds" in str(error)

    async def test_a_helper_of_a_cancelled_request_is_ended_with_its_children(
        self, tmp_path: Path, install: Install
    ) -> None:
        """Nothing is left running: the pipe that both hold open comes to its end, and not by theirs."""
        os.mkfifo(tmp_path / "pipe")
        # Ready once it has heard everything: from there on it is no longer only starting.
        script = f"exec 3> {tmp_path}/pipe; cat > /dev/null; echo ready >&3; (sleep 20; echo late >&3) & wait"
        install("slow", script)
        asking = asyncio.create_task(config(tmp_path, {"credsStore": "slow"}).credential("a.io"))
        with await asyncio.to_thread(open, tmp_path / "pipe") as pipe:
            assert await asyncio.to_thread(pipe.readline) == "ready\n"
            asking.cancel()
            assert await asyncio.to_thread(pipe.read) == ""
        with pytest.raises(asyncio.CancelledError):
            await asking

    async def test_a_helper_that_is_only_starting_is_ended_too(
        self, tmp_path: Path, install: Install
    ) -> None:
        """However early the caller loses interest, the program does not outlive it."""
        os.mkfifo(tmp_path / "pipe")
        install("slow", f"exec 3> {tmp_path}/pipe; (sleep 20; echo late >&3) & wait")
        asking = asyncio.create_task(config(tmp_path, {"credsStore": "slow"}).credential("a.io"))
        await asyncio.sleep(0)
        keeper = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        os.set_blocking(keeper, True)
        assert await asyncio.to_thread(os.read, keeper, 1) == b""
        os.close(keeper)

    async def test_a_helper_that_does_not_listen_may_still_answer(
        self, tmp_path: Path, install: Install
    ) -> None:
        """A closed standard input is no error."""
        install("deaf", """exec <&-; echo '{"Username":"u","Secret":"s"}'""")
        assert (await config(tmp_path, {"credsStore": "deaf"}).credential("a.io")).username == "u"

    async def test_a_helper_sees_no_foreign_variables(
        self, tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only what known helpers need is handed on."""
        monkeypatch.setenv("RATIFY_PASSWORD", "x")
        monkeypatch.setenv("LD_PRELOAD_NOT", "x")
        monkeypatch.setenv("AWS_PROFILE", "mine")
        install("env", f"env > {tmp_path}/env; echo '{{}}'")
        assert await config(tmp_path, {"credsStore": "env"}).credential("a.io") == ANONYMOUS
        text = (tmp_path / "env").read_text()
        assert "AWS_PROFILE=mine" in text
        assert "RATIFY" not in text
        assert "LD_" not in text

    @pytest.mark.parametrize("name", ["../evil", "/bin/sh", "a b", "-x", "x" * 65, "a\0b"])
    async def test_a_name_that_is_a_path_is_refused(
        self, tmp_path: Path, install: Install, name: str
    ) -> None:
        """Only a plain name becomes part of a program's name."""
        assert "cannot be the name" in str(await refused(config(tmp_path, {"credsStore": name})))

    async def test_a_missing_helper_is_named(
        self, tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Programs in the working folder are not run, whatever PATH says."""
        program = tmp_path / "docker-credential-here"
        program.write_text("#!/bin/sh\ntrue\n")
        program.chmod(stat.S_IRWXU)
        monkeypatch.chdir(tmp_path)
        error = await refused(config(tmp_path, {"credsStore": "here"}))
        assert "docker-credential-here is not installed" in str(error)

    async def test_a_helper_that_is_no_program_is_an_error(self, tmp_path: Path, install: Install) -> None:
        """An interpreter that does not exist, for instance."""
        install("odd", "")
        (tmp_path / "bin" / "docker-credential-odd").write_text("#!/no/such/interpreter\n")
        assert "cannot be started" in str(await refused(config(tmp_path, {"credsStore": "odd"})))


class TestFixtures:
    """The files that oras-go tests itself with."""

    @pytest.mark.parametrize(
        ("file", "registry", "expected"),
        [
            ("valid_auths_config.json", "registry1.example.com", Credential("username", "password")),
            ("valid_auths_config.json", "registry2.example.com", Credential(identity_token="identity_token")),
            ("valid_auths_config.json", "registry3.example.com", Credential(registry_token="registry_token")),
            (
                "valid_auths_config.json",
                "registry4.example.com",
                Credential("username", "password", "identity_token", "registry_token"),
            ),
            ("valid_auths_config.json", "registry5.example.com", ANONYMOUS),
            ("valid_auths_config.json", "registry6.example.com", Credential("username", "password")),
            ("valid_auths_config.json", "registry7.example.com", Credential("username", "password")),
            ("valid_auths_config.json", "registry8.example.com", ANONYMOUS),
            ("legacy_auths_config.json", "registry1.example.com", Credential("username1", "password1")),
            ("legacy_auths_config.json", "registry2.example.com", Credential("username2", "password2")),
            ("legacy_auths_config.json", "registry3.example.com", Credential("username3", "password3")),
            ("legacy_auths_config.json", "registry4.example.com", Credential("username4", "password4")),
            ("legacy_auths_config.json", "registry5.example.com", Credential("username5", "password5")),
            ("legacy_auths_config.json", "registry6.example.com", Credential("username6", "password6")),
            ("credHelpers_config.json", "registry3.example.com", Credential("foo", "bar")),
            ("no_auths_config.json", "registry1.example.com", ANONYMOUS),
            ("empty.json", "registry1.example.com", ANONYMOUS),
            ("whitespace.json", "registry1.example.com", ANONYMOUS),
            ("bad_config", "registry1.example.com", None),
            ("invalid_auths_config.json", "registry1.example.com", None),
            ("invalid_auths_entry_config.json", "registry1.example.com", None),
            ("invalid_auths_entry_config.json", "registry2.example.com", None),
            ("invalid_auths_entry_config.json", "registry3.example.com", None),
            ("credHelpers_config.json", "registry1.example.com", None),
            ("credsStore_config.json", "test.example.com", None),
            ("credsStore_config.json", "other.example.com", None),
        ],
    )
    async def test_they_are_read_in_the_same_way(
        self, shared: Path, file: str, registry: str, expected: Credential | None
    ) -> None:
        """None stands for an error; the helpers that some name are not installed."""
        provider = DockerCredentials(shared / "oras/oras-go-docker-config" / file)
        if expected is None:
            await refused(provider, registry)
        else:
            assert await provider.credential(registry) == expected
