"""Readings condensed into blocks: made, claimed, computed in SQL, stored, closed, tried again, reopened."""
