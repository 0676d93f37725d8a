"""Readings into the database, in bulk."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, IntegrityError, connection

from meters.models import ElectricityReading, Source, VolumeReading
from meters.storage import COLUMNS, FEW, TABLES, source_for, write
from tests.meters.rows import make_meter, make_source

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 23, tzinfo=UTC)
ROWS = int(os.environ.get("SIZE_ROWS", "20000"))  # 500000 by hand


def row(source: Source, n: int, *, quarter: int | None = None) -> tuple[object, ...]:
    phases = (n % 700, n % 90, 45)
    return (
        source.pk,
        START + timedelta(seconds=n),
        3_432_827 + n,
        3_224_632,
        0,
        17,
        sum(phases),
        *phases,
        quarter,
        2371,
        2352,
        2362,
        151,
        91,
        203,
        1,
        0,
    )


def test_the_columns_are_all_the_columns_of_the_tables() -> None:
    for model, kind in ((ElectricityReading, "electricity"), (VolumeReading, "volume")):
        assert set(COLUMNS[kind]) == {field.attname for field in model._meta.concrete_fields}
        assert model._meta.db_table == TABLES[kind]


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 3 * FEW])
def test_rows_are_stored_once_however_often_they_are_written(count: int) -> None:
    source = make_source(make_meter())
    rows = [row(source, n) for n in range(count)]
    assert write("electricity", iter(rows)) == count
    assert write("electricity", [*rows, row(source, count)]) == 1
    stored = ElectricityReading.objects.order_by("time").values_list(*COLUMNS["electricity"])
    assert list(stored) == [*rows, row(source, count)]


def test_what_is_absent_stays_absent_in_both_ways_of_writing() -> None:
    source = make_source(make_meter())
    blank = [(source.pk, START + timedelta(seconds=n), *[None] * 16, 0) for n in range(FEW + 1)]
    write("electricity", blank[:1])
    write("electricity", blank)
    assert ElectricityReading.objects.filter(power_w=None, import_t1_wh=None, tariff=None).count() == FEW + 1


def test_two_writes_in_one_transaction_do_not_mix() -> None:
    source = make_source(make_meter(), "gas")
    first = [(source.pk, START + timedelta(minutes=n), n, 0) for n in range(100)]
    second = [(source.pk, START + timedelta(days=1, minutes=n), n, 0) for n in range(100)]
    assert write("volume", first) == 100
    assert write("volume", second) == 100
    assert VolumeReading.objects.count() == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM staging_volume")
        assert cursor.fetchone() == (0,), "the second write does not carry the first one along"


def test_no_rows_are_no_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert write("volume", []) == 0


@pytest.mark.parametrize("count", [1, FEW + 1])
def test_a_value_that_does_not_fit_is_a_database_error_and_stores_nothing(count: int) -> None:
    source = make_source(make_meter())
    bad = [*row(source, 5)[:2], 2**40, *row(source, 5)[3:]]
    with pytest.raises(DataError):
        write("electricity", [*[row(source, n + 10) for n in range(count)], tuple(bad)])
    assert not ElectricityReading.objects.exists()


def test_a_device_is_known_by_its_serial_number() -> None:
    meter, other = make_meter(), make_meter("Shed")
    old = source_for(meter, "gas", "G1")
    assert source_for(meter, "gas", "G1") == old
    new = source_for(meter, "gas", "G2")
    assert (old.name, new.name, old.kind) == ("Main gas", "Main gas G2", "volume")
    assert source_for(meter, "electricity", "E1").name == "Main"
    assert source_for(other, "gas", "G1").name == "Shed gas"


def test_a_name_that_is_taken_is_avoided() -> None:
    meter = make_meter()
    Source.objects.create(kind="volume", medium="gas", name="Main gas", serial="else")
    Source.objects.create(kind="volume", medium="gas", name="Main gas G1", serial="else2")
    assert source_for(meter, "gas", "G1").name == "Main gas 2"


def test_a_reading_of_a_source_that_is_gone_is_refused_by_the_database(transactional_db: None) -> None:
    with pytest.raises(IntegrityError):
        write("volume", [(999, START, 1, 0)])


@pytest.mark.parametrize("quarter", [None, 4321], ids=["Dutch, three phases", "Belgian, three phases"])
def test_a_reading_takes_at_most_130_bytes_with_its_key(quarter: int | None) -> None:
    source, other = make_source(make_meter()), make_source(make_meter("Shed"))
    before = _sizes()
    for begin in range(0, ROWS, 500):
        write("electricity", [row(source, n, quarter=quarter) for n in range(begin, begin + 500)])
        write("electricity", [row(other, n, quarter=quarter) for n in range(begin, begin + 500)])
    heap, index = ((now - then) / (2 * ROWS) for now, then in zip(_sizes(), before, strict=True))
    print(f"heap {heap:.1f} + key {index:.1f} = {heap + index:.1f} bytes a reading")
    assert heap + index <= 130


def _sizes() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('meters_electricityreading'), pg_indexes_size('meters_electricityreading')")
        return cursor.fetchone()
