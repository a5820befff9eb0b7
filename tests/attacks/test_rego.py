"""Attacks on and by policies in Rego: silence taken for absence, ways out, endless work, answers that are not exactly true."""

from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from policies.test_rego_policy import policy
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.contracts import SUBJECT
from support.policy_reports import failed, passed, report, unread

SIGNED = report(1, passed("cosign", "k"))
HEAD = "package pyratify\ndefault allow := false\n"


async def verdict(text: str, *reports: Any, **more: Any) -> tuple[Decision, Reason | None]:
    """Return decision and reason."""
    found = await (await policy(text, "v1", contract="pyratify", **more)).decide(SUBJECT, reports)
    return found.decision, found.failure.reason if found.failure else None


async def test_atk_118_what_walk_finds_is_never_nothing() -> None:
    """A deny list that walks the input sees what is in it, in each way that it may be written."""
    for statement in ("[_, v] := walk(input)", "walk(input, [_, v])", "[_, v] = walk(input)"):
        text = f'package pyratify\nallow := true\ndeny contains "failed" if {{ {statement}; v == "FAILED" }}'
        assert await verdict(text, SIGNED) == (Decision.ALLOW, None)
        assert (await verdict(text, SIGNED, report(2, failed("scan"))))[0] is Decision.DENY
        below = report(2, passed("cosign"), nested=(report(3, failed("scan")),))
        assert (await verdict(text, SIGNED, below))[0] is Decision.DENY


@pytest.mark.parametrize(
    "body",
    [
        "allow if not to_number(input.subject.repository) == 1",
        "allow if not object.get(1, 2, 3) == 4",
        "allow if not regex.match(`(`, input.now)",
    ],
)
async def test_atk_118_a_negation_of_an_error_denies(body: str) -> None:
    """OPA by itself takes the error for undefined, and its negation for true."""
    assert await verdict(f"{HEAD}{body}", SIGNED) == (Decision.DENY, Reason.POLICY_ERROR)


@pytest.mark.parametrize(
    "body",
    [
        "allow if not input.artifacts[0].results[0].data.critical > 0",
        'allow if not startswith(input.subject.image.user, "root")',
        "allow if not count(input.artifacts[0].results[0].data.findings) > 0",
        'allow if not input.artifacts[0].results[0].data.level in {"high", "critical"}',
    ],
)
async def test_atk_118_a_negation_over_missing_data_does_not_hold(body: str) -> None:
    """As in OPA: evidence that lacks the data gains nothing by it."""
    assert (await verdict(f"{HEAD}{body}", SIGNED))[0] is Decision.DENY


async def test_atk_118_what_could_not_be_read_is_seen_by_the_samples_of_ratify_v1() -> None:
    """As a report that is no success."""
    built = await policy()
    assert (await built.decide(SUBJECT, (SIGNED,))).decision is Decision.ALLOW
    assert (await built.decide(SUBJECT, (SIGNED, unread(2)))).decision is Decision.DENY


@pytest.mark.parametrize(
    ("condition", "other", "meant"),
    [
        (r"regex.match(`^team-\w+$`, signer)", "team-\u0430", "team-b"),
        (r'regex.match("^team-[\\w-]+$", signer)', "team-\u0430", "team-b"),
        (r"regex.match(concat(``, [`^team-`, `\d+`, `$`]), signer)", "team-\u0661", "team-1"),
        ('glob.match("team-a:*", [":"], signer)', "team-a:b:c", "team-a:b"),
        ('glob.match(concat("", ["team-a", ":*"]), [":"], signer)', "team-a:b:c", "team-a:b"),
        ('glob.match("**/team-a", ["/"], signer)', "team-a", "x/team-a"),
    ],
)
async def test_atk_121_a_signer_that_opa_does_not_match_is_not_allowed(
    condition: str, other: str, meant: str
) -> None:
    """A letter of another script is no word, a star crosses no delimiter, and two stars with a slash are not nothing."""
    text = f"{HEAD}allow if {{ signer := input.artifacts[0].results[0].signers[0]; {condition} }}"
    assert await verdict(text, report(1, passed("cosign", meant))) == (Decision.ALLOW, None)
    assert (await verdict(text, report(1, passed("cosign", other))))[0] is Decision.DENY


async def test_atk_118_numbers_that_would_be_rounded_are_never_compared() -> None:
    """An artifact whose size has more digits than the engine keeps equals none of another size."""
    text = f"{HEAD}allow if input.artifacts[0].results[0].data.size == {2**53 + 2}"
    for size, decision in (
        (2**53 + 2, Decision.ALLOW),
        (2**53 + 3, Decision.DENY),
        (2**64 + 1, Decision.DENY),
    ):
        assert (await verdict(text, report(1, passed("cosign", "k", size=size))))[0] is decision


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "http://127.0.0.1:1"})',
        "opa.runtime()",
        'net.lookup_ip_addr("example.com")',
        'rand.intn("x", 3)',
        'uuid.rfc4122("x")',
    ],
)
async def test_atk_120_there_is_no_way_out_of_a_policy(call: str) -> None:
    """Network, environment and chance, also below a `not`, where silence would allow."""
    for body in (f"allow if {call}", f"allow if not {call}", f"helper := {call}\nallow := true"):
        with pytest.raises(ConfigurationError):
            await policy(
                f"{HEAD}{body}" if "allow :=" not in body else f"package pyratify\n{body}",
                "v1",
                contract="pyratify",
            )


async def test_atk_120_endless_work_denies() -> None:
    """The budget is a time, as the engine counts no work."""
    text = f"{HEAD}allow if count([1 | some i in numbers.range(1, 50000); some j in numbers.range(1, 50000)]) > 0"
    assert await verdict(text, SIGNED, timeout=0.3) == (Decision.DENY, Reason.POLICY_ERROR)


@pytest.mark.parametrize("value", ['"true"', '"yes"', "1", "[true]", '{"allow": true}', "null"])
async def test_atk_120_only_exactly_true_allows(value: str) -> None:
    """No other value is taken for true."""
    text = f"package pyratify\nallow := {value}"
    assert await verdict(text, SIGNED) == (Decision.DENY, Reason.POLICY_ERROR)
