"""References: what is accepted, what is refused, and that there is one spelling for each."""

import json
from pathlib import Path

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import InvalidReference
from pyratify.core.reason import Reason
from pyratify.core.reference import (
    Reference,
    canonical_registry,
    is_layout,
    is_loopback,
    is_registry,
    is_repository,
    is_tag,
)

HEX = "ab" * 32
DIGEST = f"sha256:{HEX}"

# Extracted with computed parts missing: what stands there is not what was tested.
WRONGLY_EXTRACTED = {"domain/", "strings.Repeat", "example.com/"}


def _expected(case: dict[str, str]) -> tuple[str, str, str | None, str | None]:
    """Return what Docker's normalisation makes of a case of distribution's grammar."""
    domain, name = case.get("domain", ""), case["repository"]
    is_registry_part = domain == "localhost" or any(mark in domain for mark in ".:")
    if is_registry_part:
        registry, repository = domain, name.removeprefix(f"{domain}/")
    else:
        registry, repository = "docker.io", name if "/" in name else f"library/{name}"
    tag, digest = case.get("tag"), case.get("digest")
    return registry, repository, tag if tag or digest else "latest", digest


def test_distribution_cases_parse_as_docker_reads_them(shared: Path) -> None:
    """All 47 cases of distribution's own tests, save three that were extracted wrongly, agree with it."""
    cases = json.loads((shared / "distribution-reference/reference_parse_cases.json").read_text())
    assert len(cases) == 47
    for case in cases:
        text = case["input"]
        if text in WRONGLY_EXTRACTED:
            continue
        if "err" in case:
            with pytest.raises(InvalidReference):
                Reference.parse(text)
            continue
        found = Reference.parse(text)
        registry, repository, tag, digest = _expected(case)
        assert (found.registry, found.repository, found.tag) == (registry, repository, tag), text
        assert (str(found.digest) if found.digest else None) == digest, text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx:1.27", "docker.io/library/nginx:1.27"),
        ("registry-1.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("DOCKER.io/nginx", "docker.io/library/nginx:latest"),
        ("docker.io./nginx", "docker.io/library/nginx:latest"),
        ("docker.io:443/nginx", "docker.io/library/nginx:latest"),
        ("team/app", "docker.io/team/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("LOCALHOST/app", "localhost/app:latest"),
        ("localhost:443/app", "localhost:443/app:latest"),
        ("GHCR.IO./team/app", "ghcr.io/team/app:latest"),
        ("ghcr.io:443/team/app", "ghcr.io/team/app:latest"),
        ("ghcr.io:8443/team/app", "ghcr.io:8443/team/app:latest"),
        ("registry:443/app", "registry:443/app:latest"),
        ("[0:0:0:0:0:0:0:1]:5000/app", "[::1]:5000/app:latest"),
        ("[2001:DB8::1]:443/app", "[2001:db8::1]/app:latest"),
        (f"app:v1@{DIGEST}", f"docker.io/library/app:v1@{DIGEST}"),
        (f"{HEX}:v1", f"docker.io/library/{HEX}:v1"),
        (f"ghcr.io/{HEX}", f"ghcr.io/{HEX}:latest"),
    ],
)
def test_every_spelling_has_one_canonical_form(text: str, canonical: str) -> None:
    """A reference prints as its canonical form, and that parses to the same reference."""
    reference = Reference.parse(text)
    assert str(reference) == canonical
    assert Reference.parse(canonical) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        " app",
        "app\n",
        "app:v1\r",
        "app:",
        "app@",
        "app:v1@",
        f"app@{DIGEST}\n",
        f"app@{DIGEST.upper()}",
        f"app@{DIGEST}@{DIGEST}",
        f"app@{DIGEST}:v1",
        "app:" + "t" * 129,
        "app:-v1",
        "a" * 1025,
        "ghcr.io/" + "a" * 256,
        "a" * 250,
        "h" * 256 + ".io/app",
        "ghcr.io//app",
        "ghcr.io/app/",
        "/app",
        "ghcr.io/../app",
        "ghcr.io/a..b",
        "ghcr.io/a___b",
        "ghcr.io/Team/app",
        "App",
        "-ghcr.io/app",
        "ghcr-.io/app",
        "ghcr..io/app",
        "user@ghcr.io/app",
        "ghcr.io:/app",
        "ghcr.io:0/app",
        "ghcr.io:0443/app",
        "ghcr.io:65536/app",
        "ghcr.io:99999/app",
        "ghcr.io:123456/app",
        "ghcr.io%2fapp",
        "https://ghcr.io/app",
        "[::1]",
        "[::1/app",
        "[::::]/app",
        "[1]/app",
        "[::1%25eth0]/app",
        "[kube-system]ghcr.io/app",
        "gh\u0441r.io/app",
        "ghcr\u3002io/app",
        "ghcr.io\u200b/app",
        "\u212aubernetes.io/app",
        "ghcr.io/app:v\u0661",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    """What the grammar does not allow, or some reader could read otherwise, is refused with a short message."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert caught.value.reason is Reason.REF_INVALID
    assert len(caught.value.message) < 600
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("text", ["FOO/app", "foo./app", "OCI/etc", "oci./etc", "Oci-Archive/etc/app"])
def test_a_registry_that_would_not_be_read_as_one_again_is_refused(text: str) -> None:
    """`FOO/app` would print as `foo/app`, which names another repository; and none may become a local layout."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert "domain or a port" in caught.value.message


def test_a_registry_called_oci_is_no_layout() -> None:
    """With a port it is a registry like any other."""
    assert not Reference.parse("oci:443/etc").is_layout


def test_what_could_be_an_image_identifier_is_ambiguous() -> None:
    """64 hexadecimal characters could be an image of the local engine."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(HEX)
    assert caught.value.reason is Reason.REF_AMBIGUOUS


def test_the_longest_names_are_accepted() -> None:
    """255 characters of repository, 128 of tag and a long digest fit together, and print what parses."""
    text = f"ghcr.io/{'a' * 255}:{'t' * 128}@sha512:{'0' * 128}"
    assert str(Reference.parse(text)) == text


def test_at_and_tagged_choose_another_version() -> None:
    """A digest drops the tag and a tag the digest."""
    reference = Reference.parse("ghcr.io/app:v1")
    pinned = reference.at(Digest(DIGEST))
    assert str(pinned) == f"ghcr.io/app@{DIGEST}"
    assert pinned.tagged("v2") == Reference.parse("ghcr.io/app:v2")


@pytest.mark.parametrize(
    ("text", "path", "tag", "digest"),
    [
        ("oci:images", "images", None, None),
        ("oci:/a/images:v1", "/a/images", "v1", None),
        ("oci:C:/images", "C:/images", None, None),
        ("oci:/a b/my images:v1", "/a b/my images", "v1", None),
        (f"oci:images@{DIGEST}", "images", None, DIGEST),
        ("oci-archive:a.tar:v1", "a.tar", "v1", None),
    ],
)
def test_layouts_have_a_path_and_perhaps_a_version(
    text: str, path: str, tag: str | None, digest: str | None
) -> None:
    """A layout is a scheme and a path; it prints as it is written."""
    reference = Reference.parse_layout(text)
    assert reference.is_layout
    assert (reference.repository, reference.tag, reference.digest) == (path, tag, digest)
    assert str(reference) == text
    assert is_layout(text)


@pytest.mark.parametrize(
    "text",
    ["docker:x", "oci", "oci:", "oci::v1", "oci:a\nb", "oci:" + "a" * 4097, "oci:a:-", "oci:a@sha256:ff"],
)
def test_what_names_no_layout_is_refused(text: str) -> None:
    """Other schemes, no path, control characters, bad tags and digests are refused."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse_layout(text)
    assert caught.value.reason is Reason.REF_INVALID


def test_a_registry_reference_is_not_spelled_as_a_layout() -> None:
    """`oci` without a colon is a repository's name."""
    assert not is_layout("oci/app")
    assert not is_layout("oci")


@pytest.mark.parametrize(
    "registry", ["localhost", "localhost:5000", "127.0.0.1", "127.9.8.7:80", "[::1]", "[::1]:5000"]
)
def test_this_machine_is_loopback(registry: str) -> None:
    """Docker's rule: localhost, 127.0.0.0/8 and ::1."""
    assert is_loopback(registry)


@pytest.mark.parametrize(
    "registry",
    [
        "127.0.0.1.evil.io",
        "localhost.evil.io",
        "evil.io",
        "xlocalhost",
        "127.0.0.256",
        "127.0.0.010",
        "127.1",
        "128.0.0.1",
        "0.0.0.0",
        "[::2]",
        "[::1]x",
        "127.0.0.1\n",
        "localhost:",
        "",
    ],
)
def test_other_machines_are_never_loopback(registry: str) -> None:
    """What only looks like this machine is not."""
    assert not is_loopback(registry)


def test_parts_have_their_own_grammars() -> None:
    """Configuration and stores check parts by the same grammar as whole references."""
    assert is_repository("team/app")
    assert not is_repository("Team/app")
    assert not is_repository("a" * 256)
    assert is_registry("ghcr.io:443")
    assert not is_registry("ghcr.io/app")
    assert not is_registry("[zz]")
    assert is_tag("v1")
    assert not is_tag("v1\n")
    assert canonical_registry("[zz]") == "[zz]"


def test_a_password_is_not_repeated_in_the_message() -> None:
    """What stands before an @ may be a user's password."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("user:secret@registry.example.com/app")
    assert "secret" not in caught.value.message
    assert "registry.example.com/app" in caught.value.message
