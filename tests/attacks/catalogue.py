"""Which attack is tried by which test: writes docs/attacks.md from the names of the tests.

Run it in the checkout: `python tests/attacks/catalogue.py`.
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "attacks.md"
_NAME = re.compile(r"test_atk_([0-9]{3})_\w+", re.ASCII)
_HEAD = """# Attacks

The attacks and failures that this engine is tested against, and the test of each. `DENY` and `ERROR` both refuse: the
first is the policy's decision, with the code in the report; the second means that it could not be decided. `CONFIG rejected` is a
configuration that is refused, `SAFE` an attack without effect. An attack on a feature that does not exist yet is refused or impossible
until then. `python tests/attacks/catalogue.py` generates this page from the names of the tests.

Four verdicts differ on purpose: [ATK-008](decisions/0005-plain-http.md) (loopback registries may use plain http, after https was tried, as in Docker),
[ATK-087](decisions/0047-documents-that-are-read.md) (XML is refused as a format that is not read: MEDIATYPE_UNSUPPORTED),
[ATK-105](decisions/0009-level-skip.md) (Notation's level `skip` passes, with a warning and without a signer) and
[ATK-109](decisions/0003-distinct-evidence.md) (an explicit threshold of 0 means all rules, as in Ratify v2).

"""


def entries() -> dict[str, dict[str, Any]]:
    """Return the catalogue's entries by their identifiers."""
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found


def tests() -> dict[str, list[tuple[str, str]]]:
    """Return the tests of each identifier: their files and names."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                match := _NAME.fullmatch(node.name)
            ):
                where = path.relative_to(ROOT).as_posix()
                found.setdefault(f"ATK-{match[1]}", []).append((where, node.name))
    return found


def page() -> str:
    """Return the page."""
    known = tests()
    rows = ["| attack | component | verdict | tried by |", "|---|---|---|---|"]
    for name, entry in entries().items():
        tried = "<br>".join(
            f"`{test}` in [{Path(file).name}](../{file})" for file, test in known.get(name, ())
        )
        waits = f"waits for {entry['waits_for']}: {entry['why']}" if "waits_for" in entry else ""
        cells = (f"{name} {entry['title']}", entry["component"], entry["verdict"], tried or waits)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
