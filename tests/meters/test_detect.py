import random
import threading
import time
from pathlib import Path

from meters import detect
from meters.detect import Device
from tests.emulators import telegrams
from tests.emulators.p1_http import HomeWizardLookalike
from tests.emulators.p1_pty import P1Cable
from tests.emulators.p1_tcp import P1Server

BELGIUM = telegrams.write(telegrams.BELGIUM)
OLD = telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True)


def test_a_belgian_cable_is_recognised_with_its_gas_and_water() -> None:
    with P1Cable() as cable:
        cable.speak([BELGIUM], every_s=0.05)
        found = detect.probe(cable.address, deadline_s=10)
    assert (found.ok, found.baud, found.dialect, found.hint) == (True, 115200, "belgium", "")
    assert found.devices == (Device("electricity", "1SAG3105200877"), Device("gas", "7FLO2123088227"), Device("water", "8SET0000450106"))
    assert found.telegram is not None
    assert found.telegram.import_w == 420
    assert found.seconds < 3


def test_a_cable_at_9600_baud_is_recognised_once_its_bytes_are_noise() -> None:
    with P1Cable("old", baud=9600) as cable:
        cable.speak([OLD], every_s=0.05)
        found = detect.probe(cable.address, deadline_s=10)
    assert (found.ok, found.baud, found.dialect) == (True, 9600, "v3")
    assert found.devices[1].medium == "gas"


def test_a_stream_joined_halfway_is_no_noise() -> None:
    with P1Cable() as cable:
        cable.speak([BELGIUM[300:], BELGIUM], every_s=0.1)
        found = detect.probe(cable.address, deadline_s=10)
    assert (found.ok, found.baud) == (True, 115200)


def test_silence_says_what_to_check() -> None:
    with P1Cable() as cable:
        begin = time.monotonic()
        found = detect.probe(cable.address, deadline_s=0.4)
        assert 0.3 < time.monotonic() - begin < 2
    assert (found.ok, found.telegram, found.devices) == (False, None, ())
    for word in ("Fluvius", "ORES", "Sibelga", "S1", "5 V", "Another program"):
        assert word in found.hint


def test_noise_is_shown_and_both_speeds_are_named() -> None:
    noise = bytes(random.Random(1).randrange(128, 256) for _ in range(100))
    with P1Cable() as cable:
        cable.speak([noise], every_s=0.05)
        found = detect.probe(cable.address, deadline_s=1)
    assert not found.ok
    assert "Bytes come in, but no telegram: \\x" in found.hint
    assert "Both 115200 8N1 and 9600 7E1 were tried" in found.hint


def test_a_chosen_speed_is_the_only_one_tried() -> None:
    with P1Cable("old", baud=9600) as cable:
        cable.speak([OLD], every_s=0.05)
        found = detect.probe(cable.address, baud=115200, deadline_s=0.5)
    assert (found.ok, found.baud) == (False, 115200)
    assert "try 9600 7E1" in found.hint


def test_telegrams_with_wrong_checksums_are_told_with_their_fault() -> None:
    wrong = BELGIUM.replace(b"000661.701", b"000661.702")
    with P1Cable() as cable:
        cable.speak([wrong], every_s=0.05)
        found = detect.probe(cable.address, deadline_s=0.5)
    assert not found.ok
    assert found.telegram is not None
    assert found.telegram.raw == wrong
    assert "none can be used" in found.hint
    assert "checksum does not match" in found.hint


def test_what_hinders_the_connection_is_the_hint() -> None:
    assert "There is no /dev/ttyUSB97" in detect.probe("/dev/ttyUSB97").hint
    assert "is no meter address" in detect.probe("/etc/passwd").hint
    with HomeWizardLookalike() as device:
        device.status = 403
        assert "HomeWizard app" in detect.probe(device.address).hint


def test_a_network_port_and_a_homewizard_are_recognised() -> None:
    with P1Server() as server:
        threading.Thread(target=server.send, args=(BELGIUM,), daemon=True).start()
        assert detect.probe(server.address, deadline_s=10).ok
    with HomeWizardLookalike() as device:
        device.telegram = BELGIUM
        assert detect.probe(device.address, deadline_s=10).devices[2] == Device("water", "8SET0000450106")


def test_a_port_that_ends_while_it_is_looked_at_says_so() -> None:
    with P1Server() as server:
        looker: list[detect.Probe] = []
        thread = threading.Thread(target=lambda: looker.append(detect.probe(server.address, deadline_s=10)))
        thread.start()
        server.wait_for_client()
        server.hang_up()
        thread.join(10)
    assert "closed the connection" in looker[0].hint


def test_a_chosen_dialect_is_used() -> None:
    with P1Server() as server:
        threading.Thread(target=server.send, args=(OLD,), daemon=True).start()
        found = detect.probe(server.address, dialect="v5", deadline_s=0.5)
    assert not found.ok
    assert "checksum at the end is missing" in found.hint


def test_ports_are_listed_once_with_readable_names_and_lasting_ones_first(tmp_path: Path) -> None:
    (tmp_path / "serial/by-id").mkdir(parents=True)
    for name in ("ttyUSB0", "ttyUSB1", "ttyACM0", "ttyAMA0", "ttyS0", "null"):
        (tmp_path / name).touch()
    (tmp_path / "serial/by-id/usb-FTDI_FT232R_USB_UART_A601-if00-port0").symlink_to("../../ttyUSB0")
    (tmp_path / "serial/by-id/usb-gone-if00").symlink_to("../../ttyUSB7")
    (tmp_path / "serial0").symlink_to("ttyAMA0")
    found = [(port.address.removeprefix(f"{tmp_path}/"), port.name) for port in detect.ports(tmp_path)]
    assert found == [
        ("serial/by-id/usb-FTDI_FT232R_USB_UART_A601-if00-port0", "FTDI FT232R USB UART A601"),
        ("ttyUSB1", "ttyUSB1"),
        ("ttyACM0", "ttyACM0"),
        ("ttyAMA0", "ttyAMA0"),
    ]


def test_an_emulated_meter_is_listed_too(tmp_path: Path) -> None:
    with P1Cable("front") as cable:
        assert [(port.address, "front" in port.name) for port in detect.ports(tmp_path)] == [(cable.address, True)]
    assert detect.ports(tmp_path) == []
