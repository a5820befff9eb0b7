"""Registries of three kinds on loopback, and the images that the real signers sign there."""

import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
sys.path.insert(0, str(MATERIAL))

import loopback  # noqa: E402
import make_material as signers  # noqa: E402

DEBIAN = "docker-registry"
KINDS = ("referrers-api", "no-referrers-api", DEBIAN)
PROGRAMS = ("cosign", "cosign2", "crane", "oras", "registry", "notary", "ratify-peer")
IDENTITY = signers.IDENTITY

# What must be said of each image: by a verifier with the trusted cosign key, by one with the trusted authority.
EXPECTED = {
    "cosign-v2": (True, False),
    "cosign-v3": (True, False),
    "jws-rsa": (False, True),
    "jws-ec": (False, True),
    "cose-rsa": (False, True),
    "cose-ec": (False, True),
    "several": (True, True),
    "unsigned": (False, False),
    "wrong-key-v2": (False, False),
    "wrong-key-v3": (False, False),
    "wrong-ca": (False, False),
    "replayed-v2": (False, False),
    "replayed-v3": (False, False),
    "replayed-jws": (False, False),
    "replayed-cose": (False, False),
}


def missing() -> tuple[str, ...]:
    """The programs that `make peers` has not built here."""
    return tuple(name for name in PROGRAMS if not (loopback.PEERS / name).exists())


def sign_everything(repository: loopback.Repository) -> None:
    """Push and sign every image of EXPECTED."""
    for tag in EXPECTED:
        repository.push_image(tag)
    for tag in ("cosign-v2", "several"):
        signers.cosign_v2(repository, tag)
    signers.cosign_v2(repository, "wrong-key-v2", key="other")
    signers.cosign_v3(repository, "cosign-v3")
    signers.cosign_v3(repository, "wrong-key-v3", key="other")
    for envelope in ("jws", "cose"):
        for kind in ("rsa", "ec"):
            signers.notation(repository, f"{envelope}-{kind}", envelope, kind)
    signers.notation(repository, "several", "cose", "ec")
    signers.notation(repository, "wrong-ca", "jws", "other-rsa")
    signers.replay_classic(repository, "cosign-v2", "replayed-v2")
    signers.replay(repository, "cosign-v3", loopback.BUNDLE, "replayed-v3")
    signers.replay(repository, "jws-ec", loopback.NOTATION, "replayed-jws")
    signers.replay(repository, "cose-rsa", loopback.NOTATION, "replayed-cose")


@contextmanager
def running(kind: str, folder: Path) -> Iterator[loopback.Repository]:
    """A registry of one of the KINDS, ended with the block."""
    if kind == DEBIAN:
        with debian(folder) as address:
            yield loopback.Repository(address)
    else:
        flags = () if kind == "referrers-api" else ("-referrers=false",)
        with loopback.registry(*flags) as repository:
            yield repository


@contextmanager
def debian(folder: Path, tls: bytes = b"") -> Iterator[str]:
    """Distribution's own registry, which logs the port it was given; with TLS where a key and certificate are given."""
    config = folder / "config.yml"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    http: dict[str, Any] = {"addr": "127.0.0.1:0"}
    if tls:
        (folder / "server.pem").write_bytes(tls)
        http["tls"] = {"certificate": str(folder / "server.pem"), "key": str(folder / "server.pem")}
    settings = {"version": "0.1", "storage": storage, "http": http}
    config.write_text(json.dumps(settings | {"log": {"level": "info", "formatter": "json"}}))
    environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
    command = [shutil.which(DEBIAN) or DEBIAN, "serve", str(config)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=quiet, env=environment, text=True
    ) as server:
        try:
            address = _address(server)
            # Its log is not read any more, and a full pipe would stop it.
            reader = Thread(target=deque, args=(server.stderr, 0))
            reader.start()
            yield address
        finally:
            server.terminate()
            server.wait()
        reader.join()


def _address(server: "subprocess.Popen[str]") -> str:
    for line in server.stderr or ():
        if "listening on" in line:
            return str(json.loads(line)["msg"]).removesuffix(", tls").split()[-1]
    raise RuntimeError("the registry ended before it listened")


@dataclass(frozen=True)
class Answer:
    """What our command said of one reference."""

    code: int
    results: tuple[dict[str, Any], ...]
    stderr: str

    @property
    def only(self) -> dict[str, Any]:
        """The result, where one reference was asked for."""
        (result,) = self.results
        return result


def ratify(*args: str, program: tuple[str, ...] = (sys.executable, "-m", "pyratify")) -> Answer:
    """Run `ratify verify -o json` as its users do, away from any configuration of theirs."""
    done = command(*program, "verify", "-o", "json", *args)
    results = tuple(json.loads(line) for line in done.stdout.splitlines())
    return Answer(done.returncode, results, done.stderr)


def command(*args: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in an environment that knows no home and no proxy."""
    home = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    return subprocess.run(args, env=home, capture_output=True, text=True, check=False)


def with_key(name: str = "cosign") -> tuple[str, ...]:
    """The flags that trust a cosign key."""
    return ("--key", str(signers.KEYS / f"{name}.pub"))


def with_authority(prefix: str = "") -> tuple[str, ...]:
    """The flags that trust an authority and the signers' identity."""
    return ("--cert", str(signers.CERTS / f"{prefix}ca.pem"), "--trusted-identity", IDENTITY)


# Key types besides cosign's own P-256, and the hash that cosign signs with: its verifier must be told. None: it refuses
# its own signature, for it signs with Ed25519ph and verifies plain Ed25519.
ALGORITHMS = {"rsa-3072": "sha256", "p384": "sha384", "p521": "sha512", "ed25519": None}


def import_key(algorithm: str, folder: Path) -> str:
    """Make a key of another type, give it to cosign, and return the path without its ending."""
    makers: dict[str, Any] = {
        "rsa-3072": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    plain = folder / f"{algorithm}.pem"
    key = makers[algorithm]()
    plain.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    prefix = str(folder / algorithm)
    loopback.run("cosign", "import-key-pair", "--yes", "--key", str(plain), "--output-key-prefix", prefix)
    return prefix
