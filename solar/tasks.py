"""Periodic tasks of inverters, weather and forecast. Tasks take an id, make one call; what they call runs without Celery too."""

from celery import shared_task
from django.utils import timezone

from energysite.database import DatabaseAway, asked
from solar import polling
from solar.forecast import scoring
from solar.weather import asking

SCORE_S = 3600


@shared_task(throws=(DatabaseAway,))
def read_inverter(pk: int) -> None:
    polling.poll(pk)


@shared_task(throws=(DatabaseAway,))
def ask_weather(pk: int) -> None:
    asking.ask(pk)


@shared_task(throws=(DatabaseAway,), expires=SCORE_S)
def score_forecasts() -> None:
    """Days that are over and known are held against what was foretold of them."""
    with asked():
        scoring.score_all(timezone.now())
