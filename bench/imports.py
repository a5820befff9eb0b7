"""What each command imports, and what the imports cost: the import budget."""

import subprocess
import sys

from bench.measure import table
from bench.peers import MATERIAL

COMMANDS = {
    "ratify version": ["version"],
    "ratify verify --key (layout)": [
        "verify", "--no-cache", "--key", str(MATERIAL / "keys/cosign.pub"), f"oci:{MATERIAL / 'layout'}:cosign-v3",
    ],
    "ratify verify --cert (layout)": [
        "verify", "--no-cache", "--cert", str(MATERIAL / "certs/ca.pem"), "--trusted-identity",
        "C=US, ST=WA, O=Pyratify Test", f"oci:{MATERIAL / 'layout'}:notation-cose-ec",
    ],
}  # fmt: skip
WATCHED = (
    "asyncio",
    "ssl",
    "http",
    "cryptography",
    "cbor2",
    "msgspec",
    "yaml",
    "aiohttp",
    "importlib.metadata",
    "pyratify",
)


def report() -> str:
    """Measure and return the table."""
    rows = []
    for name, arguments in COMMANDS.items():
        times = _import_times(arguments)
        rows.append(
            (name, f"{sum(times.values()) / 1000:.0f} ms", *(_cost(times, package) for package in WATCHED))
        )
    return table("Import budget (with -X importtime, which itself costs)", ("command", "all", *WATCHED), rows)


def _import_times(arguments: list[str]) -> dict[str, int]:
    command = (sys.executable, "-X", "importtime", "-m", "pyratify", *arguments)
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    parts = [
        line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")
    ]
    return {name.strip(): int(own) for own, _, name in parts if own.strip().isdigit()}


def _cost(times: dict[str, int], package: str) -> str:
    own = sum(time for name, time in times.items() if name == package or name.startswith(f"{package}."))
    return f"{own / 1000:.0f} ms" if own else "-"
