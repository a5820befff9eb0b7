"""Judging SBOMs in tests, by rules as a configuration writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pyratify.config.decode import decode
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError
from pyratify.evidence.judgement import Circumstances
from pyratify.evidence.sbom.read_sbom import parse_sbom
from pyratify.evidence.sbom.sbom_options import SbomRuleOptions, sbom_rules
from pyratify.testing.sboms import DIGEST

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HERE = Circumstances(Descriptor("application/vnd.oci.image.manifest.v1+json", Digest(DIGEST), 300), NOW)


def judge(document: bytes, **parameters: Any) -> Mapping[str, Any]:
    """Return the facts of an SBOM that the rules accept."""
    rules = sbom_rules(decode(SbomRuleOptions, parameters))
    return rules.judge(parse_sbom(document), HERE).facts


def verdict(document: bytes, **parameters: Any) -> str:
    """Return `pass`, or the code of the refusal."""
    try:
        judge(document, **parameters)
    except RatifyError as error:
        return str(error.reason)
    return "pass"
