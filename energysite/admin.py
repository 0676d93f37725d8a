"""The kernel's part of the admin: the house, people, keys, and records that are only read."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from energysite import audit, confirm, owners, tokens
from energysite.actors import actor_of
from energysite.models import AgentState, ApiToken, AuditEntry, House
from energysite.permissions import ROLES

User = get_user_model()
KEY_LASTS = timedelta(days=365)  # suggested: a key that somebody forgot ends by itself

ROLE_WORDS = {
    "owner": pgettext_lazy("role", "owner: everything"),
    "member": pgettext_lazy("role", "member: looks and steers"),
    "viewer": pgettext_lazy("role", "viewer: looks and exports"),
}


class AuditedAdmin(ModelAdmin):
    """Writes an audit entry for each row that is added, changed or removed here."""

    unaudited: tuple[str, ...] = ("password", "last_login", "digest")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        stored = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None
        before = audit.values(stored) if stored is not None else {}
        super().save_model(request, obj, form, change)
        changed = audit.differences(before, audit.values(obj), self.unaudited)
        self.record(request, "changed" if change else "added", obj, changed=changed)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, "removed", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def record(self, request: HttpRequest, what: str, obj: Any, **detail: Any) -> None:
        audit.record(actor_of(request), f"{obj._meta.model_name} {what}", str(obj), **detail)


class ConfirmedAdmin(AuditedAdmin):
    """What decides who may enter: the password is asked again when the last time was a while ago."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs) if confirm.is_fresh(request) else confirm.asked_again(request)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().delete_view(request, *args, **kwargs) if confirm.is_fresh(request) else confirm.asked_again(request)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not confirm.is_fresh(request):  # actions on several rows
            return confirm.asked_again(request)
        return super().changelist_view(request, *args, **kwargs)


class ReadOnlyAdmin(ModelAdmin):
    """What the site writes itself."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(House)
class HouseAdmin(AuditedAdmin):
    fieldsets = (
        (None, {"fields": ("name", "zone", "language", "currency")}),
        (
            _("Place"),
            {
                "fields": ("place", "latitude", "longitude"),
                "description": _("For sunrise, and for the weather and the forecast of the sun, which need it exactly."),
            },
        ),
        (_("Electricity"), {"fields": ("grid", "fuse_a", "own_peak_w", "unread_battery")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one house: its list is its form."""
        return HttpResponseRedirect(reverse("admin:energysite_house_change", args=[House.load().pk]))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("time", "actor", "role", "action", "target")
    list_filter = ("role", "action")
    search_fields = ("actor", "target")
    date_hierarchy = "time"


@admin.register(AgentState)
class AgentStateAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "updated", "busy_until")
    list_filter = ("kind",)


class ApiTokenForm(forms.ModelForm):
    role = forms.ChoiceField(label=_("role"), choices=[(role, ROLE_WORDS[role]) for role in ROLES], initial="viewer")

    class Meta:
        model = ApiToken
        fields = ("name", "role", "expires")
        help_texts = {"expires": _("Empty: it never ends.")}


@admin.register(ApiToken)
class ApiTokenAdmin(ConfirmedAdmin):
    """The key is shown once, right after it is made; it cannot be changed, only removed."""

    form = ApiTokenForm
    list_display = ("name", "role", "created", "expires")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"expires": timezone.now().replace(microsecond=0) + KEY_LASTS}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token = tokens.fresh()
        obj.digest = tokens.digest(token)
        super().save_model(request, obj, form, change)
        messages.warning(request, gettext("The key for %(name)s, shown only now: %(token)s") % {"name": obj.name, "token": token})


class PersonForm(UserChangeForm):
    def clean(self) -> dict[str, Any]:
        """A house keeps at least one owner who can log in."""
        cleaned = super().clean() or {}
        others = owners.owners().exclude(pk=self.instance.pk)
        stays = cleaned.get("is_active") and (self.instance.is_superuser or "owner" in {group.name for group in cleaned.get("groups", [])})
        if not stays and not others.exists():
            raise forms.ValidationError(gettext("This is the only owner. Make somebody else owner first."))
        return cleaned


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(ConfirmedAdmin, UserAdmin):
    """People and their roles. Django's own permissions are not used: the role decides."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (
            _("Role"),
            {"fields": ("groups", "is_active"), "description": _("The strongest one counts. Without a role a person sees nothing.")},
        ),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2", "groups")}),)

    @admin.display(description=_("role"))
    def roles(self, obj: Any) -> str:
        names = {group.name for group in obj.groups.all()} | ({"owner"} if obj.is_superuser else set())
        return ", ".join(str(ROLE_WORDS[role]) for role in ROLES if role in names) or gettext("none")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if not confirm.is_fresh(request):
            return confirm.asked_again(request)
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            self.record(request, "password set", self.get_object(request, id))
        return response

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, widget=UnfoldAdminCheckboxSelectMultipleWidget, **kwargs)
        field.label, field.help_text = _("role"), ""
        field.label_from_instance = lambda group: str(ROLE_WORDS.get(group.name, group.name))
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = sorted(group.name for group in form.instance.groups.all())
        super().save_related(request, form, formsets, change)
        after = sorted(group.name for group in form.instance.groups.all())
        if before != after:
            self.record(request, "roles changed", form.instance, roles=[before, after])

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and not owners.owners().exclude(pk=obj.pk).exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One at a time: a list could hold every owner."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


for schedule in (PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule):
    admin.site.unregister(schedule)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    """Written by the site from its agents' periods; an entry changed here would be overwritten."""

    list_display = ("name", "task", "interval", "enabled", "last_run_at", "total_run_count")
    list_filter = ("enabled",)


from energysite import notify_admin  # noqa: E402, F401 -- it registers its models, and takes this module
