"""Paths and queries as the Docker daemon's router reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.entrypoints.node.docker.target import BadDockerRequest, parse_target

SEGMENTS = st.lists(
    st.text("abcxyz019._-", min_size=1).filter(lambda text: text.strip(".")), min_size=1, max_size=4
)


@pytest.mark.parametrize(
    "uri",
    [
        "/containers/create",
        "/v1.41/containers/create",
        "//containers///create",
        "/v1.41//containers/create",
        "/containers/%63reate",
        "/v1%2E41/%63%6Fntainers/create",
        "/containers/./create",
        "/images/../containers/create",
        "/containers%2Fcreate",
        "/containers/create/",
        "http://docker/v1.41/containers/create",
        "/containers/create?name=a/b",
    ],
)
def test_every_spelling_of_a_path_is_the_same_path(uri: str) -> None:
    """With a version, slashes, dots, percent-encoding, or as an absolute URI."""
    assert parse_target(uri).path == "/containers/create"


@given(SEGMENTS, st.data())
def test_encoding_any_characters_changes_nothing(segments: list[str], data: st.DataObject) -> None:
    """Which of them are percent-encoded, and how many slashes stand between segments."""
    path = "/" + "/".join(segments)
    spelled = "".join(
        "/" * data.draw(st.integers(1, 3))
        if char == "/"
        else f"%{ord(char):02x}"
        if data.draw(st.booleans())
        else char
        for char in path
    )
    assert parse_target(spelled) == parse_target(path)


@given(SEGMENTS)
def test_one_version_is_taken_off(segments: list[str]) -> None:
    """And only one: the router knows no two of them."""
    path = "/x/" + "/".join(segments)
    assert parse_target("/v1.41" + path) == parse_target(path)
    assert parse_target("/v1.41/v1.41" + path).path != parse_target(path).path


@given(SEGMENTS)
def test_only_the_first_segment_is_a_version(segments: list[str]) -> None:
    """A container, a service or a plugin may be called `v1`, and a version before it is optional."""
    path = "/containers/v1/" + "/".join(segments)
    assert parse_target(path).path == parse_target("/v1.41" + path).path == path


@pytest.mark.parametrize("uri", ["/containers/%", "/containers/%zz", "/a?b=%f", "/%ff", "/a?x=%80"])
def test_what_decodes_in_no_one_way_is_refused(uri: str) -> None:
    """Broken escapes, and bytes that are no text."""
    with pytest.raises(BadDockerRequest):
        parse_target(uri)


def test_a_parameter_given_twice_has_no_value() -> None:
    """However its name is encoded."""
    for query in ("fromImage=a&fromImage=b", "fromImage=a&from%49mage=b"):
        with pytest.raises(BadDockerRequest, match="2 times"):
            parse_target(f"/images/create?{query}").parameter("fromImage")
    target = parse_target("/images/create?fromImage=a%2Fb&tag=x+y")
    assert [target.parameter(name) for name in ("fromImage", "tag", "other")] == ["a/b", "x y", ""]


@pytest.mark.parametrize(
    "query", ["fromImage=a;fromImage=b", "rollback=previous;", "version=1&rollback=previous;x"]
)
def test_a_semicolon_in_a_query_is_refused(query: str) -> None:
    """It separates parameters for daemons built with Go before 1.17; later ones drop the parameter that has it."""
    with pytest.raises(BadDockerRequest, match="semicolon"):
        parse_target(f"/services/x/update?{query}")
    assert parse_target("/a?x=1%3B2").parameter("x") == "1;2"


def test_parameters_are_counted() -> None:
    """A long query is refused before it is split any further."""
    with pytest.raises(BadDockerRequest):
        parse_target("/a?" + "x&" * 10_000)
