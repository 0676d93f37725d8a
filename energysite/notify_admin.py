"""The ways to notify, each with a Test button, and the notices that were. Only owners come here."""

import time
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import INPUT_CLASSES

from energysite.admin import ConfirmedAdmin, ReadOnlyAdmin
from energysite.agent_test import Tested
from energysite.device_look import HEARD_SHOWN, Look
from energysite.errors import EnergyError
from energysite.models import Channel, Delivery, Notice
from energysite.notify import sending, words
from energysite.secret_field import SecretField
from energysite.text import excerpt


@admin.register(Channel)
class ChannelAdmin(Tested, ConfirmedAdmin):
    """The address says whom this site connects to: the password is asked again, here and before a test."""

    list_display = ("name", "kind", "enabled", "quiet_from", "quiet_to")
    fieldsets = (
        (None, {"fields": ("name", "kind", "address", "secret", "enabled", "language")}),
        (_("Quiet hours"), {"fields": ("quiet_from", "quiet_to")}),
    )
    unaudited = (*ConfirmedAdmin.unaudited, "secret")
    test_words = _("Sends a message of this form's settings, now, quiet hours or not.")
    test_permission = "house.configure"
    untested = ("enabled",)

    def look_at(self, device: Any, *, live_ok: bool) -> Look:
        began = time.monotonic()
        try:
            heard = sending.deliver_test(device, timezone.now())
        except EnergyError as error:
            return Look(device.name, False, error=str(error))
        took_ms = round(1000 * (time.monotonic() - began))
        taken = gettext("The message was taken: look whether it arrived.")
        return Look(device.name, True, facts=(taken,), heard=excerpt(heard.encode(), HEARD_SHOWN), took_ms=took_ms)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, SecretField):
            field.widget.attrs["class"] = " ".join(INPUT_CLASSES)
        return field


class DeliveryInline(TabularInline):
    model = Delivery
    fields = readonly_fields = ("channel", "recovery", "tries", "sent", "error")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("said", "urgent", "began", "recovered")
    list_filter = ("urgent", "code")
    date_hierarchy = "began"
    fields = ("said", "cause", "urgent", "began", "seen", "recovered")
    inlines = (DeliveryInline,)

    @display(description=_("notice"))
    def said(self, obj: Notice) -> str:
        return words.sentence(obj.code, obj.params)
