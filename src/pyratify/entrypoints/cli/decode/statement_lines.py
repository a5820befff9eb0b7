"""Files with several bundles or envelopes, one in each line (in-toto attestation framework, "Bundle"), unverified."""

from collections.abc import Callable

from pyratify.core.errors import VerificationError
from pyratify.entrypoints.cli.decode.certificate_facts import Facts

MAX_LINES = 100
"""How many statements a file may hold that is given to a command."""


def has_lines(data: bytes) -> bool:
    """Return whether there are several JSON documents, one in each line."""
    if b"\n" not in data.strip():  # most files hold one
        return False
    from pyratify.sigstore.attached_statements import json_lines
    from pyratify.sigstore.statement_formats import MAX_ATTESTATION

    try:
        return len(data) <= MAX_ATTESTATION and bool(json_lines(data, MAX_LINES))
    except VerificationError:  # too many are several
        return True


def lines_facts(data: bytes, decode: Callable[[bytes], Facts | None]) -> Facts:
    """Return what each line says; a file with a single document is one line.

    Raises:
        VerificationError: `SIGNATURE_LIMIT`: there are too many lines.
    """
    from pyratify.sigstore.attached_statements import json_lines

    lines = json_lines(data, MAX_LINES) or ((1, data),)
    return {"lines": [{"line": number, **(decode(line) or {"kind": "unknown"})} for number, line in lines]}
