"""Passwords are hashed one after another: each argon2 hash takes 100 MB, and anybody may send wrong passwords all at once."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

_turn = threading.Lock()


class OneAtATimeArgon2(Argon2PasswordHasher):
    def encode(self, password: str, salt: str) -> str:
        with _turn:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turn:
            return super().verify(password, encoded)
