"""Signatures of notation-go with timestamps of a real authority, judged by notation-go and by our command."""

import json
import re
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import pytest

from interop import live
from pyratify.core.key import KeyMaterial
from pyratify.pki.certificates import load_certificates
from pyratify.testing.certificates import authority, pem

pytestmark = pytest.mark.interop
SERVER = live.loopback.PEERS / "timestamp-server"
LEVELS = ("strict", "permissive", "audit")
SERVE = (
    *("serve", "--host", "127.0.0.1", "--port", "0", "--timestamp-signer", "memory"),
    *("--disable-ntp-monitoring", "--include-chain-in-response"),
)


@contextmanager
def timestamp_server() -> Iterator[str]:
    """A timestamp authority with a chain of its own, ended with the block."""
    with subprocess.Popen(
        [SERVER, *SERVE], stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            lines = iter(server.stdout or ())
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in lines)
            address = next(match.group() for match in found if match)
            # Its log is not read any more, and a full pipe would stop it.
            reader = Thread(target=deque, args=(lines, 0))
            reader.start()
            yield address
        finally:
            server.terminate()
            server.wait()
        reader.join()


@pytest.fixture(scope="module")
def repository(peers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.loopback.Repository]:
    """Images signed in both formats, with a timestamp and without, and the authority's root beside them."""
    if not SERVER.exists():
        pytest.skip("run `make peers` first: there is no timestamp-server")
    roots = tmp_path_factory.getbasetemp() / "tsa-root.pem"
    with live.loopback.registry() as repository, timestamp_server() as address:
        with urlopen(f"{address}/api/v1/timestamp/certchain") as response:
            chain = load_certificates(KeyMaterial(response.read(), address))
        roots.write_bytes(pem(chain[-1].der))
        stamp = ("-tsa", f"{address}/api/v1/timestamp", "-tsa-root", str(roots))
        for envelope in ("jws", "cose"):
            for kind, more in (("stamped", stamp), ("plain", ())):
                repository.push_image(f"{envelope}-{kind}")
                live.signers.notation(
                    repository, f"{envelope}-{kind}", envelope, "ec", "-metadata", "stage=prod", *more
                )
        yield repository


@pytest.fixture
def roots(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | None]:
    """Which timestamp authorities are trusted: the right one, another one, or none."""
    other = tmp_path / "other.pem"
    other.write_bytes(authority("another tsa").pem)
    return {"right": tmp_path_factory.getbasetemp() / "tsa-root.pem", "other": other, "none": None}


def notation_accepts(reference: str, level: str, root: Path | None) -> bool:
    """Return notation-go's verdict."""
    trust = ("-ca", str(live.signers.CERTS / "ca.pem"), "-identity", live.IDENTITY, "-level", level)
    tsa = ("-tsa", str(root)) if root else ()
    done = live.loopback.peer("notary", "verify", "-plain-http", *trust, *tsa, reference)
    assert "flag provided but not defined" not in done.stderr, "run `make peers` again"
    return done.returncode == 0


def trusting(folder: Path, level: str, root: Path | None) -> tuple[str, ...]:
    """Write the same trust policy for our command, and return the flags that name it."""
    anchors = {"ca": live.signers.CERTS / "ca.pem"} | ({"tsa": root} if root else {})
    for kind, path in anchors.items():
        store = folder / "store" / "x509" / kind / "peer"
        store.mkdir(parents=True, exist_ok=True)
        (store / "root.pem").write_bytes(path.read_bytes())
    statement = {
        "name": "peer",
        "registryScopes": ["*"],
        "signatureVerification": {"level": level},
        "trustStores": [f"{kind}:peer" for kind in anchors],
        "trustedIdentities": [live.IDENTITY],
    }
    policy = folder / "trustpolicy.json"
    policy.write_text(json.dumps({"version": "1.0", "trustPolicies": [statement]}))
    return ("--trust-policy", str(policy), "--trust-store", str(folder / "store"))


@pytest.mark.parametrize("trusted", ["right", "other", "none"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["stamped", "plain"])
@pytest.mark.parametrize("envelope", ["jws", "cose"])
def test_real_timestamps_have_notations_verdict(
    envelope: str,
    kind: str,
    level: str,
    trusted: str,
    repository: live.loopback.Repository,
    roots: dict[str, Path | None],
    tmp_path: Path,
) -> None:
    """By a trusted authority, by another one, and none at all."""
    reference, root = f"{repository.name}:{envelope}-{kind}", roots[trusted]
    flags = trusting(tmp_path, level, root)
    ours = live.ratify(*flags, "-m", "stage=prod", reference)
    assert ours.code in (0, 1), ours.stderr
    assert (ours.code == 0) is notation_accepts(reference, level, root)
    expected = level != "strict" or trusted == "none" or (trusted, kind) == ("right", "stamped")
    assert (ours.code == 0) is expected
    assert live.ratify(*flags, "-m", "stage=test", reference).code == 1


@pytest.mark.parametrize("envelope", ["jws", "cose"])
def test_a_real_timestamp_is_taken_apart(envelope: str, repository: live.loopback.Repository) -> None:
    """The time and the authority that notation-go asked for, and the metadata it wrote."""
    reference = f"{repository.name}:{envelope}-stamped"
    program = (live.sys.executable, "-m", "pyratify")
    done = live.command(*program, "inspect", "-o", "json", reference)
    found = json.loads(done.stdout)["attached"][0]["contents"][0]
    assert found["userMetadata"] == {"stage": "prod"}
    stamp = found["unsignedAttributes"]["timestamp"]
    assert "Test TSA Timestamping" in stamp["authority"]["subject"]
    assert len(stamp["certificates"]) >= 2
