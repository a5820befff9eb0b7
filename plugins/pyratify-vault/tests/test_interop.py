"""A real Vault on loopback: its keys, its ways to log in, and signatures that it makes for real cosign."""

import base64
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interop import live
from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.entrypoints.cli import main
from pyratify.testing.fakes import FakeClock
from support.ports import free_port

VAULT = live.loopback.PEERS / "vault"
ROOT = "root-of-a-test"
NO_LOG = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}

pytestmark = pytest.mark.interop


@dataclass(frozen=True)
class RealVault:
    """A Vault in development mode."""

    address: str

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API as root."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Vault-Token": ROOT, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealVault]:
    """Return a Vault with a transit, a kv and a PKI engine."""
    if not VAULT.exists():
        pytest.skip("run `make peers` first: there is no vault")
    port = free_port()
    home = tmp_path_factory.mktemp("vault")
    listen = f"-dev-listen-address=127.0.0.1:{port}"
    command = [str(VAULT), "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT}", listen]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            made = RealVault(f"http://127.0.0.1:{port}")
            _prepare(made)
            yield made
        finally:
            process.kill()


def _prepare(vault: RealVault) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            vault.call("GET", "sys/health")
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    vault.call("POST", "sys/mounts/transit", {"type": "transit"})
    vault.call("POST", "sys/mounts/pki", {"type": "pki"})
    vault.call("POST", "pki/root/generate/internal", {"common_name": "A test's authority"})
    policy = 'path "transit/keys/*" { capabilities = ["read"] }'
    vault.call("POST", "sys/policies/acl/ratify", {"policy": policy})


@pytest.fixture
def address(vault: RealVault, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the environment at it."""
    monkeypatch.setenv("VAULT_ADDR", vault.address)
    monkeypatch.setenv("VAULT_TOKEN", ROOT)
    return vault.address


async def read(**parameters: Any) -> tuple[KeyMaterial, ...]:
    """Read keys as a trust policy does."""
    resources = BuildResources(FakeClock(), Path())
    return await (await resources.keys({"vault": parameters}, "keys")).keys()


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-3072", "ed25519"])
async def test_every_version_of_every_kind_of_key_is_read(vault: RealVault, kind: str) -> None:
    """Until the least version that may verify is raised."""
    vault.call("POST", f"transit/keys/{kind}", {"type": kind})
    vault.call("POST", f"transit/keys/{kind}/rotate", {})
    assert [each.version for each in await read(references=[f"hashivault://{kind}"])] == ["1", "2"]
    vault.call("POST", f"transit/keys/{kind}/config", {"min_decryption_version": 2})
    assert [each.version for each in await read(references=[f"hashivault://{kind}"])] == ["2"]


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize(("interval", "renewed"), [(60, False), (3600, True)])
async def test_a_token_is_renewed_where_it_ends_before_the_next_reads(
    vault: RealVault, interval: int, renewed: bool
) -> None:
    """As Vault itself says of the token afterwards."""
    vault.call("POST", "transit/keys/life", {"type": "ecdsa-p256"})
    made = vault.call("POST", "auth/token/create", {"ttl": "1h", "policies": ["ratify"]})["auth"]
    auth = {"method": "token", "token": made["client_token"]}
    await read(references=["hashivault://life"], auth=auth, refreshInterval=interval)
    found = vault.call("POST", "auth/token/lookup-accessor", {"accessor": made["accessor"]})["data"]
    assert ("last_renewal_time" in found) is renewed


@pytest.mark.usefixtures("address")
async def test_a_key_that_does_not_sign_is_refused(vault: RealVault) -> None:
    """And one that is not there, and a token that is none."""
    vault.call("POST", "transit/keys/aes", {"type": "aes256-gcm96"})
    with pytest.raises(ConfigurationError, match="does not sign"):
        await read(transit=[{"name": "aes"}])
    with pytest.raises(ConfigurationError, match="HTTP 404"):
        await read(transit=[{"name": "nosuch"}])
    with pytest.raises(ConfigurationError, match="HTTP 403"):
        await read(transit=[{"name": "aes"}], auth={"method": "token", "token": "wrong"})


@pytest.mark.usefixtures("address")
async def test_documents_and_chains_are_read(vault: RealVault) -> None:
    """Of a kv engine and of a PKI engine."""
    pem = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    vault.call("POST", "secret/data/team/cosign", {"data": {"cosign.pub": text}})
    (found,) = await read(kv=[{"path": "team/cosign", "field": "cosign.pub"}])
    assert (found.data, found.version) == (text.encode(), "1")
    resources = BuildResources(FakeClock(), Path())
    (chain,) = await (
        await resources.certificates({"vault": {"pki": ["pki"]}}, "certificates")
    ).certificates()
    assert chain.data.startswith(b"-----BEGIN CERTIFICATE-----")


@pytest.mark.usefixtures("address")
async def test_approle_and_jwt_log_in(vault: RealVault, tmp_path: Path) -> None:
    """With the policy that the page names, which may read keys and nothing else."""
    vault.call("POST", "transit/keys/mine", {"type": "ecdsa-p256"})
    vault.call("POST", "sys/auth/approle", {"type": "approle"})
    vault.call("POST", "auth/approle/role/r", {"token_policies": "ratify", "token_ttl": "20m"})
    role = vault.call("GET", "auth/approle/role/r/role-id")["data"]["role_id"]
    secret = vault.call("POST", "auth/approle/role/r/secret-id", {})["data"]["secret_id"]
    auth = {"method": "approle", "roleId": role, "secretId": secret}
    assert await read(transit=[{"name": "mine"}], auth=auth)
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    vault.call("POST", "sys/auth/jwt", {"type": "jwt"})
    vault.call(
        "POST", "auth/jwt/config", {"jwt_validation_pubkeys": [public], "jwt_supported_algs": ["ES256"]}
    )
    settings = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["vault"],
        "token_policies": "ratify",
    }
    vault.call("POST", "auth/jwt/role/r", settings)
    (tmp_path / "jwt").write_text(_jwt(key, _claims("vault")))
    file = str(tmp_path / "jwt")
    assert await read(transit=[{"name": "mine"}], auth={"method": "jwt", "role": "r", "jwtFile": file})
    (tmp_path / "jwt").write_text(_jwt(key, _claims("other")))
    with pytest.raises(ConfigurationError, match="HTTP 400"):
        await read(transit=[{"name": "mine"}], auth={"method": "jwt", "role": "r", "jwtFile": file})


def test_what_cosign_signs_with_a_key_of_vault_verifies(
    vault: RealVault, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private half never leaves Vault; after a rotation the old signature still counts, with another key it does not."""
    vault.call("POST", "transit/keys/cosign", {"type": "ecdsa-p256"})
    vault.call("POST", "transit/keys/other", {"type": "ecdsa-p256"})
    (tmp_path / "config.json").write_text(json.dumps(NO_LOG))
    (tmp_path / "blob").write_bytes(b"bytes to trust")
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "VAULT_ADDR": address,
        "VAULT_TOKEN": ROOT,
    }
    program = str(live.loopback.PEERS / "cosign")
    flags = [
        "--yes",
        "--signing-config",
        "config.json",
        "--bundle",
        "bundle.json",
        "--key",
        "hashivault://cosign",
    ]
    command = [program, "sign-blob", *flags, "blob"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    vault.call("POST", "transit/keys/cosign/rotate", {})
    for name, code in (("cosign", 0), ("other", 1)):
        assert (
            main(["verify-file", "--bundle", "bundle.json", "--key", f"hashivault://{name}", "blob"]) == code
        )


def _claims(audience: str) -> Mapping[str, Any]:
    now = int(time.time())
    return {"sub": "ratify", "aud": audience, "iat": now, "nbf": now - 5, "exp": now + 600}


def _jwt(key: ec.EllipticCurvePrivateKey, claims: Mapping[str, Any]) -> str:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    head = f"{_base64(json.dumps({'alg': 'ES256', 'typ': 'JWT'}).encode())}.{_base64(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(head.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{head}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
