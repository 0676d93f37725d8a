"""What is asked again is not computed again, and what has changed is."""

from datetime import UTC, date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from energysite import live, timegrid
from energysite.timegrid import Period, Span
from meters.blocks import outbox, touch
from meters.models import Block, Dirty
from meters.totals import cache, sweep, totals
from tests.meters.rows import make_meter, make_source
from tests.meters.totals import made

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = datetime(2021, 6, 1, tzinfo=UTC)
DAY = date(2019, 5, 8)
SINCE, UNTIL = date(2019, 4, 1), date(2019, 7, 1)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_kept():
    cache._database.cache_clear()
    cache.forget_all()


@pytest.fixture
def source():
    """The life of a device that was retired: a quarter of a year, every block CLOSED."""
    source = make_source(make_meter())
    source.retired = datetime(2019, 7, 5, tzinfo=UTC)
    source.save()
    made.readings(source, datetime(2019, 3, 25, tzinfo=UTC), source.retired, 7000)
    made.quarters(source)
    made.run('DELETE FROM meters_electricityreading WHERE time > (SELECT max("end") FROM meters_block)')  # they would be in its last block
    made.days(source, list(timegrid.periods(Span.DAY, SINCE, UNTIL)), BRUSSELS)
    return source


def ask(source, span, since=SINCE, until=UNTIL):
    return {period: total for period, [total] in totals.periods([source], span, since, until, now=NOW, zone=BRUSSELS).items()}


def ask_all(source):
    return {
        **ask(source, Span.DAY),
        **ask(source, Span.WEEK, SINCE + timedelta(days=7), UNTIL),
        **ask(source, Span.MONTH),
        **ask(source, Span.YEAR),
    }


def fields(source):
    return {bytes(field).decode() for field in cast(list[bytes], live.client().hkeys(cache._key(source.pk)))} - {"token"}


def change(source, day=DAY):
    """As a late reading does: the quarter and the day are computed again, and have another value."""
    noon = timegrid.midnight(day, BRUSSELS) + timedelta(hours=12)
    with transaction.atomic():
        touch.reopen(source.pk, [(noon, noon + timedelta(seconds=5))])
        for block in Block.objects.filter(source=source, start__lte=noon, end__gt=noon):
            Block.objects.filter(pk=block.pk).update(energy1=(block.energy1 or 0) + 40, state="closed")
        outbox.mark(source.pk, [day])


def test_a_second_call_for_closed_periods_runs_no_sql_and_says_the_same(source):
    first = {**ask(source, Span.DAY), **ask(source, Span.MONTH)}
    with CaptureQueriesContext(connection) as captured:
        again = {**ask(source, Span.DAY), **ask(source, Span.MONTH)}
    assert len(captured) == 0
    assert len(again) == 91 + 3
    for period, total in first.items():
        assert (again[period].registers, again[period].coverage, again[period].complete) == (total.registers, total.coverage, True)
        assert again[period].power == total.power


def test_one_changed_reading_of_2019_drops_its_day_week_month_and_year_and_nothing_else(source):
    before = ask_all(source)
    kept = fields(source)
    change(source)
    assert kept - fields(source) == {"day:2019-05-08", "week:2019-05-06", "month:2019-05-01", "year:2019-01-01"}
    after = ask_all(source)
    changed = {period for period in before if after[period].registers != before[period].registers}
    assert changed == {Period.of(span, DAY) for span in Span}
    assert all(after[period].registers["import_t1_wh"] - before[period].registers["import_t1_wh"] == 40 for period in changed)


def test_a_transaction_that_fails_drops_nothing(source):
    ask(source, Span.DAY)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.mark(source.pk, [DAY])
        _fail = 1 // 0
    assert "day:2019-05-08" in fields(source)


def test_a_value_computed_before_a_change_is_never_kept_after_it(source):
    period = Period.of(Span.DAY, DAY)
    kept = cache.read([(source.pk, period)])
    [total] = totals.of([source], *period.bounds(BRUSSELS), now=NOW, zone=BRUSSELS)
    change(source)
    kept.keep(source.pk, period, total.plain())
    kept.store()
    assert ask(source, Span.DAY, DAY, DAY + timedelta(days=1))[period].registers["import_t1_wh"] == total.registers["import_t1_wh"] + 40


def test_a_value_computed_before_redis_lost_everything_is_never_kept(source):
    period = Period.of(Span.DAY, DAY)
    kept = cache.read([(source.pk, period)])
    [total] = totals.of([source], *period.bounds(BRUSSELS), now=NOW, zone=BRUSSELS)
    live.client().delete(cache._key(source.pk))
    cache.read([(source.pk, period)])
    kept.keep(source.pk, period, total.plain())
    kept.store()
    assert fields(source) == set()


def test_what_is_still_open_is_computed_each_time(source):
    Block.objects.filter(source=source, length_s=86400, local_date=DAY).update(state="done")
    ask(source, Span.DAY)
    ask(source, Span.MONTH)
    assert "day:2019-05-08" not in fields(source)
    assert "month:2019-05-01" not in fields(source)
    assert {"day:2019-05-09", "month:2019-06-01"} <= fields(source)


def test_what_a_commit_could_not_drop_the_outbox_drops(source):
    ask(source, Span.DAY)
    Dirty.objects.bulk_create([Dirty(consumer="cache", source=source, local_date=day) for day in (DAY, DAY + timedelta(days=3))])
    kept = fields(source)
    assert sweep.sweep() == 2
    assert kept - fields(source) == {"day:2019-05-08", "day:2019-05-11"}
    assert Dirty.objects.count() == 0


def test_a_mark_made_again_while_it_is_swept_stays(source):
    Dirty.objects.create(consumer="cache", source=source, local_date=DAY)
    taken = outbox.take("cache", 10)
    outbox.mark(source.pk, [DAY])
    assert outbox.drop("cache", taken) == 0
    assert sweep.sweep() == 1


def test_another_zone_asks_anew_and_gets_its_own_days(source):
    ask(source, Span.DAY)
    lisbon = ZoneInfo("Europe/Lisbon")
    found = totals.periods([source], Span.DAY, date(2019, 5, 1), date(2019, 5, 3), now=NOW, zone=lisbon)
    truth = made.truth(source)
    for period, [total] in found.items():
        low, high = period.bounds(lisbon)
        assert (total.start, total.end) == (low, high)
        assert total.registers["import_t1_wh"] == truth[high][0] - truth[low][0]


def test_a_database_made_anew_is_not_served_the_totals_of_the_one_before(source):
    ask(source, Span.DAY)
    key = cache._key(source.pk)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE meters_block RENAME TO kept; CREATE TABLE meters_block (LIKE kept)")
    try:
        cache._database.cache_clear()  # another process
        assert cache._key(source.pk) != key
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE meters_block; ALTER TABLE kept RENAME TO meters_block")
        cache._database.cache_clear()


def test_a_restore_leaves_nothing_behind(source):
    ask(source, Span.DAY)
    assert cache.forget_all() == 1
    assert fields(source) == set()


@pytest.fixture
def redis_away(settings):
    there = settings.REDIS

    def go():
        settings.REDIS = "unix:///nonexistent/valkey.sock"
        live.client.cache_clear()

    yield go
    settings.REDIS = there
    live.client.cache_clear()


def test_totals_are_told_while_redis_is_away(source, redis_away):
    right = ask(source, Span.MONTH)
    redis_away()
    assert {period: total.registers for period, total in ask(source, Span.MONTH).items()} == {
        period: total.registers for period, total in right.items()
    }
    change(source)  # what cannot be dropped now stays marked
    assert Dirty.objects.filter(consumer="cache", local_date=DAY).exists()
