"""Agents answer three questions, from pages and sockets alike: get_states, get_config, set_config.

Configuration is the agent's row, state is the Redis hash `agent:<name>`. Whoever asks is an Actor; the permission table
decides. Every change is validated by the kind's form, audited, and told to running processes on `agents:changed`.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any, TypeVar, cast

import redis
from django import forms
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from energysite import agent_states, audit, live, schedule
from energysite.agent_states import report, state_group
from energysite.database import DatabaseAway, asked
from energysite.errors import EnergyError
from energysite.models import Agent, AgentState
from energysite.permissions import Actor, allows

__all__ = ["create", "form_of", "get", "get_config", "get_states", "kinds", "register", "report", "set_config", "state_group"]

A = TypeVar("A", bound=Agent)
_forms: dict[str, type[forms.ModelForm] | None] = {}
_models: dict[str, type[Agent]] = {}


class UnknownAgent(EnergyError):
    pass


class NotAllowed(EnergyError):
    pass


class Refused(EnergyError):
    """Values that cannot be used: `errors` holds the sentences for each field."""

    def __init__(self, message: str, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or {}


class StaleVersion(Refused):
    pass


def register(model: type[A], form: type[forms.ModelForm] | None = None) -> type[A]:
    """Class decorator: makes a kind known. `form` validates its settings; without one all editable columns are taken."""
    _models[model.kind] = model
    _forms[model.kind] = form
    # Not in delete(): the admin deletes whole querysets.
    post_delete.connect(_forget, sender=model, dispatch_uid=f"forget {model.kind}")
    return model


def _forget(instance: Agent, **kwargs: Any) -> None:
    """An agent that is gone leaves the registry, its state and the live pages, in the same transaction or right after it."""
    AgentState.objects.filter(pk=instance.name).delete()
    schedule.remove(instance)
    transaction.on_commit(lambda: agent_states.forget(instance.name))


def kinds() -> dict[str, type[Agent]]:
    return dict(_models)


def get(name: str) -> Agent:
    """The agent of this name, whatever its kind. Raises UnknownAgent."""
    known = "\0" not in name  # which PostgreSQL's text cannot hold
    kind = AgentState.objects.filter(pk=name).values_list("kind", flat=True).first() if known else None
    agent = _models[kind]._default_manager.filter(name=name).first() if kind in _models else None
    if agent is None:
        raise UnknownAgent(_("There is no agent called “%(name)s”.") % {"name": name})
    return agent


def create(model: type[A], **fields: Any) -> A:
    """A valid row and its state, in one transaction. Raises django's ValidationError."""
    agent = model(**fields)
    agent.full_clean(exclude=[field.name for field in model._meta.concrete_fields if not field.editable])
    agent.save()
    return agent


def _permitted(actor: Actor, permission: str) -> None:
    if not allows(actor, permission):
        raise NotAllowed(_("You may not do this. Ask the owner."))


def get_states(actor: Actor, name: str) -> dict[str, Any]:
    """{"name", "kind", "enabled", "state", "live"}: the newest state; `live` is False when it is the stored copy."""
    _permitted(actor, "agents.view")
    agent = get(name)
    try:
        state = agent_states.read(live.client(), name)
    except redis.RedisError:
        state = {}
    return {
        "name": agent.name,
        "kind": agent.kind,
        "enabled": agent.enabled,
        "state": state or agent.state.state,
        "live": bool(state),
    }


def get_config(actor: Actor, name: str) -> dict[str, Any]:
    """{"name", "kind", "version", "values"}; secrets are masked, or empty where there is none."""
    _permitted(actor, "agents.view")
    agent = get(name)
    return {"name": agent.name, "kind": agent.kind, "version": agent.version, "values": _shown(agent)}


def set_config(actor: Actor, name: str, values: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Change some settings of the version that the caller saw; returns what get_config would.

    Raises NotAllowed, UnknownAgent, StaleVersion, or Refused with a sentence for each field. A secret that comes back
    masked stays as it is.
    """
    _permitted(actor, "agents.configure")
    with transaction.atomic():
        model = type(get(name))
        agent = model._default_manager.select_for_update().get(name=name)
        if version != agent.version:
            raise StaleVersion(
                _("The settings have changed meanwhile: they are at version %(now)s, you had %(yours)s. Get them again.")
                % {"now": agent.version, "yours": version}
            )
        before = _settings(agent)
        form_class = form_of(agent)
        asked = {key: value for key, value in values.items() if not (key in agent.secret_fields and value == audit.MASK)}
        _check_types(agent, form_class, asked)
        form = form_class(data={**before, **asked}, instance=agent)
        if not form.is_valid():
            raise _refused({field: [str(text) for text in texts] for field, texts in form.errors.items()})
        changed = audit.differences(before, _settings(agent), agent.secret_fields)
        if actor.stale and changed.keys() & set(agent.confirmed_fields):
            raise NotAllowed(_("To change this, give your password again: open its page in the admin."))
        if changed:
            agent = form.save()
            audit.record(actor, "agent configured", name, version=agent.version, changed=changed)
    return {"name": agent.name, "kind": agent.kind, "version": agent.version, "values": _shown(agent)}


def form_of(agent: Agent) -> type[forms.ModelForm]:
    """The form that rules what may be set; the name is never among its fields."""
    own = _forms.get(agent.kind)
    if own is not None:
        return own
    fields = [field.name for field in agent._meta.concrete_fields if field.editable and not field.primary_key and field.name != "name"]
    return forms.modelform_factory(type(agent), fields=fields)


def _settings(agent: Agent) -> dict[str, Any]:
    """As JSON can hold them; a time is text, in UTC, that a form reads again."""
    values = model_to_dict(agent, fields=list(form_of(agent).base_fields))
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, time) else value


def _shown(agent: Agent) -> dict[str, Any]:
    masked = {name: audit.MASK if getattr(agent, name) else "" for name in agent.secret_fields}
    return {**_settings(agent), **masked}


def _refused(errors: dict[str, list[str]]) -> Refused:
    sentences = [f"{field}: {' '.join(texts)}" if field != "__all__" else " ".join(texts) for field, texts in errors.items()]
    return Refused(" ".join(sentences), errors)


def _check_types(agent: Agent, form_class: type[forms.ModelForm], values: Mapping[str, Any]) -> None:
    """A web form takes any text for true; a program that sends the wrong type has made a mistake and is told so."""
    errors: dict[str, list[str]] = {}
    for name, value in values.items():
        if name not in form_class.base_fields:
            errors[name] = [_("There is no such setting.")]
            continue
        wrong = _wrong_type(cast("models.Field[Any, Any]", agent._meta.get_field(name)), value)
        if wrong:
            errors[name] = [wrong]
    if errors:
        raise _refused(errors)


def _wrong_type(field: "models.Field[Any, Any]", value: Any) -> str:
    if value is None:
        return "" if field.null else _("This cannot be empty.")
    shown = json.dumps(value, ensure_ascii=False)[:60]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(field, models.BooleanField):
        return "" if isinstance(value, bool) else _("%(value)s is neither true nor false.") % {"value": shown}
    if isinstance(field, (models.IntegerField, models.ForeignKey)):  # another row is named by its number
        return "" if number and isinstance(value, int) else _("%(value)s is not a whole number.") % {"value": shown}
    if isinstance(field, (models.FloatField, models.DecimalField)):
        return "" if number else _("%(value)s is not a number.") % {"value": shown}
    if isinstance(field, models.JSONField):
        return ""
    return "" if isinstance(value, str) else _("%(value)s is not text.") % {"value": shown}


def answer(actor: Callable[[], Actor], name: str, text: str) -> dict[str, Any]:
    """What a program's JSON message gets back: {"ok": True, "command", ...} or {"ok": False, "error", "errors"}. Never raises.

    `actor` says whom the sender is now; blocking.
    """
    try:
        message = _message(text)
        with asked():
            asking = actor()
            result = _run(asking, name, message)
    except DatabaseAway:
        return _failed(_("The database does not answer. Try again in a moment."))
    except Refused as refusal:
        return _failed(str(refusal), refusal.errors)
    except EnergyError as error:
        return _failed(str(error))
    return {"ok": True, "command": message["command"], **result}


def _failed(sentence: str, errors: dict[str, list[str]] | None = None) -> dict[str, Any]:
    return {"ok": False, "error": sentence, "errors": errors or {}}


def _message(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
        json.dumps(message, ensure_ascii=False).encode()  # half a surrogate pair can be neither stored nor answered
    except (ValueError, RecursionError):
        raise Refused(_("This is not JSON.")) from None
    known = {"get_states": {"command"}, "get_config": {"command"}, "set_config": {"command", "values", "version"}}
    command = message.get("command") if isinstance(message, dict) else None
    if not isinstance(command, str) or command not in known:
        raise Refused(_("Send a JSON object whose “command” is get_states, get_config or set_config."))
    if unknown := message.keys() - known[command]:
        raise Refused(_("%(command)s takes no “%(key)s”.") % {"command": command, "key": sorted(unknown)[0]})
    if command == "set_config":
        if not isinstance(message.get("values"), dict):
            raise Refused(_("set_config takes “values”: an object with the settings to change."))
        if not isinstance(message.get("version"), int) or isinstance(message["version"], bool):
            raise Refused(_("set_config takes “version”: the version of the settings you saw, from get_config."))
    return cast(dict[str, Any], message)


def _run(actor: Actor, name: str, message: dict[str, Any]) -> dict[str, Any]:
    _permitted(actor, "agents.view")
    if not get(name).requestable:
        raise NotAllowed(_("“%(name)s” answers no requests: “requestable” is off in its settings.") % {"name": name})
    if message["command"] == "get_states":
        return get_states(actor, name)
    if message["command"] == "get_config":
        return get_config(actor, name)
    return set_config(actor, name, message["values"], message["version"])
