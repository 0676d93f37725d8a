from pathlib import Path

import pytest

from energysite import env
from energysite.addresses import bind_address, local_url, network_urls


@pytest.mark.parametrize("raw", ["yes", "2.5", "-1", "70000", "0x10"])
def test_a_wrong_number_is_an_error_that_names_the_variable_and_its_range(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("PORT", raw)
    with pytest.raises(env.EnvError, match=r"^PORT=.*between 1 and 65535"):
        env.integer("PORT", 8000, low=1, high=65535)


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "  ")
    assert env.integer("PORT", 8000, low=1, high=65535) == 8000
    assert env.text("PORT", "x") == "x"
    assert env.words("PORT") == []
    assert env.url("PORT", ("http",)) == ""


@pytest.mark.parametrize(("raw", "value"), [("1", True), ("Yes", True), ("off", False), ("0", False)])
def test_a_switch_may_be_written_in_a_few_ways(monkeypatch: pytest.MonkeyPatch, raw: str, value: bool) -> None:
    monkeypatch.setenv("DEBUG", raw)
    assert env.flag("DEBUG") is value


def test_a_switch_that_is_neither_yes_nor_no_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(env.EnvError, match="DEBUG='maybe' is neither yes nor no"):
        env.flag("DEBUG")


def test_a_relative_path_counts_from_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", "data/here")
    assert env.path("DATA_DIR", Path("/nowhere")) == tmp_path / "data/here"


def test_a_secret_in_a_url_is_not_repeated_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://me:secret@host/db")
    with pytest.raises(env.EnvError) as caught:
        env.url("DATABASE_URL", ("postgresql",))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("raw", "bind"), [("", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("[::1]", "::1")])
def test_bind_is_an_address(monkeypatch: pytest.MonkeyPatch, raw: str, bind: str) -> None:
    monkeypatch.setenv("BIND", raw)
    assert bind_address() == bind


def test_addresses_to_open_are_addresses_that_can_be_opened() -> None:
    assert local_url("0.0.0.0", 8000) == "http://127.0.0.1:8000"
    assert local_url("::1", 8000) == "http://[::1]:8000"
    assert network_urls("127.0.0.1", 8000) == []
    assert network_urls("192.168.1.9", 8000) == ["http://192.168.1.9:8000"]
    assert network_urls("0.0.0.0", 8000)[-1].endswith(".local:8000")
