"""What policies may read of a predicate."""

from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.report import Decision
from pyratify.testing.attestations import REPOSITORY as SOURCE
from support.attestation_setting import AttestationSetting, build

SLSA = ["https://slsa.dev/provenance/v1"]


async def exposed(*names: str) -> Any:
    """Return what stands in the result, of provenance."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    result = await setting.validate({"predicateTypes": SLSA, "expose": list(names)})
    assert result.decision is Decision.ALLOW
    details = result.artifacts[0].results[0].details
    assert details is not None
    assert all("predicate" not in each for each in details.data["statements"])
    return details.data["predicate"]


async def test_only_what_is_named_is_exposed() -> None:
    """At its place; what is not there is left out."""
    path = "predicate.buildDefinition.externalParameters.workflow.repository"
    found = await exposed(path, "predicate.nothing.there", "predicate.buildDefinition.buildType")
    assert found == {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {"repository": SOURCE}},
        }
    }


async def test_the_whole_and_what_is_below_it_is_exposed_once() -> None:
    """The shorter path has it all."""
    whole = await exposed("predicate")
    assert set(whole) == {"buildDefinition", "runDetails"}
    assert await exposed("predicate.runDetails.builder.id", "predicate") == whole
    assert await exposed("predicate.runDetails.builder", "predicate.runDetails") == {
        "runDetails": whole["runDetails"]
    }


async def test_sixty_four_members_can_be_named() -> None:
    """And no more: each is held by reports and remembered verdicts."""
    assert await exposed(*(f"predicate.x{number}" for number in range(64))) == {}


@pytest.mark.parametrize(
    "names", [[], ["statement"], ["predicate."], ["predicate..x"], ["predicates.x"], ["predicate.x"] * 65]
)
async def test_what_is_no_member_is_refused(names: list[str]) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigurationError) as error:
        await build({"predicateTypes": SLSA, "expose": names})
    assert error.value.path.startswith("expose")


@pytest.mark.parametrize("name", ["predicate.list[0]", "predicate.list[0].uri", "predicate.list.*.uri"])
async def test_an_element_of_a_list_is_refused(name: str) -> None:
    """As a name of a member it would never be there, and every expression over it deny."""
    with pytest.raises(ConfigurationError, match="lists are exposed whole") as error:
        await build({"predicateTypes": SLSA, "expose": ["predicate.other", name]})
    assert error.value.path == "expose[1]"
    assert "Name the list" in error.value.remedy
