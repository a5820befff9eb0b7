"""Attacks on Notation's signing times, signing schemes and plugins."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyratify.core.reason import Reason
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import (
    Recipe,
    make_verifier,
)
from pyratify.verifiers.notation.envelope import (
    AUTHENTIC_TIME,
    EXPIRY,
    PLUGIN,
    PLUGIN_VERSION,
    SCHEME,
    SIGNING_AUTHORITY,
    SIGNING_TIME,
    X509,
)
from support.notation_bench import FORMATS, LEAF, ROOT, details, found, judge, reason

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


SHORT = authority("short", issuer=ROOT, not_after=NOW + DAY)
OLD_LEAF = signer(SHORT, not_after=NOW - DAY)
YOUNG_LEAF = signer(SHORT, not_before=NOW + DAY / 2)


@pytest.mark.parametrize(
    ("leaf", "signed_at", "scheme", "expected"),
    [
        pytest.param(OLD_LEAF, NOW - 7 * DAY, X509, Reason.CERT_EXPIRED, id="expired-claims-last-week"),
        pytest.param(YOUNG_LEAF, NOW - DAY, X509, Reason.CERT_EXPIRED, id="not-yet-valid"),
        pytest.param(OLD_LEAF, NOW - 7 * DAY, SIGNING_AUTHORITY, None, id="authority-vouches-for-last-week"),
        pytest.param(
            OLD_LEAF, NOW - DAY / 2, SIGNING_AUTHORITY, Reason.CERT_EXPIRED, id="authority-too-late"
        ),
        pytest.param(LEAF, NOW + DAY, X509, Reason.TIME_INVALID, id="future"),
        pytest.param(LEAF, NOW + DAY, SIGNING_AUTHORITY, Reason.TIME_INVALID, id="authority-in-the-future"),
        pytest.param(LEAF, NOW + timedelta(minutes=4), X509, None, id="clocks-differ-a-little"),
    ],
)
@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_150_a_claimed_signing_time_proves_nothing(
    leaf: Issued, signed_at: datetime, scheme: str, expected: Reason | None, media_type: str
) -> None:
    """Certificates are valid now, unless a signing authority vouches for the time."""
    kind = "ca" if scheme == X509 else "signingAuthority"
    verifier = make_verifier(ROOT, kind=kind, clock=FakeClock(time=NOW))
    recipe = Recipe(scheme=scheme, signed_at=signed_at)
    result = await judge(recipe, media_type, leaf=leaf, verifier=verifier)
    if expected is None:
        details(result)
    else:
        assert found(result).reason is expected


TIMES = [
    "2030-01-01T00:00:00",
    "2030-01-01 00:00:00Z",
    "20300101",
    "2030-01-01",
    "2030-06-30T23:59:60Z",
    "2030-02-30T00:00:00Z",
    "2030-01-01T24:00:00Z",
    "2030-01-01T00:00:00+24:00",
    "2030-01-01t00:00:00z",
    "2030-01-01T00:00:00Z\n",
    "٢٠٣٠-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-01:00",
    "",
    1893456000,
    None,
    True,
    ["2030-01-01T00:00:00Z"],
]


def _expiring(value: object) -> Callable[[dict[Any, Any]], None]:
    def edit(header: dict[Any, Any]) -> None:
        """Break it."""
        header[EXPIRY] = value
        header["crit" if "crit" in header else 2].append(EXPIRY)

    return edit


@pytest.mark.parametrize("value", TIMES)
async def test_atk_151_a_jws_expiry_is_written_in_one_way(value: object) -> None:
    """Anything that is not a whole RFC 3339 time is no expiry, and no expiry means not now."""
    assert await reason(Recipe(protected=_expiring(value))) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("encoded", ["1a70dbd880", "c1f97e00", "c1fb7e37e43c8800759c", "c1fb41dc36f620000000", "c120",
                                     "c11bffffffffffffffff", "c1617a", "c074323033302d30312d30315430303a30303a30305a", "f6"])  # fmt: skip
async def test_atk_151_a_cose_expiry_is_a_tagged_integer(encoded: str) -> None:
    """Untagged, NaN, floats, negative, huge and text times are no expiry."""
    import cbor2

    marker = 4_000_000_000

    def edit(header: dict[Any, Any]) -> bytes:
        """Break it."""
        _expiring(marker)(header)
        return cbor2.dumps(header).replace(cbor2.dumps(marker), bytes.fromhex(encoded))

    assert await reason(Recipe(protected=edit), "application/cose") is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(("after", "expired"), [(-1, True), (0, True), (1, False)])
async def test_atk_151_a_signature_counts_until_its_expiry(
    after: int, expired: bool, media_type: str
) -> None:
    """At the very moment of its expiry it has expired."""
    recipe = Recipe(expiry=NOW + timedelta(seconds=after))
    verifier = make_verifier(ROOT, clock=FakeClock(time=NOW))
    result = await judge(recipe, media_type, verifier=verifier)
    if expired:
        assert found(result).reason is Reason.SIG_EXPIRED
    else:
        details(result)


async def test_atk_151_an_expiry_before_signing_is_refused() -> None:
    """It is a mistake or worse."""
    assert await reason(Recipe(expiry=NOW - 365 * DAY)) is Reason.ENVELOPE_MALFORMED


def _both_times(header: dict[Any, Any]) -> None:
    header[AUTHENTIC_TIME] = header[SIGNING_TIME]
    header["crit" if "crit" in header else 2].append(AUTHENTIC_TIME)


SCHEMES: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "unknown": lambda h: h.update({SCHEME: "notary.x509.other"}),
    "no text": lambda h: h.update({SCHEME: 1}),
    "other case": lambda h: h.update({SCHEME: "NOTARY.X509"}),
    "both times": _both_times,
    "other scheme's time": lambda h: h.update({SCHEME: SIGNING_AUTHORITY}),
    "no time": lambda h: h.pop(SIGNING_TIME) and None,
}  # fmt: skip


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", SCHEMES)
async def test_atk_152_schemes_and_their_attributes_are_not_mixed(name: str, media_type: str) -> None:
    """Each scheme has exactly its own signing time."""
    assert await reason(Recipe(protected=SCHEMES[name]), media_type) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("level", ["strict", "audit"])
@pytest.mark.parametrize("version", [None, "1.0.0"])
@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_153_a_signature_that_needs_a_plugin_is_refused(
    media_type: str, version: str | None, level: str
) -> None:
    """What a plugin would have checked is not assumed, at any level."""
    attributes = {PLUGIN: "com.example.plugin"} | ({PLUGIN_VERSION: version} if version else {})

    def edit(header: dict[Any, Any]) -> None:
        """Break it."""
        header.update(attributes)
        header["crit" if "crit" in header else 2].extend(attributes)

    verifier = make_verifier(ROOT, level=level)
    assert await reason(Recipe(protected=edit), media_type, verifier=verifier) is Reason.PLUGIN_REQUIRED
