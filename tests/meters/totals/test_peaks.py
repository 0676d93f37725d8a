"""The clock-quarter demand, and the month peaks that a meter tells of itself."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from meters.ingest import Intake, bulk
from meters.models import Block, MeterPeak
from meters.p1.decoder import decode
from meters.p1.telegram import Peak, Telegram
from meters.segments import Segments
from meters.spool import Spool
from meters.totals import meter_peaks, peaks
from meters.writer import Writer
from tests.emulators.telegrams import write
from tests.meters.rows import make_meter, make_source

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
QUARTER = timedelta(minutes=15)
NOV = datetime(2026, 11, 3, 17, tzinfo=UTC)


def quarter(source, start, import_wh, *, t2=None, covered_s=900, recovered=False, state="closed", meter_w=None):
    Block.objects.create(
        source=source,
        length_s=900,
        start=start,
        end=start + QUARTER,
        state=state,
        energy1=import_wh,
        energy2=t2,
        covered_s=covered_s,
        recovered=recovered,
        meter_w=meter_w,
    )


def month(source, first=date(2026, 11, 1)):
    [found] = peaks.months(source, first, first + timedelta(days=1), BRUSSELS)
    return found


def told(source, w, time, first=date(2026, 11, 1)):
    MeterPeak.objects.update_or_create(source=source, month=first, defaults={"w": w, "time": time, "told": NOV})


def test_the_months_highest_measured_quarter_of_both_registers_is_its_peak():
    source = make_source(make_meter())
    quarter(source, NOV, 900, t2=100)
    quarter(source, NOV + QUARTER, 1200)
    quarter(source, NOV + 2 * QUARTER, 9000, recovered=True)
    quarter(source, NOV + 3 * QUARTER, 9000, covered_s=890)
    quarter(source, NOV + 4 * QUARTER, 9000, state="todo")
    found = month(source)
    assert (found.own_w, found.own_start, found.meter_w, found.agrees) == (4800, NOV + QUARTER, None, None)


def test_months_are_those_of_the_house():
    source = make_source(make_meter())
    midnight = datetime(2026, 10, 31, 23, tzinfo=UTC)
    quarter(source, midnight - QUARTER, 700)
    quarter(source, midnight, 500)
    october, november = peaks.months(source, date(2026, 10, 1), date(2026, 12, 1), BRUSSELS)
    assert [(one.month, one.own_w, one.own_start) for one in (october, november)] == [
        (date(2026, 10, 1), 2800, midnight - QUARTER),
        (date(2026, 11, 1), 2000, midnight),
    ]


@pytest.mark.parametrize("stamp", [NOV, NOV + QUARTER])
def test_the_meters_stamp_may_be_the_begin_or_the_end_of_the_quarter(stamp):
    source = make_source(make_meter())
    quarter(source, NOV - QUARTER, 300)
    quarter(source, NOV, 1200)
    quarter(source, NOV + QUARTER, 400)
    told(source, 4803, stamp)
    assert month(source).agrees is True


def test_a_meter_that_names_another_quarter_or_another_value_does_not_agree():
    source = make_source(make_meter())
    for i in range(6):
        quarter(source, NOV + i * QUARTER, 1200 if i == 2 else 300)
    told(source, 4800, NOV + 5 * QUARTER)
    assert month(source).agrees is False
    told(source, 4900, NOV + 2 * QUARTER)
    assert month(source).agrees is False
    told(source, 4000, NOV + 2 * QUARTER)
    assert month(source).agrees is False


def test_a_quarter_that_we_did_not_measure_can_neither_agree_nor_disagree():
    source = make_source(make_meter())
    quarter(source, NOV, 300)
    told(source, 7000, NOV + 40 * QUARTER)
    assert month(source).agrees is None
    told(source, 7000, None)
    assert month(source).agrees is None


def test_the_meters_own_quarter_demand_is_laid_beside_ours():
    source = make_source(make_meter())
    quarter(source, NOV, 1000, meter_w=3995)
    quarter(source, NOV + QUARTER, 1000, meter_w=3000)
    quarter(source, NOV + 2 * QUARTER, 1000)
    assert [(one.own_w, one.agrees) for one in peaks.quarters(source, NOV, NOV + 3 * QUARTER)] == [
        (4000, True),
        (4000, False),
        (4000, None),
    ]


MIDNIGHT = datetime(2026, 10, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "at", "expected"),
    [
        (MIDNIGHT, MIDNIGHT + timedelta(seconds=5), date(2026, 10, 1)),
        (MIDNIGHT, MIDNIGHT + QUARTER, date(2026, 11, 1)),
        (MIDNIGHT - QUARTER, MIDNIGHT - timedelta(seconds=5), date(2026, 10, 1)),
        (None, MIDNIGHT + timedelta(days=2), date(2026, 11, 1)),
        (datetime(2000, 1, 1, tzinfo=UTC), MIDNIGHT + timedelta(days=2), date(2026, 11, 1)),
    ],
)
def test_a_running_peak_belongs_to_the_month_in_which_its_quarter_lay(stamp, at, expected):
    assert meter_peaks.month_of(stamp, at, BRUSSELS) == expected


def telegram(second, **changes):
    plain = Telegram(b"/x!", True, time=NOV + timedelta(seconds=second), serial="E1", dialect="belgium", import_t1_wh=second, import_w=5)
    return replace(plain, **changes)


PAST = (Peak("2026-10", datetime(2026, 10, 9, 18, 15, tzinfo=UTC), 4120), Peak("2026-09", None, 0))


def stored():
    return {peak.month: (peak.w, peak.time) for peak in MeterPeak.objects.all()}


def test_month_peaks_are_stored_with_what_was_told_last_whatever_the_order_of_the_files():
    meter = make_meter()
    later = [telegram(60 + i, month_peak_w=3000 + i // 2, month_peak_time=NOV - QUARTER, peaks=PAST) for i in range(4)]
    counts = bulk(meter, later)
    assert (counts["readings"], counts["new"]) == (4, 4)
    right = {date(2026, 11, 1): (3001, NOV - QUARTER), date(2026, 10, 1): (4120, PAST[0].time), date(2026, 9, 1): (0, None)}
    assert stored() == right
    bulk(meter, [telegram(i, month_peak_w=100, month_peak_time=NOV - 2 * QUARTER) for i in range(3)])
    assert stored() == right


class Taken:
    """An intake, and what it gave to the spool."""

    def __init__(self):
        from meters.clock import MeterClock
        from meters.take import Taker

        self.records, self.room = [], True
        self.intake = Intake("Main", MeterClock("meter", lambda: True), Taker("all", 1), self._keep, lambda *_rejected: None)

    def _keep(self, records):
        if self.room:
            self.records += records
        return self.room

    def hear(self, one):
        wall = one.time.timestamp()
        self.intake.accept(one, self.intake.stamp(one, wall, wall), wall)

    @property
    def peaks(self):
        return [record[7] for record in self.records if record[0] == "peak"]


def test_month_peaks_are_told_when_they_change_and_not_with_every_telegram():
    house = Taken()
    for second in range(50):
        house.hear(telegram(second, month_peak_w=3000 if second < 30 else 3500, month_peak_time=NOV, peaks=PAST))
    assert [one["running"] for one in house.peaks] == [[3000, int(NOV.timestamp())], [3500, int(NOV.timestamp())]]
    stamp = int(PAST[0].time.timestamp()) if PAST[0].time else None
    assert house.peaks[0]["2026-10"] == [4120, stamp]
    assert house.peaks[0]["2026-09"] == [0, None]
    assert house.intake.counts.readings == 50


def test_month_peaks_that_the_spool_refused_are_told_again():
    house = Taken()
    house.room = False
    house.hear(telegram(0, month_peak_w=3000, month_peak_time=NOV))
    house.room = True
    house.hear(telegram(1, month_peak_w=3000, month_peak_time=NOV))
    assert len(house.peaks) == 1


def test_a_meter_without_peaks_tells_none():
    house = Taken()
    house.hear(telegram(0))
    assert house.peaks == []


@pytest.mark.django_db(transaction=True)
def test_peaks_of_a_belgian_telegram_pass_the_spool_and_a_damaged_record_stops_none(tmp_path):
    make_meter()
    heard = decode(
        write(
            (
                "0-0:96.1.4(50217)",
                "0-0:96.1.1(3153414733313035323436323133)",
                "0-0:1.0.0(261103180000W)",
                "1-0:1.8.1(000123.456*kWh)",
                "1-0:1.8.2(000123.456*kWh)",
                "1-0:2.8.1(000000.000*kWh)",
                "1-0:2.8.2(000000.000*kWh)",
                "1-0:1.7.0(00.100*kW)",
                "1-0:2.7.0(00.000*kW)",
                "1-0:1.6.0(261102190000W)(05.120*kW)",
                "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(261101000000W)(261009201500S)(04.120*kW)(261001000000S)(632525252525W)(00.000*kW)",
            )
        )
    )
    assert heard.valid, heard.error
    segments = Segments(tmp_path)
    house = Taken()
    house.hear(heard)
    bad = ["peak", "Main", "electricity", "E1", 1, 1, 0, {"not a month": [1, None]}]
    assert Spool(segments).keep([bad, *house.records])
    writer = Writer(segments, every_s=0.05)
    writer.start()
    assert writer.finish(20)
    assert stored() == {
        date(2026, 11, 1): (5120, datetime(2026, 11, 2, 18, tzinfo=UTC)),
        date(2026, 10, 1): (4120, datetime(2026, 10, 9, 18, 15, tzinfo=UTC)),
        date(2026, 9, 1): (0, None),
    }
    assert writer.stored == 1
    assert "month" in (tmp_path / "aside.log").read_text()
    assert json.dumps(bad)[:20] in (tmp_path / "aside.log").read_text()
