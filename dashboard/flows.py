"""Bars with the house in the middle: to the left what goes out to the grid, to the right what comes in. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

SCALES_W = (2_500, 5_000, 10_000, 15_000, 20_000, 30_000, 50_000, 100_000)


@dataclass(frozen=True, slots=True)
class Flow:
    """Attributes of an SVG bar, in percent of its whole width."""

    x: float
    width: float
    direction: str  # import | export


def scale_for(powers_w: Iterable[int | None]) -> int:
    """The smallest round scale that holds all of them."""
    highest = max((abs(w) for w in powers_w if w is not None), default=0)
    return next((scale for scale in SCALES_W if scale >= highest), highest)


def flow(power_w: int | None, scale_w: int) -> Flow:
    share = 0.0 if power_w is None else 50 * power_w / scale_w
    return Flow(round(50 + min(0.0, share), 3), round(abs(share), 3), "export" if share < 0 else "import")
