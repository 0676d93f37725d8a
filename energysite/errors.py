"""The error tree.

EnergyError
├── DeviceUnavailable    no answer: trying again can help
├── BadReading           an answer that cannot be true: reject and keep it
└── DeviceConfigError    the configuration is wrong: tell the person, a retry cannot help
"""


class EnergyError(Exception):
    """The message is a sentence for a person: what happened and what to do next."""

    retry = False


class DeviceUnavailable(EnergyError):
    retry = True


class BadReading(EnergyError):
    pass


class DeviceConfigError(EnergyError):
    pass
