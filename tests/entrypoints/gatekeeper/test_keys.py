"""Keys with and without a namespace."""

import json
from pathlib import Path

import pytest

from pyratify.core.errors import InvalidReference
from pyratify.core.reference import Reference
from pyratify.entrypoints.gatekeeper.keys import Namespaces, parse_key


def test_ratify_v2_keys(shared: Path) -> None:
    """The same namespace and reference as in Ratify v2; what is no reference there is refused here."""
    document = json.loads((shared / "gatekeeper" / "ratify_v2_provider_cases.json").read_text())
    for case in document["namespace_keys"]:
        if case["reference"].startswith("["):
            with pytest.raises(InvalidReference):
                parse_key(case["key"], Namespaces.OPTIONAL)
            continue
        found = parse_key(case["key"], Namespaces.OPTIONAL)
        assert (found.namespace, found.text) == (case["namespace"], case["reference"])
        assert found.reference == Reference.parse(case["reference"])
