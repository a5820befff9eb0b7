"""Writes docs/reference and deploy/crds from the code and the chart, so that they cannot disagree; `--check` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CHART = ROOT / "deploy" / "charts" / "ratify-gatekeeper-provider"
HEAD = "# Written by `make doc` from the code; `ratify config crds` prints the same.\n"


def reasons() -> str:
    """Return the page of reason codes."""
    from pyratify.core.reason import Reason

    rows = [f"| `{reason}` | {reason.meaning} | {reason.remedy} |" for reason in Reason]
    return "\n".join(
        [
            "# Reason codes",
            "",
            "Every refusal by the command or a server has one of these codes. Codes are added, never renamed. The message beside a code says",
            "what was wrong in that case, and the remedy there is specific to it; this table is general.",
            "",
            "| code | what it means | what to do |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def chart() -> str:
    """Return the page of the chart's values."""
    head = "# Values of the chart\n\nHow to use them: [In a cluster](../deploy.md#the-chart).\n\n"
    return head + _values()


def chart_readme() -> str:
    """Return the README that is packaged with the chart: how to use it, and its values."""
    return (CHART / "README.md.in").read_text() + _values()


def _values() -> str:
    import yaml

    text = (CHART / "values.yaml").read_text()
    rows = [
        f"| `{name}` | {_shown(node)} | {_comment(text.splitlines()[line])} |"
        for name, line, node in _leaves(yaml.compose(text, Loader=yaml.SafeLoader), "")
    ]
    return "| value | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _leaves(node: Any, path: str) -> Iterator[tuple[str, int, Any]]:
    """Iterate over all values except mappings with members: path, line and node of each."""
    for key, value in node.value:
        name = f"{path}{key.value}"
        if value.id == "mapping" and value.value:
            yield from _leaves(value, f"{name}.")
        else:
            yield name, key.start_mark.line, value


def _shown(node: Any) -> str:
    """Return a value for the table; a long one is a reference to values.yaml."""
    if node.id == "scalar":
        return f"`{node.value}`" if node.value else "empty"
    if node.id == "sequence" and all(item.id == "scalar" for item in node.value):
        return f"`[{', '.join(item.value for item in node.value)}]`"
    return "`{}`" if node.id == "mapping" else "one, see values.yaml"


def _comment(line: str) -> str:
    return line.partition("  # ")[2].replace("|", "\\|")


def generated() -> Iterator[tuple[str, str]]:
    """Iterate over the paths of generated files and their texts."""
    from pyratify.kubernetes.executors.crds import definition_files

    yield "docs/reference/reasons.md", reasons()
    yield "docs/reference/chart.md", chart()
    yield str((CHART / "README.md").relative_to(ROOT)), chart_readme()
    for name, text in definition_files().items():
        yield f"deploy/crds/{name}", HEAD + text


def main() -> int:
    """Write every file; with `--check` write nothing and return 1 if one is out of date."""
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
        print(f"out of date: {', '.join(stale)}; run `make doc`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
