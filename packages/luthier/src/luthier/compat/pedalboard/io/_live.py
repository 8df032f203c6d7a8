"""`AudioStream`, which this face has only the name of."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["AudioStream"]

_MISSING = (
    "AudioStream plays and records with the devices of this computer, which luthier does not do. Read and "
    "write files with luthier.compat.pedalboard.io.AudioFile, and leave devices to a package like "
    "sounddevice: pass what it records to a stream of luthier.effects, and what that returns back to it."
)


class _NoDevices(type):
    """There are no devices that luthier knows."""

    @property
    def input_device_names(cls) -> list[str]:
        return []

    @property
    def output_device_names(cls) -> list[str]:
        return []

    @property
    def default_input_device_name(cls) -> None:
        return None

    @property
    def default_output_device_name(cls) -> None:
        return None


class AudioStream(metaclass=_NoDevices):
    """Live audio, which luthier does not play or record: it knows no devices, and making one is an error.

    Raises
    ------
    RuntimeError
        Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        raise RuntimeError(_MISSING)

    @staticmethod
    def play(audio: Any, sample_rate: float, output_device_name: str | None = None) -> NoReturn:  # noqa: ARG004
        """Raise the error that says what is missing."""
        raise RuntimeError(_MISSING)
