import re

from dsmr_parser import telegram_specifications
from dsmr_parser.parsers import TelegramParser
from fastcrc import crc16
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.p1.telegram import to_json
from tests.emulators import telegrams
from tests.meters import captures

REAL = [
    telegrams.write(telegrams.BELGIUM),
    telegrams.belgium(**{"0-0:98.1.0": telegrams.thirteen_peaks()}),
    telegrams.write(telegrams.DSMR5_GAS, header=r"/ISK5\2M550T-1012"),
    telegrams.write(telegrams.DSMR4, header=r"/KMP5 KA6U"),
    telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True),
]
mutations = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(["replace", "insert", "delete", "cut"]), st.binary(max_size=4)), min_size=1, max_size=6
)


def mutated(raw: bytes, changes: list[tuple[int, str, bytes]]) -> bytes:
    for at, kind, data in changes:
        at %= len(raw) + 1
        match kind:
            case "replace":
                raw = raw[:at] + data + raw[at + len(data) :]
            case "insert":
                raw = raw[:at] + data + raw[at:]
            case "delete":
                raw = raw[:at] + raw[at + len(data) :]
            case "cut":
                raw = raw[:at] + raw[at + 40 :]
    return raw


def checksum_is_right(raw: bytes) -> bool:
    """Independent of the code under test: the CRC as received or over the CRLF form."""
    at = raw.rindex(b"\n!") + 1
    given_hex, body = raw[at + 1 :].strip(), raw[: at + 1]
    forms = {crc16.arc(body), crc16.arc(body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))}
    return int(given_hex, 16) in forms


@given(st.sampled_from(REAL), mutations)
@settings(max_examples=600)
def test_mutated_telegrams_never_raise_and_are_never_valid_with_a_wrong_checksum(raw: bytes, changes: list[tuple[int, str, bytes]]) -> None:
    telegram = decode(mutated(raw, changes))
    to_json(telegram)
    assert telegram.valid or telegram.error
    if telegram.valid and telegram.dialect != "v3":
        assert checksum_is_right(telegram.raw)


@given(st.sampled_from(REAL), mutations)
@settings(max_examples=600)
def test_mutated_telegrams_with_a_right_checksum_never_raise_and_fit_their_columns(
    raw: bytes, changes: list[tuple[int, str, bytes]]
) -> None:
    body = mutated(raw[: raw.rindex(b"!")], changes).rstrip(b"\n") + b"\n!"
    telegram = decode(body + b"%04X\r\n" % crc16.arc(body))
    to_json(telegram)
    counters = (
        telegram.import_t1_wh,
        telegram.import_t2_wh,
        telegram.export_t1_wh,
        telegram.export_t2_wh,
        telegram.import_w,
        telegram.quarter_w,
    )
    assert all(value is None or 0 <= value < 2**31 for value in (*counters, *(volume.volume_l for volume in telegram.volumes)))
    assert all(value is None or 0 <= value < 2**15 for value in (*telegram.phase_dv, *telegram.phase_ca, telegram.tariff))
    if telegram.valid:
        assert telegram.import_t1_wh is not None
        assert telegram.import_w is not None


@given(st.binary(max_size=3000), st.sampled_from(["auto", "belgium", "v5", "v4", "v3", "v2"]))
def test_no_bytes_raise(raw: bytes, dialect: str) -> None:
    decode(raw, dialect)
    decode(b"/" + raw + b"\n!\r\n", dialect)


@given(st.sampled_from(REAL), st.integers(0, 3000), st.integers(0, 255))
@settings(max_examples=400)
def test_one_changed_byte_is_always_noticed(raw: bytes, at: int, byte: int) -> None:
    at %= raw.rindex(b"!")
    if raw[at] != byte and raw != REAL[-1] and raw[at] not in b"\r\n":
        assert not decode(raw[:at] + bytes([byte]) + raw[at + 1 :]).valid


def test_the_iskra_capture_holds_566_valid_telegrams_with_distinct_times() -> None:
    framer = Framer()
    decoded = [decode(raw) for raw in framer.feed(captures.read(captures.ISKRA)) + framer.flush()]
    assert len(decoded) == 566
    assert all(telegram.valid and telegram.error is None and telegram.dialect == "v5" for telegram in decoded)
    assert len({telegram.time for telegram in decoded}) == 566
    assert {telegram.serial for telegram in decoded} == {"E0044007131650618"}


def test_real_telegrams_say_the_same_as_the_librarys_own_whole_reading() -> None:
    """Every number, read by dsmr-parser's whole-telegram call with its own specification and checksum."""
    names = {
        "ELECTRICITY_USED_TARIFF_1": "import_t1_wh",
        "ELECTRICITY_USED_TARIFF_2": "import_t2_wh",
        "CURRENT_ELECTRICITY_USAGE": "import_w",
    }
    names |= {"ELECTRICITY_DELIVERED_TARIFF_1": "export_t1_wh", "ELECTRICITY_DELIVERED_TARIFF_2": "export_t2_wh"}
    for capture, specification in (
        (captures.ISKRA, telegram_specifications.V5),
        ("sagemcom-fluvius-3phase.p1", telegram_specifications.BELGIUM_FLUVIUS),
        ("sagemcom-fluvius-1phase.p1", telegram_specifications.BELGIUM_FLUVIUS),
    ):
        for raw in Framer().feed(captures.read(capture))[:20]:
            ours, theirs = decode(raw), TelegramParser(specification).parse(raw.decode())
            assert ours.time == theirs.P1_MESSAGE_TIMESTAMP.value
            for theirs_name, name in names.items():
                assert getattr(ours, name) == getattr(theirs, theirs_name).value * 1000
            assert ours.phase_dv[0] == theirs.INSTANTANEOUS_VOLTAGE_L1.value * 10
            assert re.fullmatch(r"[0-9A-Z]{14,17}", ours.serial)
