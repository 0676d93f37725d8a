"""Device passwords: encrypted in the database, write-only in forms, masked wherever settings are told."""

from typing import Any

import pytest
from django import forms
from django.db import connection
from structlog.testing import capture_logs

from energysite import agents, secret_field
from energysite.models import AuditEntry
from energysite.permissions import OWNER, Actor
from solar.models import Inverter

PASSWORD = "sun & shine é"
ANN = Actor("ann", OWNER)


def make(**fields: Any) -> Inverter:
    return agents.create(Inverter, **{"name": "Roof", "family": "sma", "address": "https://192.0.2.1", "period_s": 10, **fields})


def stored(inverter: Inverter) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM solar_inverter WHERE id = %s", [inverter.pk])
        return str(cursor.fetchone()[0])


def form_for(inverter: Inverter, **data: str) -> forms.ModelForm:
    return forms.modelform_factory(Inverter, fields=["password"])(data=data, instance=inverter)


@pytest.mark.django_db
def test_the_database_holds_no_plain_text_and_python_does() -> None:
    inverter = make(password=PASSWORD)
    assert stored(inverter)
    assert "shine" not in stored(inverter)
    assert Inverter.objects.get(pk=inverter.pk).password == PASSWORD


@pytest.mark.django_db
def test_the_same_password_is_never_stored_twice_alike() -> None:
    first, second = make(password=PASSWORD), make(name="Shed", password=PASSWORD)
    assert stored(first) != stored(second)


def test_no_password_is_stored_as_nothing() -> None:
    assert (secret_field.encrypt(""), secret_field.decrypt("")) == ("", "")


def test_another_installation_s_password_is_empty_and_said(settings: Any) -> None:
    theirs = secret_field.encrypt(PASSWORD)
    settings.SECRET_KEY = "another key"
    with capture_logs() as logs:
        assert secret_field.decrypt(theirs) == ""
    assert "type it in again" in logs[0]["event"]
    assert PASSWORD not in str(logs)


@pytest.mark.parametrize("damaged", ["x", "gAAAA", "\x00", "é"])
def test_a_damaged_one_is_empty(damaged: str) -> None:
    assert secret_field.decrypt(damaged) == ""


@pytest.mark.django_db
def test_a_form_never_shows_it() -> None:
    assert "shine" not in form_for(make(password=PASSWORD)).as_p()


@pytest.mark.django_db
@pytest.mark.parametrize(("data", "kept"), [({}, PASSWORD), ({"password": ""}, PASSWORD), ({"password": "new"}, "new")])
def test_a_form_without_one_leaves_it_as_it_is(data: dict[str, str], kept: str) -> None:
    inverter = make(password=PASSWORD)
    form = form_for(Inverter.objects.get(pk=inverter.pk), **data)
    assert form.is_valid()
    form.save()
    assert Inverter.objects.get(pk=inverter.pk).password == kept


@pytest.mark.django_db
def test_settings_and_audit_tell_that_it_changed_and_never_what_it_is() -> None:
    inverter = make(password=PASSWORD)
    told = agents.get_config(ANN, "Roof")
    agents.set_config(ANN, "Roof", {"password": "moon & glow"}, inverter.version)
    entry = AuditEntry.objects.latest("time")
    assert "password" in str(entry.detail)
    for text in (str(told), str(entry.detail)):
        assert "shine" not in text
        assert "glow" not in text
    assert Inverter.objects.get(pk=inverter.pk).password == "moon & glow"


@pytest.mark.django_db
def test_settings_sent_back_as_they_were_told_keep_it() -> None:
    inverter = make(password=PASSWORD)
    values = agents.get_config(ANN, "Roof")["values"]
    agents.set_config(ANN, "Roof", {**values, "period_s": 20}, inverter.version)
    found = Inverter.objects.get(pk=inverter.pk)
    assert (found.password, found.period_s) == (PASSWORD, 20)
