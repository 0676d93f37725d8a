"""Amounts of registers as people write them: kWh and m³ with up to three decimals; stored are Wh and litres."""

from decimal import Decimal
from typing import Any

from django import forms
from django.template.defaultfilters import floatformat
from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from meters.kinds import KINDS
from meters.models import Source

MOST = 2**31 - 1  # what the column of a reading can hold
LONGEST = 20  # digits

WORDS = {
    "import_t1_wh": gettext_lazy("Import, register 1"),
    "import_t2_wh": gettext_lazy("Import, register 2"),
    "export_t1_wh": gettext_lazy("Injection, register 1"),
    "export_t2_wh": gettext_lazy("Injection, register 2"),
    "total_wh": gettext_lazy("Production"),
    "volume_l": gettext_lazy("Volume"),
}


def registers(source: Source) -> tuple[str, ...]:
    return KINDS[source.kind].registers


def register_words(register: str) -> str:
    return str(WORDS.get(register, register))


def unit(register: str) -> str:
    return "m³" if register.endswith("_l") else "kWh"


def figure(value: int | None) -> str:
    """Thousandths with three decimals and marks of thousands, as 54,201.112; a dash for None."""
    return "–" if value is None else floatformat(Decimal(value) / 1000, "3g").replace("-", "−")


def shown(register: str, value: int | None, *, signed: bool = False) -> str:
    """1,204.310 kWh; `signed`: with a plus too."""
    if value is None:
        return "–"
    plus = "+" if signed and value > 0 else ""
    return f"{plus}{figure(value)} {unit(register)}"


class AmountField(forms.Field):
    """Text to whole Wh or litres. `scale`: what one of the written unit is worth (1000: kWh, m³; 1: Wh, l).

    Point and comma are both taken for decimals, spaces for nothing; where a person could have meant either, it asks.
    """

    widget = UnfoldAdminTextInputWidget

    def __init__(self, *, scale: int = 1000, signed: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.signed = scale, signed
        self.widget.attrs |= {"inputmode": "text" if signed else "decimal", "autocomplete": "off"}

    def to_python(self, value: Any) -> int | None:
        """Raises ValidationError."""
        text = "".join(str(value or "").replace("−", "-").split())
        if not text:
            return None
        sign = -1 if text.startswith("-") else 1
        if not self.signed and text[0] in "+-":
            raise forms.ValidationError(_("A counter is never below zero: write it without a sign."))
        return sign * self._parsed(text[1:] if text[0] in "+-" else text)

    def _parsed(self, text: str) -> int:
        whole, decimals = _parted(text)
        if not (whole + decimals).isascii() or not (whole + decimals).isdigit():
            raise forms.ValidationError(_("Write a number, such as 1204.310."))
        places = len(str(self.scale)) - 1
        if len(decimals.rstrip("0")) > places:
            raise forms.ValidationError(_("At most three decimals.") if places else _("Wh and litres are whole numbers."))
        if len(whole) > LONGEST:
            raise forms.ValidationError(_("That is more than a counter can show."))
        amount = int(whole or 0) * self.scale + int((decimals + "000")[:places] or 0)
        if amount > MOST:
            raise forms.ValidationError(_("That is more than a counter can show."))
        return amount


def _parted(text: str) -> tuple[str, str]:
    """Digits before and after the decimal mark. Raises ValidationError."""
    marks = [letter for letter in text if letter in ".,"]
    if not marks:
        return text, ""
    groups = text.replace(",", ".").split(".")
    in_threes = 0 < len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:-1])
    if len(set(marks)) == 2 and in_threes and marks.count(marks[-1]) == 1:  # 54,201.112
        return "".join(groups[:-1]), groups[-1]
    either = marks[0] == get_format("THOUSAND_SEPARATOR") and in_threes and len(groups[-1]) == 3 and groups[0] != "0"
    if len(marks) == 1 and not either:
        return groups[0], groups[1]
    if len(marks) > 1 and len(set(marks)) == 1 and in_threes and len(groups[-1]) == 3:  # 1.204.310
        return "".join(groups), ""
    if len(marks) > 1:
        raise forms.ValidationError(_("Write a number, such as 1204.310."))
    decimal = get_format("DECIMAL_SEPARATOR").join(groups)
    words = {"text": text, "whole": "".join(groups), "decimal": decimal}
    raise forms.ValidationError(_("Does %(text)s have thousands or decimals? Write %(whole)s or %(decimal)s.") % words)
