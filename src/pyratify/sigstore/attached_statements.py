"""What a layer holds: one bundle or envelope, or several of them as JSON lines (in-toto attestation framework, "Bundle")."""

import re
from collections.abc import Iterator
from dataclasses import replace

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Evidence
from pyratify.sigstore.media_types import BUNDLE, BUNDLE_FAMILY, IN_TOTO
from pyratify.sigstore.statement_formats import (
    IN_TOTO_BUNDLE,
    MAX_ATTESTATION,
    MAX_TOKENS,
    RATIFY_V1,
    is_envelope,
)

_LINE = re.compile(rb"[^\s][^\n]*")


@dataclass(frozen=True, slots=True)
class AttachedStatement:
    """A bundle, an envelope, or a statement as it is; nothing of it is verified.

    Attributes:
        raw: Its bytes.
        layer: The layer that holds it, with the media type that it is read as.
        line: Its line, from 1, where the layer holds several.
    """

    raw: bytes
    layer: Descriptor
    line: int | None = None


async def read_layer(evidence: Evidence, layer: Descriptor) -> tuple[AttachedStatement, ...]:
    """Return what a layer of an artifact holds.

    Raises:
        VerificationError: `SIGNATURE_LIMIT`: it holds more than its part of the artifact's limit.
        StoreError: It could not be read.
    """
    raw = await evidence.blob(layer, most=MAX_ATTESTATION)
    manifest = evidence.manifest
    is_known = layer.media_type.startswith(BUNDLE_FAMILY) or is_envelope(layer.media_type)
    if not is_known and manifest.artifact_type in (IN_TOTO_BUNDLE, RATIFY_V1):
        layer = replace(layer, media_type=IN_TOTO_BUNDLE)
    # The same part for each: a limit for all together would be spent by whichever layer is read first.
    most = max(1, evidence.content.limits.signatures // len(manifest.layers))
    return await offload(len(raw), split_layer, raw, layer, most)


def split_layer(raw: bytes, layer: Descriptor, most: int) -> tuple[AttachedStatement, ...]:
    """Return what a layer holds: the whole, or each line where it has several JSON documents.

    Raises:
        VerificationError: `SIGNATURE_LIMIT`: it has more lines.
    """
    lines = json_lines(raw, most)
    if not lines:
        return (AttachedStatement(raw, _typed(layer, raw)),)
    return tuple(AttachedStatement(line, _typed(layer, line), number) for number, line in lines)


def json_lines(raw: bytes, most: int) -> tuple[tuple[int, bytes], ...]:
    """Return the lines with their numbers, from 1, where there are several JSON documents; nothing where there is one.

    Raises:
        VerificationError: `SIGNATURE_LIMIT`: there are more lines.
    """
    if raw.find(b"\n") in (-1, len(raw) - 1):  # as most tools write them
        return ()
    lines = tuple(_lines(raw, most + 1))
    # Also where the first line is broken: it must not hide the others.
    if len(lines) < 2 or not (_is_object(lines[0][1]) or _holds_lines(raw, lines)):
        return ()
    if len(lines) > most:
        raise VerificationError(
            Reason.SIGNATURE_LIMIT, f"there are more lines with statements than the {most} allowed"
        )
    return lines


def _holds_lines(raw: bytes, lines: tuple[tuple[int, bytes], ...]) -> bool:
    # A document that is indented may have whole objects within it, each in a line.
    return not _is_object(raw) and any(_is_object(line) for _, line in lines)


def _lines(raw: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    number, counted = 1, 0
    for found, match in zip(range(most), _LINE.finditer(raw), strict=False):
        del found
        number += raw.count(b"\n", counted, match.start())
        counted = match.start()
        yield number, match.group().rstrip()


def _typed(layer: Descriptor, raw: bytes) -> Descriptor:
    if layer.media_type != IN_TOTO_BUNDLE:
        return layer
    # The specification has envelopes in the lines, and tools write bundles: each is refused by the other's parser.
    is_bundle = b'"dsseEnvelope"' in raw or b'"verificationMaterial"' in raw
    return replace(layer, media_type=BUNDLE if is_bundle else IN_TOTO)


def _is_object(data: bytes) -> bool:
    if data[:1] != b"{" or not data.endswith(b"}"):
        return False
    try:
        strictjson.load_object(data, what="the attestation", max_bytes=MAX_ATTESTATION, max_tokens=MAX_TOKENS)
    except strictjson.InvalidJson:
        return False
    return True
