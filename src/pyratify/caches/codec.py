"""Verdicts as bytes and back, without any loss: a form between processes of one version, and no public format."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from pyratify.core.digest import Digest
from pyratify.core.report import ValidationResult, walk

MAX_BYTES = 256 * 1024


def encode(result: ValidationResult) -> bytes | None:
    """Return a verdict as bytes; None where it has something that cannot be carried, or more than 256 KiB."""
    try:
        for report in walk(result.artifacts):
            for item in report.results:
                if item.details is not None:
                    json.dumps(dict(item.details.data), allow_nan=False, default=_plain).encode()
        data = _ENCODER.encode(result)
    except (TypeError, ValueError, RecursionError):
        return None
    return data if len(data) <= MAX_BYTES and decode(data) is not None else None


def decode(data: bytes) -> ValidationResult | None:
    """Return the verdict; None for bytes that `encode` would not have made."""
    if len(data) > MAX_BYTES:
        return None
    try:
        result = _DECODER.decode(data)
        return result if _ENCODER.encode(result) == data else None
    except (TypeError, ValueError, RecursionError):  # msgspec.MsgspecError and InvalidDigest are ValueErrors
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Digest):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _special(wanted: type[Any], value: Any) -> Any:
    if wanted is Digest and isinstance(value, str):
        return Digest(value)
    raise TypeError(f"{wanted.__name__} is not expected here")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_DECODER = msgspec.json.Decoder(ValidationResult, dec_hook=_special)
