"""Devices of the demo house that answer on the wire; one file each."""
