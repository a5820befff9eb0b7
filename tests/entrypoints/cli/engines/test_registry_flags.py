"""What the command's flags say to registries."""

from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoints.conftest import Ran
from pyratify.http import transport_asyncio
from pyratify.http.transport import Transport
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.testing.cosign import CosignKey, attach_classic, sign_classic, simple_signing
from pyratify.testing.registry import Fault, RegistrySimulator
from pyratify.testing.tls import Authority

Run = Callable[..., Ran]


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        (("--timeout", "50"), "timeout", 50.0),
        ((), "timeout", 60.0),
        (("--plain-http",), "plain_http", True),
        ((), "plain_http", None),
    ],
)
def test_a_flag_reaches_the_store(
    run: Run,
    registry: RegistrySimulator,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    field: str,
    value: object,
) -> None:
    """`--timeout 50` allows 50 seconds for one answer, too."""
    given: list[RegistryOptions] = []
    make = transport_asyncio.asyncio_transport

    def record(options: RegistryOptions) -> Transport:
        given.append(options)
        return make(options)

    monkeypatch.setattr(transport_asyncio, "asyncio_transport", record)
    code, _, err = run("resolve", *flags, registry.reference("app", "both"))
    assert code == 0, err
    assert [getattr(options, field) for options in given] == [value]


def test_https_on_this_machine(run: Run, tmp_path: Path) -> None:
    """With `--ca-file`, whatever else; without it the message says that https was spoken."""
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    with RegistrySimulator(tls=authority.server_context("127.0.0.1")) as secure:
        secure.repository("app").add_image("v1")
        reference = secure.reference("app", "v1")
        for more in ((), ("--https",)):
            assert run("resolve", "--ca-file", tmp_path / "ca.pem", *more, reference).code == 0
        code, _, err = run("resolve", reference)
        assert (code, "over https" in err, "TLS_VERIFY" in err) == (2, True, True)


def test_https_is_never_http(run: Run, registry: RegistrySimulator) -> None:
    """`--https` where http is spoken fails, and not one request is sent; both flags at once are refused."""
    reference = registry.reference("app", "both")
    code, _, err = run("resolve", "--https", reference)
    assert (code, "TLS_REQUIRED" in err) == (2, True)
    assert registry.hits == ()
    assert run("resolve", "--https", "--plain-http", reference).code == 3
    assert run("resolve", "-c", "some.yaml", "--https", reference).code == 3


@pytest.mark.parametrize("verb", [("verify", "--key", "key.pub"), ("resolve",), ("discover",)])
def test_a_registry_that_asks_for_an_hour_is_not_waited_for(
    run: Run, registry: RegistrySimulator, material: Path, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    """One request, and until when, in every command."""
    (tmp_path / "key.pub").write_bytes((material / "keys" / "cosign.pub").read_bytes())
    registry.fault(Fault(path="/manifests/", status=429, headers={"Retry-After": "3600"}))
    code, out, err = run(*verb, registry.reference("app", "both"))
    assert code == 2
    assert "HTTP 429" in out + err
    assert "asks for a wait of 3600 seconds, until 2" in out + err
    assert len(registry.hits) == 1


def test_a_certificate_authority_means_https(run: Run, registry: RegistrySimulator, tmp_path: Path) -> None:
    """With `--ca-file` nothing is asked over http, on this machine neither, unless `--plain-http` says so."""
    (tmp_path / "ca.pem").write_text(Authority().pem)
    flags = ("--ca-file", tmp_path / "ca.pem")
    code, _, err = run("resolve", *flags, registry.reference("app", "both"))
    assert (code, "TLS_REQUIRED" in err) == (2, True)
    assert registry.hits == ()
    assert run("resolve", *flags, "--plain-http", registry.reference("app", "both")).code == 0


def test_more_signatures_than_the_limit_are_looked_at_where_the_flag_says_so(
    run: Run, tmp_path: Path
) -> None:
    """Without it the remedy names the flag."""
    key = CosignKey.generate()
    (tmp_path / "key.pub").write_bytes(key.pem)
    with RegistrySimulator() as registry:
        memory = registry.repository("app")
        image = memory.add_image("v1")
        attach_classic(memory, image, *[sign_classic(key, simple_signing(image.digest))] * 2001)
        flags = ("verify", "--key", tmp_path / "key.pub", registry.reference("app", "v1"))
        code, out, err = run(*flags)
        assert (code, "SIGNATURE_LIMIT" in out + err, "--max-signatures" in out + err) == (1, True, True)
        assert run(*flags, "--max-signatures", "3000").code == 0
