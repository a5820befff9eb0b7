"""Attacks on and by policies as code: missing data, endless work, and answers that are not exactly true."""

from types import MappingProxyType
from typing import Any

import pytest

pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Verdict
from pyratify.policies.cel_plugin import CelOptions, plugin
from pyratify.testing.contracts import SUBJECT
from support.policy_reports import failed, inconclusive, passed, report, unread

SIGNED = report(1, passed("cosign", "k"))
TEN = "[1,2,3,4,5,6,7,8,9,10]"


class _Resources:
    verifiers = ("cosign",)
    verifier_types = MappingProxyType({"cosign": "cosign"})


async def decide(text: str, *reports: ArtifactReport) -> Verdict:
    """Return the verdict of an expression."""
    resources: Any = _Resources()
    return (await plugin.build("p", CelOptions(expression=text), resources)).decide(SUBJECT, reports)


@pytest.mark.parametrize(
    "text",
    [
        "!(artifacts[0].results[0].data.critical > 0)",
        "artifacts[0].results[0].data.critical != 1",
        'artifacts.all(a, a.results.all(r, r.data.banned == "no"))',
        '!artifacts.exists(a, a.results.exists(r, r.data.banned == "yes"))',
        '!("bad" in artifacts[0].results[0].data.licences)',
        "artifacts[0].results[0].data.nothing == null",
        "artifacts[1].results.size() == 0",
    ],
)
async def test_atk_118_a_negation_over_missing_data_denies(text: str) -> None:
    """An error stays an error through `!`, `all` and `exists`."""
    verdict = await decide(text, SIGNED)
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_ERROR


@pytest.mark.parametrize("value", ["", "true", "TRUE", "0"])
async def test_atk_120_a_text_that_reads_true_is_no_answer(value: str) -> None:
    """Only the bool counts, whatever a publisher writes."""
    text = "artifacts[0].results[0].data.ok"
    verdict = await decide(text, report(1, passed("cosign", "k", ok=value)))
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_ERROR


@pytest.mark.parametrize(
    "text", ['data.issuer == "trusted"', 'data.list[0] == "trusted"', "data.trusted == 1"]
)
async def test_atk_120_a_text_that_ends_early_is_not_taken_for_another(text: str) -> None:
    """The library converts what is before a NUL: an issuer, a member of a list or a name would equal what it begins with."""
    hostile = {"issuer": "trusted\0.evil", "list": ["trusted\0.evil"], "trusted\0.evil": 1}
    verdict = await decide(f"artifacts[0].results[0].{text}", report(1, passed("cosign", "k", **hostile)))
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_ERROR
    assert "NUL" in verdict.failure.message


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{TEN}.all({name}, " for name in "abcdef") + "true" + ")" * 6,
        f"{TEN}.map(a, {TEN}.map(b, {TEN}.map(c, {TEN}.map(d, {TEN}.map(e, [a, b, c, d, e]))))).size() > 0",
        f'("a" + "b").matches("(a|b|ab)*c") || {TEN}.all(a, {TEN}.all(b, {TEN}.all(c, {TEN}.all(d, {TEN}.all(e, true)))))',
    ],
)
async def test_atk_120_work_without_end_denies(text: str) -> None:
    """The budget is one of work: the same on every machine."""
    verdict = await decide(text, SIGNED)
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_ERROR


@pytest.mark.parametrize(
    "text",
    [
        'http.send({"url": "http://x"}) == 1',
        "env.HOME != ''",
        "open('/etc/passwd') == ''",
        "random() > 1",
        "time.now() > 1",
    ],
)
async def test_atk_120_there_is_no_way_out_of_an_expression(text: str) -> None:
    """Network, environment, files, chance and clock have no names."""
    with pytest.raises(ConfigurationError):
        await decide(text, SIGNED)


@pytest.mark.parametrize("bad", [failed("scan"), inconclusive("scan")])
async def test_atk_123_every_report_is_seen_in_any_order(bad: Any) -> None:
    """What the registry lists second is judged like the first."""
    text = 'artifacts.all(a, a.readable && a.results.all(r, r.outcome == "PASSED"))'
    for second in (report(2, bad), unread(2)):
        for order in ((SIGNED, second), (second, SIGNED)):
            assert (await decide(text, *order)).decision is Decision.DENY
    assert (await decide(text, SIGNED)).decision is Decision.ALLOW
