"""The rule `schema` of attestations."""

from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.attestations import in_toto
from support.attestation_setting import AttestationSetting, build
from support.scenes import codes

TYPE = "https://example.com/test-result/v1"
RULES = {
    "predicateTypes": [TYPE],
    "schema": {"inline": {"properties": {"passed": {"const": True}}, "required": ["passed"]}},
}


@pytest.mark.parametrize(
    ("predicate", "passes"), [({"passed": True}, True), ({"passed": False}, False), ({}, False)]
)
async def test_a_predicate_must_follow_the_schema(predicate: Any, passes: bool) -> None:
    """Signed is not enough."""
    setting = AttestationSetting()
    setting.attach(in_toto(setting.image.digest, TYPE, predicate))
    result = await setting.validate(RULES)
    assert (result.decision is Decision.ALLOW) is passes
    assert (Reason.REPORT_INVALID in codes(result)) is not passes


async def test_a_schema_for_statements_of_no_type_is_an_error() -> None:
    """It understands every type, so the policy must name those it means."""
    with pytest.raises(ConfigurationError) as caught:
        await build({"schema": RULES["schema"]})
    assert caught.value.path == "predicateTypes"
