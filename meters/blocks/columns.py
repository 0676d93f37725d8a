"""Which columns of a block a kind of source fills, and pieces of SQL. Everything comes from `meters.kinds`, nothing from a person."""

from collections.abc import Iterable, Iterator

from meters.kinds import Kind


def places(names: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """(1, first register), (2, second) ...: the numbers of the block's columns."""
    return enumerate(names, 1)


def energies(kind: Kind) -> list[str]:
    return [f"{name}{i}" for name in ("energy", "end") for i, _register in places(kind.registers)]


def powers(kind: Kind) -> list[str]:
    return [f"{name}{i}" for i, _channel in places(kind.channels) for name in ("min", "mean", "max")]


def values(kind: Kind) -> list[str]:
    """What is compared to tell whether a block has changed."""
    return [*energies(kind), *powers(kind), "covered_s", "recovered", "meter_w"]


def listed(parts: Iterable[str], join: str = ", ") -> str:
    return join.join(parts)


def floored(over: str, by: str) -> str:
    """Division of whole numbers rounded down, as Python does; `by` is positive."""
    return f"(({over}) / ({by}) - (mod({over}, {by}) < 0)::int)"


def rounded(over: str, by: str) -> str:
    """To the nearest whole, halves upwards."""
    return floored(f"2 * ({over}) + ({by})", f"2 * ({by})")


def seconds(interval: str) -> str:
    return f"extract(epoch FROM {interval})::bigint"
