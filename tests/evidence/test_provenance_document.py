"""What provenance of several builders says of the source."""

from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.provenance_document import V1, read_provenance
from pyratify.evidence.source_uri import SourceUri

APP, CONFIGURATION = "https://github.com/org/app", "https://github.com/org/config"


def source(**parameters: Any) -> SourceUri:
    """Return the source of a build that was given these parameters."""
    definition = {"buildType": "https://example.com/build", "externalParameters": parameters}
    predicate = {"buildDefinition": definition, "runDetails": {"builder": {"id": "https://example.com"}}}
    return read_provenance(predicate, V1).source


@pytest.mark.parametrize(
    ("parameters", "reference"),
    [
        ({"workflow": {"repository": APP, "ref": "refs/tags/v1", "path": "x"}}, "refs/tags/v1"),
        # Google Cloud Build, build type google-worker/v1.
        ({"buildConfigSource": {"repository": f"git+{APP}", "ref": "refs/tags/v1"}}, "refs/tags/v1"),
        ({"buildConfigSource": {"repository": CONFIGURATION}, "sourceToBuild": {"repository": APP}}, ""),
        ({"configSource": {"uri": f"{APP}.git#refs/tags/v1", "path": "Dockerfile"}}, "refs/tags/v1"),
        ({"source": f"git+{APP}@refs/tags/v1"}, "refs/tags/v1"),
        ({"source": {"uri": APP, "digest": {}}}, ""),
        ({"source": {"uri": f"{APP}@refs/tags/v1", "ref": "refs/tags/v1"}}, "refs/tags/v1"),
    ],
)
def test_the_source_is_what_the_build_type_calls_so(parameters: dict[str, Any], reference: str) -> None:
    """Each builder has a name of its own for it."""
    assert source(**parameters) == SourceUri(APP, reference)


def test_a_source_with_two_references_names_none() -> None:
    """The one in the address and the one beside it would be two releases."""
    with pytest.raises(VerificationError) as refused:
        source(workflow={"repository": f"{APP}@refs/heads/main", "ref": "refs/tags/v1"})
    assert refused.value.reason is Reason.PREDICATE_TYPE
    assert "'refs/heads/main' and 'refs/tags/v1'" in refused.value.message
