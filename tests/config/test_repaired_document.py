"""Repairs of a faulty configuration document."""

from pyratify.config.decode import ShapeError
from pyratify.config.repaired_document import RepairedDocument
from pyratify.core.errors import ConfigurationError


def test_a_place_that_is_not_there_is_not_repaired() -> None:
    """Nothing is put where nothing was."""
    repaired = RepairedDocument({"a": [1], "b.c": {"d": 1}})
    for path in ("", "x", "a[1]", "a[x]", "a[0].b", "a.b"):
        assert not repaired.replace(ConfigurationError("", path=path), 5)
        assert not repaired.repair(ShapeError("", path=path))
    assert not repaired.repair(ConfigurationError("no fault of the shape", path="a"))
    assert repaired.replace(ConfigurationError("", path="b.c.d"), 5)
    assert repaired.document == {"a": [1], "b.c": {"d": 5}}
