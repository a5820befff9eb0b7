"""Statements as they are attached."""

import json

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.strictjson import MAX_TOKENS
from pyratify.sigstore.media_types import IN_TOTO
from pyratify.sigstore.statement_envelopes import UNSIGNED, plain_statement
from pyratify.testing.attestations import in_toto


def test_a_large_statement_without_an_envelope_is_read_as_a_signed_one_would_be() -> None:
    """SBOMs of large images, as BuildKit attaches them, have more tokens than signatures may."""
    subject = Digest.of(b"image")
    raw = json.dumps(in_toto(subject, "https://spdx.dev/Document", {"packages": [1] * MAX_TOKENS})).encode()
    found = plain_statement(raw, Descriptor(IN_TOTO, Digest.of(raw), len(raw)))
    assert found is not None
    assert found.signer is UNSIGNED
    assert len(found.statement.predicate["packages"]) == MAX_TOKENS
