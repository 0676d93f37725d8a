"""In the admin an owner may do everything, by role: nobody hands out single Django permissions."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from energysite.actors import actor_of_user
from energysite.permissions import allows


class RoleBackend(BaseBackend):
    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.is_active and user_obj.is_authenticated and allows(actor_of_user(user_obj), "admin.use"))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return self.has_perm(user_obj, app_label)
