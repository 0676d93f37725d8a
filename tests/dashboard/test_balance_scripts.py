"""The house's balance as the server tells it and as the page's script counts on from there: one and the same."""

import random
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard import house_card
from dashboard.house_bars import bars, parts_of
from dashboard.house_card import percent
from dashboard.house_day import HouseDay
from meters import balance
from solar.moment import Unknown
from tests.dashboard.test_scripts import ask

NOW = datetime(2026, 7, 14, 10, tzinfo=UTC)
BRUSSELS = ZoneInfo("Europe/Brussels")


def frames() -> list[dict[str, Any]]:
    chance = random.Random(11)
    found: list[dict[str, Any]] = [{}]
    for _ in range(300):
        frame = {name: chance.choice([0, chance.randrange(6000)]) for name in ("solar_w", "use_w", "import_w", "export_w")}
        if chance.random() < 0.5:
            frame["battery_w"] = chance.randrange(-3000, 3000)
        found.append({name: w for name, w in frame.items() if chance.random() < 0.8})
    return found


def test_server_and_script_draw_the_same_bars() -> None:
    cases = frames()
    for frame, theirs in zip(cases, ask("balances", cases), strict=True):
        for side, (segments, gap), parts in zip(("in", "out"), bars(frame), parts_of(frame), strict=True):
            drawn = theirs["bars"][side]
            assert [one["key"] for one in drawn] == [one.key for one in segments] == [*parts, "unknown"]
            assert [(one["x"], one["width"]) for one in drawn] == [
                (pytest.approx(one.x, abs=0.001), pytest.approx(one.width, abs=0.001)) for one in segments
            ]
            assert drawn[-1]["w"] == gap
            assert theirs["parts"][side] == [[key, w] for key, w in parts.items()]


def test_both_sides_are_as_long_as_each_other_and_what_lacks_is_unknown() -> None:
    coming, going = bars({"import_w": 0, "export_w": 1840})
    assert (coming[0][-1].width, coming[1], going[1]) == (100, 1840, 0)
    coming, going = bars({"solar_w": 3600, "use_w": 1420, "export_w": 1840, "import_w": 0, "battery_w": -340})
    assert (coming[1], going[1]) == (0, 0)
    assert [round(one.width, 1) for one in going[0]] == [39.4, 9.4, 51.1, 0]
    assert all(one.width == 0 for one in bars({})[0][0])


def test_server_and_script_come_to_the_same_day() -> None:
    chance = random.Random(12)
    cases = []
    for _ in range(300):
        imported, exported, solar = (chance.choice([0, chance.randrange(30_000)]) for _counter in range(3))
        cases.append({"import_wh": imported, "export_wh": exported, "solar_wh": solar, "charge_wh": 0, "discharge_wh": 0})
    cases += [{**case, "charge_wh": 300, "discharge_wh": 900} for case in cases[:50]]
    for case, theirs in zip(cases, ask("todays", cases), strict=True):
        ours = balance.of(*case.values())
        assert ours is not None
        assert (theirs["use"], theirs["solar"]) == (ours.use, ours.solar), case
        if case["charge_wh"] == 0:
            for told, share in ((theirs["used_here"], ours.self_consumption), (theirs["self_sufficient"], ours.self_sufficiency)):
                assert told == (None if share is None else percent(share)), case


def test_every_reason_has_a_sentence_and_each_says_what_cannot_be_done() -> None:
    for code in Unknown:
        for more in ({"since": NOW.timestamp() - 60}, {}):
            said = house_card.sentence({"unknown": code.value, "of": "Roof", **more}, NOW, BRUSSELS)
            assert "use cannot be computed" in said
            assert "{" not in said
    assert house_card.sentence({"unknown": "solar_silent", "since": NOW.timestamp() - 3000}, NOW, BRUSSELS) == (
        "Solar unknown since 11:10; use cannot be computed."
    )
    assert house_card.sentence({"asleep": True, "dawn": NOW.timestamp() - 5 * 3600 - 1200}, NOW, BRUSSELS) == (
        "Solar is asleep until about 06:40."
    )
    assert house_card.sentence({"asleep": True}, NOW, BRUSSELS) == "Solar is asleep."
    assert house_card.sentence({"use_w": 1}, NOW, BRUSSELS) == ""
    assert "next reading" in house_card.sentence({}, NOW, BRUSSELS)
    assert "13.07. 12:00" in house_card.sentence({"unknown": "meter_silent", "since": NOW.timestamp() - 86_400}, NOW, BRUSSELS)


def test_what_is_not_known_of_a_day_is_left_out_and_never_nought() -> None:
    assert house_card.totals(HouseDay())["totals"] == []
    [only] = house_card.totals(HouseDay(solar_wh=5000))["totals"]
    assert (only["name"], only["share"]) == ("solar", "")
    found = house_card.totals(HouseDay(14_000, 7000, 5 / 14, 5 / 7, known_s=5 * 3600))
    assert [(one["name"], one["value"], one["share"]) for one in found["totals"]] == [
        ("use", 7000, "71 % self-sufficient"),
        ("solar", 14_000, "36 % used here"),
    ]
    assert found["known"] == "Use is known for 5 h of the day"
