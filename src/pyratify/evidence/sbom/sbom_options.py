"""The rules about SBOMs as a configuration writes them, with the names of Ratify v1 beside pyratify's."""

from difflib import get_close_matches
from typing import Annotated, Literal

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.evidence.age import optional_duration
from pyratify.evidence.sbom.document import UNSTATED, Field
from pyratify.evidence.sbom.license_expression import (
    Expression,
    InvalidExpression,
    check_installed,
    listed,
    stands_for,
)
from pyratify.evidence.sbom.license_rules import ANY, ExpressionTest, LicenseRules, MentionTest
from pyratify.evidence.sbom.package_options import PackageOptions, package_rules
from pyratify.evidence.sbom.package_rules import PackageRules
from pyratify.evidence.sbom.requirements import Requirements
from pyratify.evidence.sbom.sbom_rules import SbomRules


class RequiredOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What an SBOM must state.

    Attributes:
        minimum_packages: How many packages it lists at least, the described one included and files not.
        fields: What each package states: `supplier`, `version`, `purl`, `license`.
        tools: Names of tools, one of which made it, as `syft`.
        maximum_age: How old it may be, as `720h` or `30d`; when it was signed counts too.
        subject_digest: Whether it must name the digest of the artifact that it is attached to.
    """

    minimum_packages: Annotated[int, msgspec.Meta(ge=0)] = 1
    fields: tuple[Literal["supplier", "version", "purl", "license"], ...] = ()
    tools: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()
    maximum_age: str | None = None
    subject_digest: bool = False


class SbomRuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Rules about SBOMs; the same in verifiers of type `sbom` and in `sbom` of verifiers of type `attestation`.

    Attributes:
        denied_licenses: SPDX identifiers that no package may depend on, as `GPL-3.0-only` or `GPL-*`; `NOASSERTION` for packages that
            state none.
        allowed_licenses: SPDX identifiers, `*` at the end of one for any rest, or expressions that are allowed, and no others.
        license_match: `expression` judges SPDX expressions; `mention` looks for words, as Ratify v1.
        license_field: Which statements count: `concluded`, `declared` or `either`.
        denied_packages: Packages that must not be there.
        required: What the SBOM must state.
        external_documents: `refuse` an SBOM that leaves a part to other documents, or `ignore` those.
        disallowed_licenses: Ratify v1's name of `deniedLicenses`, with the match `mention` and the field `concluded`.
        disallowed_packages: Ratify v1's name of `deniedPackages`.
    """

    denied_licenses: tuple[str, ...] = ()
    allowed_licenses: tuple[str, ...] | None = None
    license_match: Literal["expression", "mention"] | None = None
    license_field: Field | None = None
    denied_packages: tuple[PackageOptions, ...] = ()
    required: RequiredOptions = RequiredOptions()
    external_documents: Literal["refuse", "ignore"] = "refuse"
    disallowed_licenses: tuple[str, ...] = ()
    disallowed_packages: tuple[PackageOptions, ...] = ()


def sbom_rules(options: SbomRuleOptions) -> SbomRules:
    """Make the rules.

    Raises:
        ConfigurationError: A license, package, range or duration that is none, or both names of one parameter; with the path.
    """
    for ours, theirs, both in (
        ("deniedLicenses", "disallowedLicenses", options.denied_licenses and options.disallowed_licenses),
        ("deniedPackages", "disallowedPackages", options.denied_packages and options.disallowed_packages),
    ):
        if both:
            raise ConfigurationError(
                f"{ours} and {theirs} are one parameter", path=theirs, remedy=f"Leave out {theirs}."
            )
    required = options.required
    return SbomRules(
        _license_rules(options),
        _package_rules(options),
        Requirements(
            required.minimum_packages,
            required.fields,
            required.tools,
            optional_duration(required.maximum_age, "required.maximumAge"),
            required.subject_digest,
            options.external_documents == "ignore",
        ),
    )


def _package_rules(options: SbomRuleOptions) -> PackageRules | None:
    if options.disallowed_packages:
        return package_rules(options.disallowed_packages, "disallowedPackages")
    return package_rules(options.denied_packages, "deniedPackages") if options.denied_packages else None


def _license_rules(options: SbomRuleOptions) -> LicenseRules | None:
    is_v1 = bool(options.disallowed_licenses)
    name = "disallowedLicenses" if is_v1 else "deniedLicenses"
    denied, allowed = options.disallowed_licenses or options.denied_licenses, options.allowed_licenses
    # An empty list of allowed licenses is a rule too: it allows none.
    if not denied and allowed is None:
        return None
    if "" in denied:
        raise ConfigurationError(
            "an empty text is no license", path=name, remedy="Write NOASSERTION for packages that state none."
        )
    if ANY in (allowed or ()):
        raise ConfigurationError(
            "* alone would allow every license",
            path="allowedLicenses",
            remedy="Name licenses, or leave it out.",
        )
    both = {each.lower() for each in options.denied_licenses} & {each.lower() for each in allowed or ()}
    if both:
        raise ConfigurationError(
            f"{', '.join(sorted(both))}: denied, and allowed too",
            path="allowedLicenses",
            remedy="Leave each of them in one of the two lists.",
        )
    # Under Ratify v1's name the parameter keeps v1's meaning.
    match = options.license_match or ("mention" if is_v1 else "expression")
    statements = options.license_field or ("concluded" if is_v1 else "either")
    if match == "mention":
        _check_words((*denied, *(allowed or ())), name)
        return LicenseRules(MentionTest(denied, allowed), statements)
    # Now: a missing extra has to show with the configuration, not with the first SBOM.
    check_installed("licenseMatch")
    for index, text in enumerate(denied):
        _check_license(text, f"{name}[{index}]")
    return LicenseRules(ExpressionTest(denied, allowed), statements)


def _check_words(words: tuple[str, ...], name: str) -> None:
    # Taken for a letter of the word, it would deny nothing.
    wildcard = next((each for each in words if ANY in each), None)
    if wildcard is not None:
        raise ConfigurationError(
            f"{wildcard[:80]!r} has a wildcard, and words are compared as they are",
            path=name,
            remedy="Write each one in full, or set licenseMatch to expression.",
        )


def _check_license(text: str, path: str) -> None:
    # A misspelt identifier would deny nothing, and every image would pass.
    if text in UNSTATED or _is_known(text):
        return
    start = text.removesuffix(ANY).lower()
    if (
        text.endswith(ANY)
        and start
        and any(each.lower().startswith(start) for each in (*listed(), "LicenseRef-"))
    ):
        return
    near = _nearest(text)
    raise ConfigurationError(
        f"{text[:80]!r} is no license of the SPDX list" + (f"; did you mean {near!r}?" if near else ""),
        path=path,
        remedy="Write one SPDX identifier, or set licenseMatch to mention for other words.",
    )


def _is_known(text: str) -> bool:
    try:
        return Expression(text).is_known()
    except InvalidExpression:
        return False


def _nearest(text: str) -> str:
    meant = [each for each in listed() if each.lower() in stands_for(text)]
    if meant:
        return max(meant, key=len)
    start = _letters(text)
    # `GPL3` for `GPL-3.0-only`: a matcher of letters would find `NGPL`.
    longer = [each for each in listed() if start and _letters(each).startswith(start)]
    longer.sort(key=lambda each: (not each.endswith("-only"), len(each), each))
    return next(iter(longer or get_close_matches(text, listed(), n=1)), "")


def _letters(text: str) -> str:
    return "".join(each for each in text.lower() if each.isalnum())
