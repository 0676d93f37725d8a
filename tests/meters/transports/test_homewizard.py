import time
from collections.abc import Iterator

import pytest

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters.transports import connect
from tests.emulators import telegrams
from tests.emulators.p1_http import HomeWizardLookalike
from tests.meters.transports.test_cable import next_telegram, soon

ONE = telegrams.write(telegrams.BELGIUM)


@pytest.fixture
def device() -> Iterator[HomeWizardLookalike]:
    with HomeWizardLookalike() as device:
        device.telegram = ONE
        yield device


def test_the_last_telegram_is_asked_for_once_a_period_over_one_connection(device: HomeWizardLookalike) -> None:
    transport = connect(device.address, period_s=1)
    begin = time.monotonic()
    assert transport.read(soon()) == ONE
    assert transport.read(time.monotonic() + 0.1) == b""
    device.telegram = telegrams.second_by_second(2)[1]
    assert next_telegram(transport) == device.telegram
    assert 0.8 < time.monotonic() - begin < 2
    assert [path for path, _headers in device.asked] == ["/api/v1/telegram"] * 2
    assert device.connections == 1
    transport.close()


def test_a_device_that_closes_after_each_answer_is_asked_again(device: HomeWizardLookalike) -> None:
    device.hang_up_after_answer = True
    transport = connect(device.address, period_s=1)
    assert transport.read(soon()) == ONE
    assert transport.read(soon()) == ONE
    assert device.connections == 2
    transport.close()


def test_a_telegram_without_its_last_line_end_is_whole(device: HomeWizardLookalike) -> None:
    device.telegram = ONE.rstrip()
    transport = connect(device.address)
    assert next_telegram(transport) == ONE
    transport.close()


def test_a_closed_local_api_says_where_to_switch_it_on(device: HomeWizardLookalike) -> None:
    device.status = 403
    with pytest.raises(DeviceUnavailable, match="Switch it on in the HomeWizard app"):
        connect(device.address)


def test_another_web_server_says_so(device: HomeWizardLookalike) -> None:
    device.status = 404
    with pytest.raises(DeviceConfigError, match="has no P1 telegram"):
        connect(device.address)
    device.status = 500
    with pytest.raises(DeviceUnavailable, match="answers HTTP 500"):
        connect(device.address)


def test_redirects_are_not_followed(device: HomeWizardLookalike) -> None:
    with HomeWizardLookalike() as elsewhere:
        device.status, device.headers = 302, {"Location": f"{elsewhere.address}/api/v1/telegram"}
        with pytest.raises(DeviceUnavailable, match="answers HTTP 302"):
            connect(device.address)
        assert elsewhere.asked == []


def test_proxies_of_the_environment_are_ignored(device: HomeWizardLookalike, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connect(device.address).close()


def test_a_device_that_trickles_is_given_up_before_the_next_question_is_due(device: HomeWizardLookalike) -> None:
    device.trickle_s = 0.05
    begin = time.monotonic()
    with pytest.raises(DeviceUnavailable, match="takes too long to answer"):
        connect(device.address, period_s=1)
    assert time.monotonic() - begin < 1


def test_an_endless_answer_is_given_up(device: HomeWizardLookalike) -> None:
    device.telegram = b"x" * 300_000
    with pytest.raises(DeviceUnavailable, match="more than 256 kB"):
        connect(device.address)


def test_a_device_that_goes_away_says_so(device: HomeWizardLookalike) -> None:
    transport = connect(device.address)
    transport.read(soon())
    device.status = 403
    with pytest.raises(DeviceUnavailable, match="Local API"):
        transport.read(soon())
    transport.close()


def test_an_answer_that_closes_the_connection_is_read_to_its_end(device: HomeWizardLookalike) -> None:
    device.headers = {"Connection": "close"}
    transport = connect(device.address)
    assert transport.read(time.monotonic() + 1) == device.telegram
    transport.close()
