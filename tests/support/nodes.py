"""A node's daemon over a store in memory, and the program that containerd runs, for the tests of entry points and attacks."""

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pyratify.caches.last_verdicts import LastVerdicts
from pyratify.caches.verdicts import Verdicts
from pyratify.config.exemption import read_exemptions
from pyratify.config.schema import NodeConfig
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.core.shared_verdicts import SharedVerdicts
from pyratify.core.store import Store
from pyratify.entrypoints.node.containerd.containerd_site import containerd_site
from pyratify.entrypoints.node.containerd.install_containerd import program
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.serving.http.peers import Peers
from pyratify.serving.http.routes import Address, Site
from pyratify.serving.http.server import listening
from pyratify.serving.unix.bind import bind_unix
from pyratify.testing.fakes import FakeClock, FakeVerifier
from support.providers import BellClock, Held, Here
from support.scenes import ONE

MEDIA_TYPE = "application/vnd.oci.descriptor.v1+json"
NAME = "example.com/app:v1"


def judge(
    store: Store | None,
    *verifiers: FakeVerifier,
    clock: FakeClock | None = None,
    node: NodeConfig | None = None,
    kept: SharedVerdicts | None = None,
    generation: str = "one",
) -> NodeJudge:
    """Return a judge over a store; without one it has no configuration."""
    clock = clock or BellClock()
    held = None
    if store is not None:
        executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=ONE)
        node = node or NodeConfig()
        exemptions = read_exemptions(node.exceptions, "node.exceptions", clock.now())
        engine = Engine(ScopeMap([("*", executor)]), generation, common=True)
        held = Held(engine, node=node, exemptions=exemptions)
    last = None if kept is None else LastVerdicts(kept, clock)
    verdicts = Verdicts(clock, shared=kept)
    return NodeJudge(source=Here(held), verdicts=verdicts, clock=clock, lifetime=5.0, last=last)


def descriptor(digest: str) -> bytes:
    """Return what containerd writes to standard input."""
    return json.dumps({"mediaType": "application/x", "digest": digest, "size": 2}).encode() + b"\n"


def arguments(digest: str, name: str = NAME) -> tuple[str, ...]:
    """Return the arguments of containerd."""
    return "-name", name, "-digest", digest, "-stdin-media-type", MEDIA_TYPE


def body(subject: Descriptor, name: str = NAME, *, digest: str = "", seconds: str = "9") -> bytes:
    """Return a question as the program sends it."""
    wanted = digest or str(subject.digest)
    return f"{seconds}\n{name}\n{wanted}\n{MEDIA_TYPE}\n".encode() + descriptor(str(subject.digest))


def written(folder: Path, socket: Path, *, seconds: float = 10.0, uid: int = 0, fallback: str = "") -> Path:
    """Write the program as `ratify node install containerd` does, and return its path.

    Args:
        folder: Where to.
        socket: Where it asks.
        seconds: containerd's timeout.
        uid: The user whose daemon is believed.
        fallback: A configuration to verify by where no daemon listens.
    """
    flags = Namespace(
        socket=str(socket),
        daemon_uid=uid,
        on_daemon_missing="verify" if fallback else "refuse",
        config=fallback,
        state="",
        python=sys.executable,
    )
    path = folder / "00-ratify"
    path.write_text(program(flags, seconds))
    path.chmod(0o755)
    return path


async def run(
    path: Path, given: Sequence[str], stdin: bytes, **environment: str
) -> tuple[int | None, str, str]:
    """Return the exit code, standard output and standard error of the program."""
    process = await asyncio.create_subprocess_exec(
        path,
        *given,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env=environment,
    )
    out, err = await process.communicate(stdin)
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def served(path: Path, answers: NodeJudge | Site, peers: Peers | None = None) -> AsyncIterator[None]:
    """Serve the site of containerd at a socket until the end of the block."""
    site = containerd_site(answers) if isinstance(answers, NodeJudge) else answers
    one = bind_unix(path)
    where = Address(str(path), 0)
    async with listening(site, where, sockets=(one.listener,), peers=peers or Peers()):
        yield
    one.remove()
