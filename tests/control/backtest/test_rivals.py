"""Others' rules, as they are said to be."""

from collections.abc import Sequence

from control.backtest.rules import Always, Evcc, Nothing, Original, Plain, Rival, rivals


def follow(rule: Rival, surplus_w: Sequence[float | None], load_w: float = 1000) -> str:
    """On and off at the end of each minute, the load in the loop; None: the meter is silent."""
    level, told = 0.0, ""
    for watts in surplus_w:
        own_w = load_w * level
        level = rule.level(None if watts is None else own_w - watts, own_w, level)
        told += str(int(level))
    return told


def test_evcc_starts_after_a_minute_of_surplus_and_stops_after_three_without() -> None:
    assert follow(Evcc(1000), [0, 1500, 1500, 1500, 200, 200, 200, 200, 200]) == "001111100"[:9]


def test_evcc_counts_anew_when_the_sun_is_back_in_between() -> None:
    assert follow(Evcc(1000), [1500, 900, 1500, 1500, 0, 0, 0, 1500, 0, 0, 0, 0]) == "000111111110"


def test_the_plain_threshold_follows_every_cloud() -> None:
    assert follow(Plain(1000), [0, 1000, 999, 1000, 0]) == "01010"


def test_the_original_follows_its_mean_and_waits_between_changes() -> None:
    assert follow(Original(1000), [2000] * 6 + [0] * 8) == "00001111100000"
    assert follow(Original(1000), [600] * 10) == "0" * 10
    assert follow(Original(1000), [1200] * 5 + [600] * 20) == "0000" + "1" * 21, "600 W lies in the deadband"


def test_each_keeps_its_last_word_while_the_meter_is_silent() -> None:
    for rule in (Evcc(1000), Original(1000), Plain(1000)):
        assert follow(rule, [2000] * 8 + [None] * 200)[-1] == "1", "which is what ours never does"


def test_nothing_stays_off_and_always_stays_on() -> None:
    assert (follow(Nothing(), [5000, 0]), follow(Always(), [5000, 0])) == ("00", "11")
    assert [rule.name for rule in rivals(1000, demands=True)] == ["nothing", "always", "threshold", "original", "evcc"]
