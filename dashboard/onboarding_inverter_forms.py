"""The one form by which an inverter is connected: where it is, its make, and what that make needs."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import fields_for_model
from django.utils.translation import gettext_lazy as _

from dashboard.onboarding_forms import NameForm, free_name
from solar import finding
from solar.models import Inverter
from solar.readers import families
from solar.readers.families import Family

FIND = ""


class MakeForm(forms.Form):
    """What one make needs and uses, as its inverter's columns have it; the fields' names begin with the make's."""

    def __init__(self, family: Family, data: Any, initial: dict[str, Any]) -> None:
        super().__init__(data, prefix=family.name, initial=initial)
        self.family = family
        self.fields.update(fields_for_model(Inverter, fields=(*family.needs, *family.uses)))
        for field in self.fields.values():
            field.required = False  # what a make needs is told by its own check


class InverterForm(forms.Form):
    address = forms.CharField(
        label=_("Address"),
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "192.168.1.20", "autocapitalize": "none", "spellcheck": "false"}),
        help_text=_("Of the inverter on the home network, as its app or your router shows it."),
    )
    make = forms.ChoiceField(required=False)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        """`initial`: an inverter's columns, `family` among them."""
        given = initial or {}
        super().__init__(data, initial={"address": given.get("address", ""), "make": given.get("family", FIND)})
        self.fields["make"].choices = [(FIND, _("Find it")), *((family.name, family.title) for family in families.FAMILIES)]  # type: ignore[attr-defined]
        self.chosen = str(self["make"].value() or FIND)
        self.makes = {family.name: MakeForm(family, data if family.name == self.chosen else None, given) for family in families.FAMILIES}

    def choices(self) -> Iterator[dict[str, Any]]:
        """For the page: each make with its fields, the chosen one marked."""
        for value, title in self.fields["make"].choices:  # type: ignore[attr-defined]
            yield {"value": value, "title": title, "chosen": value == self.chosen, "form": self.makes.get(value)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "address" not in cleaned or "make" not in cleaned:
            return cleaned
        family = families.known().get(cleaned["make"])
        cleaned["settings"] = self._found_later(cleaned["address"]) if family is None else self._of(family, cleaned["address"])
        return cleaned

    def _found_later(self, written: str) -> dict[str, Any]:
        if not any(True for _candidate in finding.candidates(written)):
            self.add_error("address", _("Write the address as %(scheme)s://host:port.") % {"scheme": "http"})
        return {"family": FIND, "address": written.strip()}

    def _of(self, family: Family, written: str) -> dict[str, Any]:
        """Checked as the inverter's own page checks them, each error at its field."""
        form = self.makes[family.name]
        values = form.cleaned_data if form.is_valid() else {}
        address = finding.address_for(family, written)
        settings = {"family": family.name, "address": address, "period_s": family.usual_period_s, **values}
        if not form.is_valid():
            raise ValidationError(_("Look at the fields of the make."))
        try:
            families.check(family, Inverter(**settings))
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                (self if name == "address" else form).add_error(name, texts)
            if "address" not in error.message_dict:
                raise ValidationError(_("Look at the fields of the make.")) from error
        known = Inverter.objects.filter(address=address).first()
        if known is not None:
            self.add_error("address", _("%(address)s is already the inverter “%(name)s”.") % {"address": address, "name": known.name})
        return settings


class InverterNameForm(NameForm):
    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"name": free_name(_("Inverter"), _("Inverter %(number)s"))})
