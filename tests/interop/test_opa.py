"""A real Open Policy Agent: as an engine, and as the oracle of the embedded one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expressions.rego.test_negation import INPUT, TRUE, UNDEFINED, UNSAFE
from expressions.rego.test_negation import policy as policy_with
from policies.test_rego_policy import OURS, SAMPLE, _Resources
from pyratify.config.decode import decode
from pyratify.core.errors import InconclusiveError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego.engine_process import EngineProcess
from pyratify.expressions.rego.rego_language import screen
from pyratify.policies.rego_plugin import RegoOptions, plugin
from pyratify.policies.rego_policy import RegoPolicy
from pyratify.testing.contracts import SUBJECT
from support import opa
from support.policy_reports import failed, passed, report, unread
from support.scenes import image, validate

pytestmark = pytest.mark.interop
MIXED = """
package mixed

default allow := false

allow if {
  count(input.artifacts) > 0
  every artifact in input.artifacts {
    some result in artifact.results
    result.outcome == "PASSED"
    startswith(result.data.signer, "team-")
  }
  not too_many
}

too_many if count([result | some artifact in input.artifacts; some result in artifact.results]) > 4

names := {result.data.signer | some result in input.artifacts[_].results}

deny contains msg if {
  walk(input, [path, "CRITICAL"])
  msg := sprintf("%v", [path])
}

deny contains "twice" if {
  some first, one in input.artifacts
  some second, other in input.artifacts
  first < second
  one.digest == other.digest
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for policies and sockets."""
    if not opa.PROGRAM.is_file():
        pytest.skip("run `make peers` first: there is no opa")
    return tmp_path_factory.mktemp("opa")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """An OPA with our policy and one that differs in everything."""
    with opa.running(folder, {"ours.rego": OURS, "mixed.rego": MIXED}) as found:
        yield found


async def policy(url: str, contract: str, **more: Any) -> RegoPolicy:
    """Build a policy that asks an OPA."""
    document = {"engine": "opa", "contract": contract, "opa": {"url": url}, **more}
    return await plugin.build("p", decode(RegoOptions, document, "parameters"), _Resources())


async def test_our_contract_is_asked_of_a_real_opa(address: str) -> None:
    """Allow, and the messages of deny."""
    built = await policy(address, "pyratify")
    good = report(1, passed("cosign", "k"))
    assert (await built.decide(SUBJECT, (good,))).decision is Decision.ALLOW
    assert (await built.decide(SUBJECT, (report(1, failed("cosign")),))).decision is Decision.DENY
    denied = await built.decide(SUBJECT, (good, unread(2)))
    assert denied.failure is not None
    assert "could not be read" in denied.failure.message


async def test_a_policy_of_ratify_v1_is_asked_over_a_unix_socket(tmp_path: Path, folder: Path) -> None:
    """In the old syntax, as its samples are."""
    del folder
    path = tmp_path / "opa.sock"
    with opa.running(tmp_path, {"sample.rego": SAMPLE}, "--v0-compatible", socket_path=path) as address:
        built = await policy(address, "ratify")
        good = report(1, passed("cosign", "k"))
        cases = (
            ((good,), True),
            ((good, report(2, failed("cosign"))), False),
            ((), False),
            ((report(1, passed("cosign"), nested=(report(2, failed("cosign")),)),), False),
            ((good, report(2)), False),
        )
        for reports, allowed in cases:
            verdict = await built.decide(SUBJECT, reports)
            assert (verdict.decision is Decision.ALLOW) is allowed


async def test_what_opa_does_not_have_is_no_answer(address: str) -> None:
    """Undefined denies; it is no fault of the network."""
    verdict = await (await policy(address, "ratify")).decide(SUBJECT, (report(1, passed("cosign", "k")),))
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_ERROR
    assert "undefined" in verdict.failure.message


@pytest.mark.parametrize(
    "body", ["allow := to_number(input.now)", "allow := true\nallow := false", 'allow := "yes"']
)
async def test_a_policy_that_fails_in_opa_denies(tmp_path: Path, folder: Path, body: str) -> None:
    """An error of a function, a conflict, and a value that is no bool."""
    del folder
    with opa.running(tmp_path, {"broken.rego": f"package pyratify\n{body}"}) as address:
        verdict = await (await policy(address, "pyratify")).decide(
            SUBJECT, (report(1, passed("cosign", "k")),)
        )
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_ERROR


async def test_an_object_is_no_answer_of_ratify_v1s_contract_in_opa(tmp_path: Path, folder: Path) -> None:
    """Its contract is a bool: what is an answer of ours is none of it."""
    del folder
    text = 'package ratify.policy\nvalid := {"allow": true}'
    with opa.running(tmp_path, {"object.rego": text}) as address:
        verdict = await (await policy(address, "ratify")).decide(SUBJECT, (report(1, passed("cosign", "k")),))
    assert verdict.failure is not None
    assert (verdict.failure.reason, verdict.decision) == (Reason.POLICY_ERROR, Decision.DENY)
    assert "an object, not a bool" in verdict.failure.message


async def test_an_opa_that_cannot_be_reached_leaves_it_undecided(tmp_path: Path) -> None:
    """Neither allowed nor denied for good."""
    built = await policy(f"unix:{tmp_path}/none.sock", "pyratify")
    with pytest.raises(InconclusiveError, match=r"none.sock gave no answer: "):
        await built.decide(SUBJECT, ())
    store, _ = image("application/test")
    result = await validate(store, policy=built)
    assert (result.decision, result.decided) == (Decision.DENY, False)


@pytest.mark.parametrize("body", [*UNDEFINED, *TRUE, *UNSAFE])
def test_a_real_opa_evaluates_negations_over_missing_data_alike(
    tmp_path: Path, folder: Path, body: str
) -> None:
    """Or refuses them, too."""
    del folder
    (tmp_path / "policy.rego").write_text(policy_with(body))
    (tmp_path / "input.json").write_text(json.dumps(INPUT))
    found = opa.evaluate(tmp_path / "policy.rego", tmp_path / "input.json", "data.pyratify.allow")
    assert found == (None if body in UNSAFE else body in TRUE)


values = st.sampled_from(("team-a", "team-b", "other", "CRITICAL", ""))
results = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(("PASSED", "FAILED")),
        "data": st.fixed_dictionaries(
            {}, optional={"signer": values | st.none() | st.integers(-3, 3), "severity": values}
        ),
    }
)
artifacts = st.fixed_dictionaries(
    {"digest": st.sampled_from("abc"), "results": st.lists(results, max_size=3)}
)
documents = st.fixed_dictionaries({}, optional={"artifacts": st.lists(artifacts, max_size=4)})


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents)
def test_the_embedded_engine_answers_as_a_real_opa_does(
    address: str, engine: EngineProcess, document: dict[str, Any]
) -> None:
    """Over random inputs: the whole package is equal, or the embedded engine has an error, which denies.

    It looks for errors in all solutions, where OPA stops at the first that holds.
    """
    found = _embedded(engine, document)
    assert found is None or found == _sorted(opa.ask(address, "mixed", document))


@pytest.mark.parametrize(
    "signers", [("team-a",), ("team-a", "team-b"), ("other", "team-a"), ("CRITICAL",), ()]
)
def test_both_answer(address: str, engine: EngineProcess, signers: tuple[str, ...]) -> None:
    """Inputs without anything wrong are answered, and alike."""
    results = [{"outcome": "PASSED", "data": {"signer": signer}} for signer in signers]
    document = {"artifacts": [{"digest": "a", "results": results}]}
    found = _embedded(engine, document)
    assert found is not None
    assert found == _sorted(opa.ask(address, "mixed", document))


@pytest.fixture(scope="module")
def engine() -> EngineProcess:
    """The same policy, embedded."""
    pytest.importorskip("regorus")
    return EngineProcess(screen(MIXED, "policy", v0=False), v0=False, query="data.mixed")


def _embedded(engine: EngineProcess, document: object) -> object:
    try:
        return _sorted(engine.ask(document, 10))
    except EvaluationError:
        return None


def _sorted(value: object) -> object:
    """Return an object with its lists in order: sets have none."""
    if not isinstance(value, dict):
        return value
    return {name: sorted(each, key=str) if isinstance(each, list) else each for name, each in value.items()}
