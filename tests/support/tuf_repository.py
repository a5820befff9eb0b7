"""A TUF repository in memory, for tests: it signs whatever a test gives it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient.fetcher import FetcherInterface

from pyratify.sigstore.tuf import TARGET, Repository, refresh
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import PrivateSigstore

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
URL = "https://tuf.test"


class Simulator(FetcherInterface):
    """A TUF repository in memory that signs whatever a test gives it."""

    def __init__(self, target: bytes = PrivateSigstore().root.data, name: str = TARGET) -> None:
        """Publish version 1 of everything."""
        self.name = name
        self.signer = CryptoSigner.generate_ecdsa()
        self.root = Root(consistent_snapshot=True, expires=LATER)
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.root.add_key(self.signer.public_key, role)
        self.version, self.expires = 1, LATER
        self.target = target
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.publish()

    def sign(self, what: Any) -> bytes:
        """The signed metadata."""
        metadata = Metadata(what)
        metadata.sign(self.signer)
        return metadata.to_bytes()

    def publish(self) -> None:
        """Sign the present state."""
        described = TargetFile.from_data(self.name, self.target)
        targets = self.sign(Targets(self.version, expires=self.expires, targets={self.name: described}))
        snapshot = self.sign(
            Snapshot(self.version, expires=self.expires, meta={"targets.json": MetaFile(self.version)})
        )
        stamp = self.sign(Timestamp(self.version, expires=self.expires, snapshot_meta=MetaFile(self.version)))
        self.first = self.files.setdefault("1.root.json", self.sign(self.root))
        self.files |= {
            "timestamp.json": stamp,
            f"{self.version}.snapshot.json": snapshot,
            f"{self.version}.targets.json": targets,
            f"targets/{described.hashes['sha256']}.{self.name}": self.target,
        }

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked.append(url)
        data = self.files.get(url.removeprefix(f"{URL}/"))
        if data is None:
            raise DownloadHTTPError("not there", 404)
        yield data

    def refresh(self, folder: Path) -> bytes:
        """Refresh into the folder and return what is kept."""
        refresh(Repository("test", URL, self.first, self.name), folder, FakeClock(), self)
        return (folder / "test" / TARGET).read_bytes()
