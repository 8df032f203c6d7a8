"""`Convolution`: with a response of the level that pedalboard gives to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import luthier.effects as fx
import luthier.io as lio
from luthier.compat.pedalboard._knobs import Knob, made, number, within
from luthier.compat.pedalboard._plugin import Plugin

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Convolution"]

_ARGUMENTS = (
    "(impulse_response_filename: Union[str, numpy.ndarray[numpy.float32]], mix: float = 1.0, "
    "sample_rate: Optional[float] = None)"
)
#: The energy of every response's loudest channel, as an amplitude: -18.06 dB.
_LEVEL = 0.125


class Convolution(Plugin):
    """Convolve with an impulse response, brought to an energy of -18.06 dB in its loudest channel.

    Channel *n* of the sound gets channel *n* of the response, or its last.
    """

    mix = Knob(1.0)

    if TYPE_CHECKING:
        _name: str | None
        _response: npt.NDArray[np.float32]
        _response_rate: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = ("impulse_response_filename", "mix", "sample_rate")
        given = dict(zip(names, args, strict=False))
        wrong = len(args) > 3 or not set(kwargs) <= set(names) or bool(set(given) & set(kwargs))
        given.update(kwargs)
        response: Any = given.get("impulse_response_filename")
        is_array = isinstance(response, np.ndarray) and response.dtype == np.float32
        rate = given.get("sample_rate")
        try:
            rate = None if rate is None else number(rate)
            number(given.get("mix", 1.0))
        except TypeError:
            wrong = True
        if wrong or not (is_array or isinstance(response, str)):
            raise self._wrong_arguments(_ARGUMENTS, args, kwargs)
        super().__init__(mix=given.get("mix", 1.0))
        if isinstance(response, str):
            samples, rate, name = *_file(response), response
        elif rate is None:
            raise RuntimeError(
                "sample_rate must be provided when passing a numpy array as an impulse response."
            )
        else:
            samples, name = _planar(response), None
        self.__dict__.update(_response=samples, _response_rate=rate, _name=name)

    @property
    def impulse_response(self) -> npt.NDArray[np.float32] | None:
        """The array that it was made with, ``(channels, frames)``."""
        return None if self._name is not None else self._response.copy()

    @property
    def impulse_response_filename(self) -> str | None:
        """The file that it was made with."""
        return self._name

    def _settings(self) -> str:
        channels, frames = self._response.shape
        what = f"_filename={self._name}"
        if self._name is None:
            what = f"=<{frames} samples of {channels}-channel audio at {self._response_rate:g} Hz>"
        return f" impulse_response{what}{super()._settings()}"

    def _effect(self, sample_rate: float) -> fx.Effect:
        raise NotImplementedError("a response needs to know the channels of the sound, too")

    def _open(self, sample_rate: float, channels: int) -> None:
        # pedalboard measures two channels, of which it uses as many as there are.
        response = self._response[: max(channels, 2)]
        if response.shape[1] == 0:
            response = np.ones((1, 1), np.float32)
        elif self._response_rate != sample_rate:
            if not 0 < self._response_rate < np.inf:
                raise ValueError(
                    "The sample rate of an impulse response must be a finite number above 0, but was "
                    f"{self._response_rate!r}."
                )
            response = lio.resample(response, self._response_rate, sample_rate)
        energy = float(np.square(response, dtype=np.float64).sum(axis=1).max())
        response = response * np.float32(_LEVEL / np.sqrt(energy) if energy > 0 else 0)
        if len(response) > 1:
            response = response[np.minimum(np.arange(channels), len(response) - 1)]
        effect = made(fx.Convolution, impulse_response=response, sample_rate=sample_rate, mix=self._share())
        self._stream = effect.stream(sample_rate, channels)
        self._lead = self._stream.latency

    def _share(self) -> float:
        return within(self.mix, 0, 1, 1)

    def _changed(self, sample_rate: float, channels: int) -> None:
        del sample_rate, channels
        assert isinstance(self._stream, fx.Stream)
        self._stream.effect.mix = self._share()


def _planar(response: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a copy as ``(channels, frames)``, the longer axis being time."""
    if response.ndim == 1:
        return response[np.newaxis].copy()
    if response.ndim != 2:
        raise RuntimeError(f"Number of input dimensions must be 1 or 2 (got {response.ndim}).")
    first, second = response.shape
    if first == second and first != 1:
        raise RuntimeError(f"Unable to determine channel layout from shape: ({first}, {second}).")
    return np.array(response.T if first > second else response, order="C")


def _file(name: str) -> tuple[npt.NDArray[np.float32], float]:
    try:
        audio = lio.read(name)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"Unable to load impulse response: {name}") from error
    return np.asarray(audio.samples, np.float32), float(audio.sample_rate)
