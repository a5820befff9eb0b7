"""Denied packages as a configuration writes them."""

import re
from collections.abc import Iterable

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.evidence.lookalikes import plain
from pyratify.evidence.sbom.package_rules import DeniedPackage, PackageRules
from pyratify.evidence.sbom.package_url import InvalidPackageUrl, PackageUrl, parse_purl
from pyratify.evidence.sbom.version_range import InvalidRange, VersionRange

_ANY_SCHEME = "generic"
# Wildcards, ranges and blanks around it.
_NO_NAME = re.compile(r"[*<>|]|\A\s|\s\Z|\Avers:", re.IGNORECASE)
_NO_VERSION = re.compile(r"[*<>|,\s]|\A[=^]", re.ASCII)


class PackageOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One package that must not be there.

    Attributes:
        name: Its name, exactly; or `purl`.
        version: The only version that is denied; without it, and without `versions`, every one is.
        purl: Its package URL, as `pkg:npm/lodash`; a version in it is the only one that is denied.
        versions: The range that is denied, as `vers:npm/<4.17.21`.
    """

    name: str = ""
    version: str = ""
    purl: str = ""
    versions: str = ""


def package_rules(options: Iterable[PackageOptions], path: str) -> PackageRules:
    """Make the rules.

    Raises:
        ConfigurationError: A package that is named in no way or in two, or a package URL or range that is none.
    """
    return PackageRules(_denied(each, f"{path}[{index}]") for index, each in enumerate(options))


def _denied(options: PackageOptions, path: str) -> DeniedPackage:
    if bool(options.name) == bool(options.purl):
        raise ConfigurationError("a package has either a name or a purl", path=path)
    _check_exact(options.name, _NO_NAME, f"{path}.name")
    purl = _purl(options.purl, f"{path}.purl") if options.purl else None
    # Versions of documents are compared in their plain form, too.
    version = plain(options.version) or (purl.version if purl else "")
    _check_exact(version, _NO_VERSION, f"{path}.{'version' if options.version else 'purl'}")
    if version and options.versions:
        raise ConfigurationError(
            "a package has either a version or a range of versions", path=f"{path}.versions"
        )
    if options.version and purl and purl.version not in ("", options.version):
        raise ConfigurationError("the package URL has another version", path=f"{path}.version")
    versions = _range(options.versions, f"{path}.versions") if options.versions else None
    if purl and versions and versions.scheme not in (purl.type, _ANY_SCHEME):
        # Versions of one ecosystem, compared as those of another, may be in the range and seem not to be.
        raise ConfigurationError(
            f"compares versions as {versions.scheme} does, and the package is one of {purl.type}",
            path=f"{path}.versions",
            remedy=f"Write it as vers:{purl.type}/...",
        )
    return DeniedPackage(options.name, purl, version, versions)


def _check_exact(text: str, pattern: re.Pattern[str], path: str) -> None:
    # Compared exactly, so it would match no package, and every image would pass.
    if pattern.search(text):
        raise ConfigurationError(
            f"{text[:80]!r} is compared exactly, and no package is called so",
            path=path,
            remedy="Write it as the SBOM does, and a range as versions: vers:npm/<4.17.21.",
        )


def _purl(text: str, path: str) -> PackageUrl:
    try:
        return parse_purl(text)
    except InvalidPackageUrl as error:
        raise ConfigurationError(
            f"{text[:80]!r} is no package URL: {error}", path=path, remedy="Write it as pkg:apk/alpine/musl."
        ) from None
    # Optional: a missing extra has to show with the configuration, not with the first SBOM.
    except ImportError:
        raise _missing("package URLs need the package packageurl-python", path, "sbom") from None


def _range(text: str, path: str) -> VersionRange:
    try:
        return VersionRange(text)
    except InvalidRange as error:
        raise ConfigurationError(
            f"{text[:80]!r} is no range of versions: {error}",
            path=path,
            remedy="Write it as vers:apk/<1.2.4-r1.",
        ) from None
    except ImportError:
        raise _missing("ranges of versions need the package univers", path, "versions") from None


def _missing(message: str, path: str, extra: str) -> ConfigurationError:
    return ConfigurationError(message, path=path, remedy=f"pip install 'pyratify[{extra}]'")
