"""Metrics of several processes as those of one: what is counted is added, and nothing that was counted is lost with a process."""

import math
from collections.abc import Callable, Iterable

from msgspec import Struct

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float | None]
_CUMULATIVE = ("counter", "histogram", "summary")


class Family(Struct, frozen=True, kw_only=True):
    """All samples of one metric.

    Attributes:
        name: The metric's name.
        type: `counter`, `histogram` or `gauge`.
        about: What it is.
        samples: The name, the labels and the value of each; None for what is not a number.
    """

    name: str
    type: str
    about: str
    samples: tuple[Sample, ...]


def _least(one: float, other: float) -> float:
    return min(one, other)


def _most(one: float, other: float) -> float:
    return max(one, other)


def _sum(one: float, other: float) -> float:
    return one + other


# What every process has the same of, or what the worst of them says for all; other gauges are added.
_JOINED: dict[str, Callable[[float, float], float]] = {
    "ratify_executor_scopes": _least,
    "ratify_executors": _least,
    "ratify_executors_invalid": _most,
    "ratify_keys_age_seconds": _most,
    "ratify_configuration_wrong": _most,
    "ratify_certificate_expiry_seconds": _least,
    "ratify_certificate_rotation_wrong": _most,
    "ratify_certificate_rotation_leader": _most,
}


def summed(processes: Iterable[tuple[Family, ...]]) -> tuple[Family, ...]:
    """Return the families of several processes as those of one."""
    families: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    for process in processes:
        for family in process:
            # All workers run one program, so the first one's type and text hold for all.
            families.setdefault(family.name, family)
            _join(values.setdefault(family.name, {}), family)
    return tuple(_family(families[name], found) for name, found in values.items())


def counted(families: Iterable[Family]) -> tuple[Family, ...]:
    """Return what stays true of a process that has ended: what it counted; times of beginnings are left out."""
    return tuple(
        Family(
            name=family.name,
            type=family.type,
            about=family.about,
            # `_created` is the beginning of a process that is over; the minimum would stay old for ever.
            samples=tuple(one for one in family.samples if not one[0].endswith("_created")),
        )
        for family in families
        if family.type in _CUMULATIVE
    )


def _join(found: dict[tuple[str, Labels], float], family: Family) -> None:
    for name, labels, value in family.samples:
        # One worker without a certificate must not make the value of all "not a number".
        if value is None or math.isnan(value):
            continue
        # The series began with the oldest of them (OpenMetrics, "_created").
        join = _least if name.endswith("_created") else _JOINED.get(family.name, _sum)
        key = (name, labels)
        found[key] = join(found[key], value) if key in found else value


def _family(family: Family, found: dict[tuple[str, Labels], float]) -> Family:
    samples = tuple((name, labels, value) for (name, labels), value in found.items())
    return Family(name=family.name, type=family.type, about=family.about, samples=samples)


def gauge(name: str, about: str, value: float) -> Family:
    """Return a gauge with one value."""
    return Family(name=name, type="gauge", about=about, samples=((name, (), float(value)),))
