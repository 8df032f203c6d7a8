"""Pitch tracking: the fundamental frequency of a voice or an instrument."""

from luthier.pitch.pitch import Pitch
from luthier.pitch.tracker import Tracker
from luthier.pitch.tracking import track

__version__ = "0.1.0"

__all__ = ["Pitch", "Tracker", "track"]
