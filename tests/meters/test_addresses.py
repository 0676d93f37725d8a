from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from meters.addresses import is_serial, replay_of, validate_address
from tests.emulators.p1_pty import P1Cable


@pytest.mark.parametrize(
    "address",
    [
        "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A601-if00-port0",
        "/dev/ttyUSB0",
        "/dev/ttyACM1",
        "/dev/ttyAMA0",
        "/dev/serial0",
        "socket://192.168.1.10:8088",
        "socket://p1.local:23/",
        "socket://[fd00::1]:8088",
        "http://192.168.1.12",
        "https://p1meter-1234.local",
        "http://p1.local:8081/",
        "replay:iskra.p1",
        "replay:iskra.p1?speed=20",
        "replay:iskra.p1?speed=0",
    ],
)
def test_addresses_of_meters_are_accepted(address: str) -> None:
    validate_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/etc/passwd",
        "/dev/null",
        "/dev/ttyUSB0/../../etc/passwd",
        "/dev/serial/by-id/../../sda",
        "/dev/serial/by-id/..",
        "/dev/ttyUSB٣",
        "loop://",
        "spy:///dev/ttyUSB0?file=/tmp/x",
        "rfc2217://host:1",
        "hwgrep://ttyUSB0",
        "alt:///dev/ttyUSB0",
        "socket://host",
        "socket://host:99999",
        "socket://host:0",
        "socket://user:pass@host:1",
        "socket://host:1/?logging=debug",
        "socket://ho st:1",
        "http://",
        "http://host/api",
        "http://host/?x=1",
        "http://host\r\nX-Evil: 1",
        "ftp://host",
        "file:///etc/passwd",
        "replay:../secret.key",
        "replay:/etc/passwd",
        "replay:..",
        "replay:x?speed=-1",
        "replay:x?speed=nan",
        "replay:x?file=/etc/passwd",
    ],
)
def test_everything_else_is_refused_in_words(address: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_address(address)
    assert refused.value.messages[0].endswith((".", "20."))


def test_a_pty_counts_only_in_its_own_folder_and_only_when_it_leads_to_one(tmp_path: Path) -> None:
    folder = settings.MODE_DIR / "pty"
    with P1Cable("front-door") as cable:
        assert is_serial(cable.address)
        assert not is_serial(cable.device)
        (folder / "trick").symlink_to("/etc/passwd")
        assert not is_serial(str(folder / "trick"))
        (folder / "trick").unlink()
    assert is_serial(cable.address), "unplugged, but still its address"
    assert not is_serial(str(folder / "..") + "/secret.key")
    assert not is_serial(str(tmp_path / "meter"))


def test_a_replay_names_a_file_and_a_speed() -> None:
    assert replay_of("replay:iskra.p1") == ("iskra.p1", 1)
    assert replay_of("replay:iskra.p1?speed=2.5") == ("iskra.p1", 2.5)
    assert replay_of("iskra.p1") is None
