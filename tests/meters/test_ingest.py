"""From telegrams to records and rows."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from meters.clock import MeterClock, Stamp
from meters.ingest import Intake, bulk
from meters.models import ElectricityReading, Source, VolumeReading
from meters.p1.decoder import decode
from meters.p1.telegram import Telegram, Volume
from meters.segments import Record
from meters.take import Taker
from tests.emulators.telegrams import DSMR3, DSMR3_HEADER, replaced, second_by_second, write
from tests.meters import captures
from tests.meters.rows import make_meter

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class House:
    """An intake whose records and refusals the test can see. `room`: whether the spool takes anything."""

    def __init__(self, take: str = "all", slot_s: int = 10) -> None:
        self.records: list[Record] = []
        self.rejects: list[tuple[str, bytes]] = []
        self.room = True
        clock = MeterClock("meter", lambda: True)
        self.intake = Intake(
            "Main", clock, Taker(take, slot_s), self._keep, lambda _at, reason, _detail, raw: self.rejects.append((reason, raw))
        )

    def _keep(self, records: list[Record]) -> bool:
        if self.room:
            self.records += records
        return self.room

    def hear(self, telegram: Telegram) -> None:
        wall = (telegram.time or NOON).timestamp()
        self.intake.accept(telegram, self.intake.stamp(telegram, wall, wall), wall)

    def times(self, kind: str = "electricity") -> list[int]:
        return [record[5] for record in self.records if record[0] == kind]


def telegram(second: int, *, gas: tuple[int, int] | None = None, **changes: object) -> Telegram:
    """gas: (second of its own time, litres)."""
    volumes = () if gas is None else (Volume("gas", "G1", gas[1], NOON + timedelta(seconds=gas[0])),)
    plain = Telegram(
        b"/x!",
        True,
        time=NOON + timedelta(seconds=second),
        serial="E1",
        dialect="belgium",
        import_t1_wh=second,
        import_w=5,
        export_w=7,
        volumes=volumes,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_telegram_becomes_a_record_with_its_serial_and_signed_net_power() -> None:
    house = House()
    house.hear(telegram(0, quarter_w=300, phase_w=(-2, None, None), phase_dv=(2301, None, None)))
    at = int(NOON.timestamp())
    registers = {"import_t1_wh": 0, "quarter_w": 300, "power_w": -2, "l1_w": -2, "l1_dv": 2301}
    assert house.records == [["electricity", "Main", "electricity", "E1", at, at, 0, registers]]


def test_a_telegram_that_repeats_the_stored_time_is_a_counted_duplicate() -> None:
    house = House()
    for second in (0, 0, 1, 1, 1, 2):
        house.hear(telegram(second, gas=(0, 5)))
    assert len(house.times()) == 3
    assert len(house.times("volume")) == 1
    assert house.intake.counts.duplicates == 3


def test_gas_is_kept_only_when_its_time_or_value_changed() -> None:
    house = House()
    for second, gas in enumerate([(0, 5), (0, 5), (300, 5), (300, 5), (600, 9)]):
        house.hear(telegram(second, gas=gas))
    assert [(record[5] - int(NOON.timestamp()), record[7]) for record in house.records if record[0] == "volume"] == [
        (0, {"volume_l": 5}),
        (300, {"volume_l": 5}),
        (600, {"volume_l": 9}),
    ]


def test_a_gas_meter_without_a_time_is_kept_when_it_moves() -> None:
    house = House()
    for second, litres in enumerate([5, 5, 6, 6]):
        house.hear(telegram(second, volumes=(Volume("gas", "G1", litres, None),)))
    assert [time - int(NOON.timestamp()) for time in house.times("volume")] == [0, 2]


def test_a_new_gas_meter_stamped_1970_is_refused_once_and_the_electricity_kept() -> None:
    house = House()
    for second in range(3):
        house.hear(telegram(second, volumes=(Volume("gas", "new", 5, datetime(1970, 1, 1, 1, tzinfo=UTC)),)))
    assert len(house.times()) == 3
    assert house.times("volume") == []
    assert [reason for reason, _raw in house.rejects] == ["volume_time"]


def test_a_corrected_clock_corrects_the_gas_meter_too_and_marks_both() -> None:
    house = House()
    one = telegram(0, gas=(-60, 5))
    house.intake.accept(one, Stamp(int(NOON.timestamp()) - 3600, 3600), NOON.timestamp())
    assert [(record[5] - int(NOON.timestamp()), record[6]) for record in house.records] == [
        (-3600, ElectricityReading.CLOCK_CORRECTED),
        (-3660, ElectricityReading.CLOCK_CORRECTED),
    ]


def test_a_telegram_whose_time_cannot_be_true_is_kept_for_the_person_not_as_a_reading() -> None:
    house = House()
    house.intake.accept(telegram(0), Stamp(None), 0.0)
    assert house.records == []
    assert house.rejects == [("clock", b"/x!")]
    assert house.intake.counts.rejected == 1


def test_a_full_spool_is_counted_and_the_next_telegram_is_tried_again() -> None:
    house = House()
    house.room = False
    house.hear(telegram(0, gas=(0, 5)))
    house.room = True
    house.hear(telegram(1, gas=(0, 5)))
    house.hear(telegram(2, gas=(0, 5)))
    assert (house.intake.counts.refused, house.intake.counts.readings) == (2, 3)
    assert len(house.times("volume")) == 1


def test_a_replaced_meter_does_not_mix_with_the_slot_of_the_old_one() -> None:
    house = House("last", 60)
    house.hear(telegram(10))
    house.hear(telegram(20, serial="E2"))
    house.intake.flush()
    assert [(record[3], record[7]["import_t1_wh"]) for record in house.records] == [("E1", 10), ("E2", 20)]


def test_an_unreadable_serial_number_does_not_make_a_new_meter() -> None:
    house = House()
    house.hear(telegram(0))
    house.hear(telegram(1, serial=""))
    assert [record[3] for record in house.records] == ["E1", "E1"]


def test_slots_are_kept_with_volumes_at_once() -> None:
    house = House("mean", 10)
    for second in range(1, 21):
        house.hear(telegram(second, gas=(0, 5), import_w=second * 100, export_w=0))
    assert [time - int(NOON.timestamp()) for time in house.times()] == [10, 20]
    assert [record[7]["power_w"] for record in house.records if record[0] == "electricity"] == [550, 1550]
    assert len(house.times("volume")) == 1


def plain(second: int, serial: str = "4B384547303034303436333935353037") -> Telegram:
    lines = replaced(DSMR3, "0-0:96.1.1", f"0-0:96.1.1({serial})")
    one = decode(write(replaced(lines, "1-0:1.8.1", f"1-0:1.8.1({second:05}.000*kWh)"), header=DSMR3_HEADER, plain=True))
    assert one.valid
    return replace(one, time=NOON + timedelta(seconds=second))


def test_without_a_checksum_a_serial_number_counts_after_three_sightings_and_nothing_is_lost() -> None:
    house = House()
    house.hear(plain(0))
    house.hear(plain(1))
    assert house.records == []
    house.hear(plain(2))
    house.hear(plain(3))
    assert [time - int(NOON.timestamp()) for time in house.times()] == [0, 1, 2, 3]


def test_without_a_checksum_a_damaged_serial_number_makes_no_source() -> None:
    house = House()
    for second in range(3):
        house.hear(plain(second))
    house.hear(plain(3, serial="4B384547303034303436333935353038"))
    for second in range(4, 8):
        house.hear(plain(second))
    assert len({record[3] for record in house.records if record[0] == "electricity"}) == 1
    assert len(house.times()) == 7
    house.hear(plain(8, serial="4B384547303034303436333935353039"))
    house.hear(plain(9, serial="4B384547303034303436333935353038"))
    assert [reason for reason, _raw in house.rejects] == ["serial", "serial"]


@pytest.mark.django_db
def test_bulk_stores_bytes_in_any_pieces_once() -> None:
    meter = make_meter()
    stream = b"noise\r\n" + b"".join(second_by_second(30)).rstrip()  # a file may lack its last line end
    seen: list[int] = []
    pieces = [stream[i : i + 777] for i in range(0, len(stream), 777)]
    counts = bulk(meter, pieces, lambda counts: seen.append(counts["telegrams"]))
    assert counts == {"telegrams": 30, "rejected": 0, "duplicates": 0, "readings": 32, "new": 32, "suspects": 0}
    assert seen == [30]
    assert bulk(meter, stream)["new"] == 0
    assert ElectricityReading.objects.count() == 30
    assert {source.medium: VolumeReading.objects.filter(source=source).count() for source in Source.objects.filter(kind="volume")} == {
        "gas": 1,
        "water": 1,
    }


@pytest.mark.django_db
def test_bulk_takes_telegrams_already_decoded_and_counts_what_it_cannot_use() -> None:
    good = [telegram(second, time=datetime.now(UTC) - timedelta(days=1, seconds=-second)) for second in range(5)]
    bad = [
        decode(b"/nonsense\r\n!0000\r\n"),
        telegram(0, time=datetime(1999, 1, 1, tzinfo=UTC)),
        telegram(0, time=datetime.now(UTC) + timedelta(days=3)),
    ]
    untimed = replace(plain(0), time=None)
    counts = bulk(make_meter(), [*good, good[-1], *bad, untimed])
    assert counts == {"telegrams": 10, "rejected": 4, "duplicates": 1, "readings": 5, "new": 5, "suspects": 0}


@pytest.mark.django_db
def test_bulk_stores_all_566_telegrams_of_the_iskra_capture() -> None:
    capture = captures.read(captures.ISKRA)
    begin = time.process_time()
    counts = bulk(make_meter(), capture)
    spent = time.process_time() - begin
    print(
        f"{counts['telegrams'] / spent:.0f} telegrams/s, {1000 * spent / counts['telegrams']:.2f} ms each (without the database's own time)"
    )
    assert (counts["telegrams"], counts["new"], counts["rejected"]) == (566, 566, 0)
    first = ElectricityReading.objects.order_by("time").first()
    assert first is not None
    assert (first.import_t1_wh, first.power_w, first.l1_dv, first.tariff) == (3432827, 378, 2371, 1)
