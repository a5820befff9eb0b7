"""Writes docs/reference from the code, so that the pages cannot disagree with it; `--check` only compares."""

import sys
from pathlib import Path

REFERENCE = Path(__file__).parent / "reference"


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


PAGES = {"reasons.md": reasons}


def main() -> int:
    """Write every page, or with `--check` return 1 when one is not what the code says."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, render in PAGES.items():
        page, text = REFERENCE / name, render()
        if check:
            stale += [] if page.is_file() and page.read_text() == text else [name]
        else:
            REFERENCE.mkdir(exist_ok=True)
            page.write_text(text)
    if stale:
        print(f"not what the code says: {', '.join(stale)}; run `make doc`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
