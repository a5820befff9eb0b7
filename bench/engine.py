"""The engine: CPU for one cold verification through a loopback registry, against the engine inside Ratify v2's provider."""

import json
import sys
from functools import partial

from bench.measure import in_turn, table
from bench.peers import MATERIAL, get, post, program, registry, run, serving

TAGS = ("notation-jws-rsa", "notation-jws-ec", "notation-cose-rsa", "notation-cose-ec")
ROUNDS = 25
RUNS = 5


def report() -> str:
    """Measure and return the table."""
    ca = str(MATERIAL / "certs" / "ca.pem")
    with registry() as address, serving(program("ratify-peer"), "-plain-http", "-ca", ca) as peer:
        digests = [run(program("crane"), "digest", f"{address}/demo:{tag}").strip() for tag in TAGS]
        by_digest = [f"{address}/demo@{digest}" for digest in digests]
        by_tag = [f"{address}/demo:{tag}" for tag in TAGS]
        rows = []
        for kind, references, loop in (
            ("digest", by_digest, "asyncio"),
            ("digest", by_digest, "uvloop"),
            ("tag", by_tag, "asyncio"),
            ("tag", by_tag, "uvloop"),
        ):
            ours = partial(_ours, ca, references, loop)
            result = in_turn(ours, partial(_peer, peer, references), RUNS)
            rows.append(
                (
                    kind,
                    loop,
                    f"{result.ours * 1000:.2f} ms",
                    f"{result.peer * 1000:.2f} ms",
                    f"{result.ratio:.2f} x",
                )
            )
    head = ("reference", "event loop", "pyratify, CPU", "Ratify v2's engine, CPU", "ratio (aim: 0.33 x)")
    return table("One cold verification (Notation, JWS and COSE, RSA and EC)", head, rows)


def _ours(ca: str, references: list[str], loop: str) -> float:
    flags = ("--uvloop",) if loop == "uvloop" else ()
    command = (sys.executable, "-m", "bench.ours", "--ca", ca, "--rounds", str(ROUNDS), *flags, *references)
    return float(json.loads(run(*command))["cpu"])


def _peer(address: str, references: list[str]) -> float:
    before = get(f"http://{address}/cpu")["cpuSeconds"]
    answer = post(f"http://{address}/verify", {"references": references * ROUNDS})
    if not all(result["succeeded"] for result in answer["results"]):
        raise RuntimeError("the peer refused what is signed")
    return float(get(f"http://{address}/cpu")["cpuSeconds"] - before) / (ROUNDS * len(references))
