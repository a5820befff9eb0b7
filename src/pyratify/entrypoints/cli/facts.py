"""Facts as text, tree or JSON, for the commands whose results are no verdicts."""

import json
from collections.abc import Iterable
from typing import Any

from pyratify.terminal.console import Console


def show(console: Console, output: str, facts: Any, text: Iterable[str] | None = None) -> None:
    """Print a JSON value as `-o` asks.

    Args:
        console: Where to.
        output: `text`, `tree` or `json`.
        facts: An object, or a list of objects.
        text: The lines of the text form, made safe where they need it; the facts themselves when omitted.
    """
    from pyratify.render.plain import bounded

    if output == "json":
        # NaN is no JSON (RFC 8259, section 6), and one line a result is what `jq` and `while read` take.
        console.result(json.dumps(bounded(facts), allow_nan=False, separators=(",", ":")))
    elif output == "tree":
        from pyratify.render.facts import render_tree

        console.result(render_tree(bounded(facts)))
    elif text is not None:
        console.result("\n".join(text))
    else:
        from pyratify.render.facts import render_facts

        console.result(render_facts(bounded(facts)))
