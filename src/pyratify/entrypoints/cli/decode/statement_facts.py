"""What a statement says, for people: who built what, from where, when and with which materials. Nothing is verified."""

from collections.abc import Callable, Mapping
from typing import Any

from pyratify.core.errors import VerificationError

_MAX_LISTED = 50  # subjects and materials are not bounded by in-toto
Facts = dict[str, Any]


def statement_facts(payload: Any) -> Facts:
    """Return the facts of an in-toto statement; empty for anything else.

    Args:
        payload: A JSON value.
    """
    kind = payload.get("predicateType") if isinstance(payload, dict) else None
    if not isinstance(kind, str):
        return {}
    return {
        "predicateType": kind,
        "about": _subjects(payload.get("subject")),
        **_predicate(kind, payload.get("predicate")),
    }


def _predicate(kind: str, predicate: Any) -> Facts:
    read = _READERS.get(kind)
    try:
        return {} if read is None else read(predicate, kind)
    # Shown in its place: subjects are of use without a predicate that can be read.
    except VerificationError as error:
        return {"error": error.message}


def _provenance(predicate: Any, kind: str) -> Facts:
    from pyratify.evidence.provenance import facts_of
    from pyratify.evidence.provenance_document import read_provenance

    found = read_provenance(predicate, kind)
    materials = [_named(each.uri, each.digest) for each in found.materials[:_MAX_LISTED]]
    return {**facts_of(found), "materials": materials}


def _summary(predicate: Any, kind: str) -> Facts:
    from pyratify.evidence.vsa import facts_of
    from pyratify.evidence.vsa_document import read_summary

    del kind
    found = read_summary(predicate)
    return {**facts_of(found), "verificationResult": found.result}


def _subjects(subjects: Any) -> list[str]:
    listed = subjects[:_MAX_LISTED] if isinstance(subjects, list) else []
    return [
        _named(str(each.get("name", "")), each.get("digest")) for each in listed if isinstance(each, dict)
    ]


def _named(name: str, digests: Any) -> str:
    """Return a name with its digest, as `git+https://host/repo@sha1:HEX`."""
    known = digests if isinstance(digests, dict) else {}
    digest = next((f"{algorithm}:{value}" for algorithm, value in known.items()), "")
    return "@".join(part for part in (name, digest) if part)


_READERS: Mapping[str, Callable[[Any, str], Facts]] = {
    "https://slsa.dev/provenance/v1": _provenance,
    "https://slsa.dev/provenance/v0.2": _provenance,
    "https://slsa.dev/verification_summary/v1": _summary,
}
