"""The nightly check finds what does not add up, says so, and has it computed again."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from energysite import timegrid
from energysite.models import AgentState
from energysite.timegrid import Period, Span
from meters.models import Block, Correction, DataManager
from meters.totals import cache, proof
from tests.meters.rows import make_meter, make_source
from tests.meters.totals import made

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 11, 5, 4, tzinfo=UTC)
DAY = date(2026, 10, 25)


@pytest.fixture
def source():
    cache.forget_all()
    source = make_source(make_meter())
    DataManager.objects.filter(source=source).delete()
    made.readings(source, datetime(2026, 9, 28, tzinfo=UTC), NOW - timedelta(hours=2), 613)
    made.quarters(source)
    made.days(source, list(timegrid.periods(Span.DAY, date(2026, 9, 29), date(2026, 11, 5))), BRUSSELS)
    Block.objects.filter(length_s=86400).update(done_at=NOW - timedelta(days=2))
    return source


def run(now=NOW):
    return proof.run(now, BRUSSELS)


def bounds(day=DAY):
    return Period.of(Span.DAY, day).bounds(BRUSSELS)


def test_what_adds_up_is_told_to_add_up(source):
    Correction.objects.create(source=source, register="import_t1_wh", start=bounds()[0], delta=-77, note="n", author="a")
    assert run() == []
    state = proof.state()
    assert (state["at"], state["periods"], state["number"]) == (NOW.timestamp(), 37 + 2, 0)


def test_a_day_that_is_1_wh_off_is_found_told_and_computed_again(source):
    day = Block.objects.get(length_s=86400, local_date=DAY)
    Block.objects.filter(pk=day.pk).update(energy2=(day.energy2 or 0) + 1)
    found = run()
    assert [(one.span, one.first, one.register, one.counted - one.proven) for one in found] == [
        ("day", "2026-10-25", "import_t2_wh", 1),
        ("month", "2026-10-01", "import_t2_wh", 1),
    ]
    assert [row["register"] for row in proof.state()["differences"]] == ["import_t2_wh", "import_t2_wh"]
    day.refresh_from_db()
    assert day.state == "todo"


def test_a_quarter_that_is_off_in_a_day_that_is_right_is_found(source):
    low, _high = bounds()
    quarter = Block.objects.get(length_s=900, start=low + timedelta(hours=7))
    Block.objects.filter(pk=quarter.pk).update(energy1=(quarter.energy1 or 0) + 5)
    assert {one.first for one in run()} == {"2026-10-25", "2026-10-01"}
    quarter.refresh_from_db()
    assert quarter.state == "todo"


def test_days_whose_readings_are_gone_are_checked_against_the_counters_of_their_quarters(source):
    source.managers.create(name="archive", algorithm="archive", length_s=0, keep_days=3)
    made.run("DELETE FROM meters_electricityreading WHERE time < %(before)s", before=NOW - timedelta(days=3))
    assert run() == []
    day = Block.objects.get(length_s=86400, local_date=DAY)
    Block.objects.filter(pk=day.pk).update(energy1=(day.energy1 or 0) - 3, done_at=NOW)
    assert {(one.first, one.counted - one.proven) for one in run(NOW + timedelta(days=1))} == {("2026-10-25", -3), ("2026-10-01", -3)}


def test_only_what_changed_since_the_last_check_and_what_differed_then_is_looked_at(source):
    run()
    assert run(NOW + timedelta(days=1)) == []
    assert proof.state()["periods"] == 0
    Block.objects.filter(length_s=86400, local_date=DAY).update(done_at=NOW + timedelta(days=1, hours=1), energy1=1)
    assert len(run(NOW + timedelta(days=2))) == 2
    assert proof.state()["periods"] == 2
    made.forget(source, made.DAY_S)
    Block.objects.update(state="closed")  # computed again meanwhile, and right
    assert run(NOW + timedelta(days=3)) == []
    assert proof.state()["periods"] == 2


def test_it_is_due_once_a_night_of_the_house():
    due = datetime(2026, 11, 5, 3, 30, tzinfo=UTC)  # 04:30 in Brussels
    day = timedelta(days=1).total_seconds()
    assert proof.is_due(due, BRUSSELS, None)
    assert proof.is_due(due, BRUSSELS, due.timestamp() - day)
    assert not proof.is_due(due - timedelta(seconds=1), BRUSSELS, due.timestamp() - day)
    assert not proof.is_due(due + timedelta(hours=5), BRUSSELS, due.timestamp())


def test_two_workers_do_not_check_at_once(source):
    assert proof._claimed(NOW) is True
    assert proof._claimed(NOW + timedelta(minutes=5)) is False
    assert proof._claimed(NOW + timedelta(hours=3)) is True


def test_a_house_without_sources_keeps_no_state():
    proof.look()
    assert not AgentState.objects.filter(pk=proof.NAME).exists()
