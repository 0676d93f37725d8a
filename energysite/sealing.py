"""Secrets at rest: sealed with a key derived from the installation's own. No Django: hold_outputs opens what the database's side sealed."""

import base64
import hashlib
import hmac
from functools import cache
from typing import Any

LABEL = b"energysite device secrets 1"


class OtherKey(ValueError):
    """It was sealed with another installation's key."""


@cache
def _cipher(secret_key: str) -> Any:
    from cryptography.fernet import Fernet  # 6 MB that a house without such a device does not pay for

    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret_key.encode(), LABEL, hashlib.sha256)))


def seal(secret_key: str, plain: str) -> str:
    return str(_cipher(secret_key).encrypt(plain.encode()).decode()) if plain else ""


def unseal(secret_key: str, sealed: str) -> str:
    """Raises OtherKey."""
    if not sealed:
        return ""
    from cryptography.fernet import InvalidToken  # late, as above

    try:
        return str(_cipher(secret_key).decrypt(sealed.encode()).decode())
    except InvalidToken:
        raise OtherKey from None
