"""Writes docs/reference and deploy/crds from the code, so that they cannot disagree with it; `--check` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAD = "# Written by `make doc` from the code; `ratify config crds` prints the same.\n"


def reasons() -> str:
    """Return the page of reason codes."""
    from pyratify.core.reason import Reason

    rows = [f"| `{reason}` | {reason.remedy} |" for reason in Reason]
    return "\n".join(
        [
            "# Reason codes",
            "",
            "Every refusal has one of these codes. Codes are added, never renamed. The message beside a code says what was wrong in the",
            "case at hand; the remedy says what to do.",
            "",
            "| code | what to do |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def generated() -> Iterator[tuple[str, str]]:
    """Iterate over the paths of what is generated and the text of each."""
    from pyratify.kubernetes.crds import definition_files

    yield "docs/reference/reasons.md", reasons()
    for name, text in definition_files().items():
        yield f"deploy/crds/{name}", HEAD + text


def main() -> int:
    """Write every file, or with `--check` return 1 when one is not what the code says."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, text in generated():
        file = ROOT / path
        if check:
            stale += [] if file.is_file() and file.read_text() == text else [path]
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    if stale:
        print(f"not what the code says: {', '.join(stale)}; run `make doc`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
