"""What an import does beside what is there: twice, in part, finer, coarser, into blocks."""

from datetime import UTC, datetime, timedelta

import pytest

from meters.blocks.managers import ensure_defaults
from meters.exchange import importing
from meters.exchange.trouble import Unreadable
from meters.models import Block, DataManager, Source
from tests.meters.exchange import made

pytestmark = pytest.mark.django_db


def test_a_preview_writes_nothing_and_tells_what_would_happen(tmp_path):
    path = made.write(tmp_path, made.readings(made.START, 50) + "rubbish,1,2,3,4,5,6\n")
    seen = importing.preview(path, "House", "electricity", now=made.NOW)
    assert (seen.format, seen.makes, seen.rows, seen.bad_count, seen.overlap, seen.cadence_s) == ("readings", True, 50, 1, 0, 60)
    assert (seen.first, seen.last) == (made.START, made.START + timedelta(minutes=49))
    assert seen.sample[0] == {
        "time": made.START,
        "import_t1_wh": 1000,
        "import_t2_wh": 2000,
        "export_t1_wh": 0,
        "export_t2_wh": 0,
        "power_w": 600,
    }
    assert not Source.objects.exists()


def test_a_day_imported_twice_changes_nothing(tmp_path):
    path = made.write(tmp_path, made.readings(made.START, 1440))
    first = made.run(path)
    before = made.stored()
    again = made.run(path, create=None)
    assert (first.new, again.new, again.duplicates, again.suspects, again.reopened) == (1440, 0, 1440, 0, 0)
    assert made.stored() == before


def test_what_was_measured_finer_is_left_alone_and_holes_in_it_are_filled(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 1200, step_s=1, per_step=1), "first twenty minutes at 1 s"))
    later = made.START + timedelta(minutes=40)
    made.run(made.write(tmp_path, made.readings(later, 1200, step_s=1, per_step=1, first_wh=1000 + 2400), "twenty more"), create=None)
    fine = made.stored()
    # The same counter at 60 s, half a minute off, over both and over the hole between them.
    at = made.START - timedelta(minutes=10) + timedelta(seconds=30)
    coarse = made.write(tmp_path, made.readings(at, 80, per_step=60, first_wh=1000 - 570), "coarse")
    seen = importing.preview(coarse, "House", now=made.NOW)
    result = made.run(coarse, create=None)
    assert (result.new, result.finer, result.suspects) == (40, 40, 0)
    assert seen.overlap == result.finer
    assert [row for row in made.stored() if row in fine] == fine
    assert len(made.stored()) == len(fine) + 40


def test_finer_readings_go_in_among_coarse_ones(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 60, per_step=60), "coarse"))
    result = made.run(made.write(tmp_path, made.readings(made.START, 600, step_s=1, per_step=1), "fine"), create=None)
    assert (result.new, result.duplicates, result.finer) == (590, 10, 0)


def test_a_file_that_goes_back_in_time_is_the_same_history(tmp_path):
    header, *rows = made.readings(made.START, 300).splitlines()
    made.run(made.write(tmp_path, "\n".join([header, *reversed(rows)])))
    assert [row[1] for row in made.stored("House", "import_t1_wh")] == [1000 + 10 * i for i in range(300)]


@pytest.mark.parametrize(("day", "hours"), [(datetime(2025, 10, 25, 22, tzinfo=UTC), 25), (datetime(2026, 3, 28, 23, tzinfo=UTC), 23)])
def test_readings_in_wall_clock_time_fill_a_long_and_a_short_day(tmp_path, day, hours):
    instants = [day + timedelta(minutes=i) for i in range(hours * 60 + 1)]
    rows = [f"{at.astimezone(made.BRUSSELS):%Y-%m-%d %H:%M:%S};{1000 + i}" for i, at in enumerate(instants)]
    made.run(made.write(tmp_path, "\n".join(["time;import_t1_wh", *rows])))
    assert made.stored("House", "import_t1_wh") == [(at, 1000 + i) for i, at in enumerate(instants)]


def test_the_touched_blocks_are_done_at_the_end(tmp_path):
    seen: list[tuple[str, int]] = []
    result = importing.run(
        made.write(tmp_path, made.readings(made.START, 2 * 1440 + 1)),
        "House",
        "electricity",
        lambda phase, done, _total, _bad: seen.append((phase, done)),
        now=made.NOW,
    )
    days = Block.objects.filter(length_s=86400, start=datetime(2026, 3, 2, 23, tzinfo=UTC))
    assert [(block.energy1, block.state) for block in days] == [(14_400, "done")]
    assert result.blocks > 2 * 96
    assert {phase for phase, _done in seen} == {"reading", "blocks"}
    assert sorted(DataManager.objects.values_list("length_s", flat=True)) == [0, 60, 900, 86400]


def test_history_before_live_readings_reopens_what_it_touches(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 121, first_wh=10_000), "live"), wait=True)
    result = made.run(
        made.write(tmp_path, made.readings(made.START - timedelta(hours=2), 121, first_wh=8800), "past"), create=None, wait=True
    )
    assert (result.new, result.duplicates, result.suspects) == (120, 1, 0)
    quarters = Block.objects.filter(length_s=900, state="done").order_by("start")
    assert [block.energy1 for block in quarters] == [150] * 16


def test_the_gas_of_a_store_does_not_go_into_electricity(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 2), "a"))
    path = made.write(tmp_path, "time,gas_l\n2026-03-02T00:00:00Z,5\n", "b")
    said = made.raised(Unreadable, lambda: made.run(path, create=None))
    assert "gas" in said
    assert "House" in said


def test_an_unknown_source_names_the_known_ones_and_how_to_make_one(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 2)))
    said = made.raised(Unreadable, lambda: made.run(tmp_path / "file", "Hous", None))
    assert "House" in said
    assert "--create" in said


def test_a_source_is_made_with_its_managers_once(tmp_path):
    made.run(made.write(tmp_path, "time,gas_l\n2026-03-02T00:00:00Z,5\n"), "Gas", "volume")
    source = Source.objects.get(name="Gas")
    assert (source.kind, source.medium, source.meter) == ("volume", "gas", None)
    assert ensure_defaults(source) == []
    made.run(tmp_path / "file", "Gas", "volume")
    assert Source.objects.count() == 1
    assert "--create" in made.raised(Unreadable, lambda: made.run(tmp_path / "file", "Gas", "analog"))


class Killed(Exception):
    pass


def test_an_import_that_was_cut_off_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("meters.exchange.lines.BLOCK", 4096)
    monkeypatch.setattr("meters.exchange.lines.blocks.__kwdefaults__", {"number": 1, "offset": 0, "size": 4096})
    text = made.readings(made.START, 500)
    rows = text.splitlines()
    rows[100], rows[400] = "rubbish", "more rubbish"
    path = made.write(tmp_path, "\n".join(rows))

    def kill(result: importing.Result) -> None:
        if result.new > 200:
            raise Killed

    with pytest.raises(Killed):
        made.run(path, committed=kill)
    there = len(made.stored())
    assert 200 < there < 498
    result = made.run(path, create=None)
    assert result.resumed
    assert (result.rows, result.new, result.duplicates, [row.line for row in result.bad]) == (500, 498, 0, [101, 401])
    assert len(made.stored()) == 498
    assert not made.run(path, create=None).resumed, "an import that has ended leaves nothing behind"


def test_after_the_database_was_replaced_it_begins_anew(tmp_path):
    path = made.write(tmp_path, made.readings(made.START, 10))

    def kill(_result: importing.Result) -> None:
        raise Killed

    with pytest.raises(Killed):
        made.run(path, committed=kill)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM meters_electricityreading")
        cursor.execute("DELETE FROM meters_counterstate")
    from meters.counting import judge

    judge.forget()
    result = made.run(path, create=None)
    assert not result.resumed
    assert result.new == 10
