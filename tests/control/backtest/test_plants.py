"""What loads do with the power that they are given."""

import pytest

from control.backtest.plant import TANK_WH, Boiler, Car, Stay, Steady, plant

MIN = 60


def test_a_pump_draws_its_power_whenever_it_may() -> None:
    pump = plant("pump", 500)
    assert [pump.power_w(level, at, MIN) for at, level in ((0, 0.0), (60, 1.0), (120, 1.0), (180, 0.0))] == [0, 500, 500, 0]
    assert pump.drawn_wh == pytest.approx(2 * 500 / 60)


def test_a_car_begins_after_it_spoke_with_its_cable_at_each_start_anew() -> None:
    car = plant("ev", 1380)
    assert [car.power_w(level, 0, MIN) for level in (1.0, 1.0, 0.0, 1.0)] == pytest.approx([920, 1380, 0, 920]), "20 s of the first minute"


def test_a_lag_longer_than_a_step_runs_on_in_the_next() -> None:
    fine = Steady(600, lag_s=20)
    assert [fine.power_w(1.0, at, 10) for at in (0, 10, 20)] == [0, 0, 600]


def test_a_car_takes_only_while_it_is_there_and_until_it_is_full_and_what_it_lacks_is_told() -> None:
    car = Car(6000, [Stay(600, 1200, 500), Stay(3000, 3600, 2000)])
    drawn = [car.power_w(1.0, at, MIN) for at in range(0, 4200, MIN)]
    assert all(watts == 0 for watts in drawn[:10])
    assert sum(drawn[10:20]) / 60 == pytest.approx(500)
    assert all(watts == 0 for watts in drawn[20:50])
    assert sum(drawn[50:60]) / 60 < 2000
    assert car.missing_wh == pytest.approx(2500 - car.drawn_wh)


def test_a_car_takes_six_amperes_or_nothing() -> None:
    car = Car(3680, [Stay(0, 10_000, 9000)])
    assert (car.power_w(0.2, 0, MIN), car.power_w(0.5, 60, MIN) > 0) == (0, True)


def test_a_car_takes_less_and_less_at_the_end() -> None:
    car = Car(2000, [Stay(0, 100_000, 1000)])
    drawn = [car.power_w(1.0, at, MIN) for at in range(0, 3600, MIN)]
    tail = [watts for watts in drawn[1:] if 0 < watts < 2000]
    assert tail and min(tail) >= 1
    assert sum(drawn) / 60 == pytest.approx(1000)


def test_a_boiler_stops_when_it_is_hot_and_asks_again_only_after_a_while() -> None:
    boiler = Boiler(3000)
    drawn = [boiler.power_w(1.0, at, MIN) for at in range(0, 86_400, MIN)]
    hot = next(i for i, watts in enumerate(drawn) if watts == 0)
    assert sum(drawn[:hot]) / 60 == pytest.approx(TANK_WH / 2, rel=0.05)
    off = drawn[hot:].index(next(watts for watts in drawn[hot:] if watts > 0))
    assert off > 10, "no switching by its thermostat each minute"
    assert boiler.missing_wh == 0


def test_a_boiler_that_is_never_heated_runs_out_of_hot_water() -> None:
    boiler = Boiler(3000)
    for at in range(0, 2 * 86_400, MIN):
        boiler.power_w(0.0, at, MIN)
    assert (boiler.tank_wh, boiler.drawn_wh, boiler.missing_wh > 5000) == (0, 0, True)
