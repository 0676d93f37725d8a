"""Periodic tasks of inverters, weather and forecast. Tasks take an id, make one call; what they call runs without Celery too."""

from celery import shared_task

from energysite.database import DatabaseAway
from solar import polling
from solar.weather import asking


@shared_task(throws=(DatabaseAway,))
def read_inverter(pk: int) -> None:
    polling.poll(pk)


@shared_task(throws=(DatabaseAway,))
def ask_weather(pk: int) -> None:
    asking.ask(pk)
