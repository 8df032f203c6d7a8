"""The version of pedalboard whose behaviour this is."""

MAJOR = 0
MINOR = 9
PATCH = 26

__version__ = f"{MAJOR}.{MINOR}.{PATCH}"
