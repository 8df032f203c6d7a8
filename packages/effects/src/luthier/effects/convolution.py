"""Rooms, cabinets and everything else that an impulse response describes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import Audio, LayoutError, MissingDependencyError, ParameterError
from luthier.core.arrays import borrow, check_channels, check_sample_rate
from luthier.effects.automation import Moving
from luthier.effects.effect import Effect
from luthier.effects.option import array, flag, setting
from luthier.effects.parameter import param, shown

__all__ = ["Convolution"]


class Convolution(Effect):
    """Convolve with an impulse response: ``(1 - mix) * samples + mix * convolved``.

    The response is used as it is: one of unit energy keeps the level of noise, a unit impulse keeps
    everything. A response of one channel is for all channels, one of *n* channels for *n* channels, each its
    own. One of four channels on a stereo signal is true stereo: left to left, left to right, right to left,
    right to right.

    A stream has no latency: it works in partitions that grow from a few dozen frames on. A call on a whole
    signal takes long blocks instead, three times as fast. Each gives the same bits however the signal is
    cut, and the two agree within -120 dB.

    A response of another sample rate than the signal's is resampled, and scaled by the ratio of the rates, so
    that what it does to each frequency stays the same. Assigned to the effect of a running stream, another
    response fades in within 20 ms and begins with silence behind it.

    Parameters
    ----------
    impulse_response : array, Audio, path or None
        ``(frames,)`` or ``(channels, frames)``: an array, the `Audio` that ``luthier.io.read`` returns, or
        the name of a file for it to read. None is the unit impulse.
    sample_rate : float or None
        Of an array. None takes it for the signal's; an `Audio` and a file bring their own.
    mix : float
        0 is the signal as it comes, 1 the convolved one.
    normalize : bool
        Scale the response, as it is used, so that its loudest channel has unit energy.

    Raises
    ------
    LayoutError
        For a response that is no array of floats, and, when sound comes, for one of a number of channels that
        the signal's does not go with.

    Notes
    -----
    Source: W. G. Gardner, "Efficient convolution without input-output delay", *J. Audio Eng. Soc.* 43(3)
    (1995); G. Garcia, "Optimal filter partition for efficient convolution with short input/output delay",
    113th AES Convention (2002).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> rng = np.random.default_rng(0)
    >>> decay = np.exp(-6.9 * np.arange(22_050) / 22_050)
    >>> hall = fx.Convolution(rng.standard_normal((2, 22_050)) * decay, 44_100, mix=0.3, normalize=True)
    >>> hall(np.ones((2, 100), dtype=np.float32), 44_100).shape
    (2, 100)
    """

    linear = True

    impulse_response: npt.NDArray[np.floating[Any]] | None = array(
        doc="Frames, or channels of frames; None is the unit impulse."
    )
    sample_rate: float | None = setting(
        None, minimum=1, maximum=10_000_000, doc="Frames a second of the response; None is the signal's."
    )
    mix: float = param(
        1.0, minimum=0, maximum=1, doc="Share of the convolved signal; the rest is as it comes."
    )
    normalize: bool = flag(False, doc="Scale the response to unit energy of its loudest channel.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        samples, rate = _read(args[0] if args else kwargs.get("impulse_response"))
        if rate is not None:
            named = args[1] if len(args) > 1 else kwargs.get("sample_rate")
            if named is not None and check_sample_rate(named) != rate:
                raise ParameterError(
                    f"Convolution.sample_rate is {rate:g} in what was given as impulse_response, "
                    f"got {named:g}: leave it out"
                )
            if len(args) == 1:
                kwargs.pop("sample_rate", None)
            if args:
                args = (samples, rate, *args[2:])
            else:
                kwargs.update(impulse_response=samples, sample_rate=rate)
        super().__init__(*args, **kwargs)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "impulse_response":
            value, rate = _read(value)
            if rate is not None:
                self._assign(value, rate)
                return
        super().__setattr__(name, value)

    def _assign(self, samples: object, rate: float) -> None:
        """Change both at once: a running stream fades over to a response of its own rate."""
        before = self.sample_rate
        self.__dict__["sample_rate"] = rate
        try:
            super().__setattr__("impulse_response", samples)
        except BaseException:
            self.__dict__["sample_rate"] = before
            raise

    def _fit(self, channels: int) -> None:
        response = self.impulse_response
        own = 1 if response is None or response.ndim == 1 else response.shape[0]
        if own in (1, channels) or (own, channels) == (4, 2):
            return
        raise LayoutError(
            f"Convolution.impulse_response has {own} channels and the signal has {channels}: a response needs"
            " 1 channel for all, as many as the signal, or 4 on a stereo signal (left to left, left to right,"
            " right to left, right to right)"
        )


def _read(given: Any) -> tuple[Any, float | None]:
    """Return the samples of an impulse response, and their rate where they bring one."""
    name = "Convolution.impulse_response"
    rate = None
    if isinstance(given, (str, os.PathLike)):
        given = _file(given)
    if isinstance(given, Audio):
        given, rate = given.samples, check_sample_rate(given.sample_rate, f"the sample rate of {name}")
    if given is None or isinstance(given, Moving):  # what is drawn later, or what the option refuses
        return given, rate
    if isinstance(given, (list, tuple)):
        try:
            given = np.asarray(given, np.float64)
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{name} must be an array of numbers, got {shown(given)}") from error
    borrowed = borrow(given, name=name)
    check_channels(borrowed, name)
    if borrowed.ndim > 2 or borrowed.array.size == 0:
        raise LayoutError(
            f"{name} must have shape (frames,) or (channels, frames) and hold at least one frame, "
            f"got {tuple(given.shape)}"
        )
    return (borrowed.array[0, 0] if borrowed.ndim == 1 else borrowed.array[0]), rate


def _file(path: str | os.PathLike[str]) -> Any:
    try:
        import luthier.io as lio
    except ImportError as error:
        raise MissingDependencyError(
            f"an impulse response from the file {os.fspath(path)!r} needs luthier-io: pip install luthier-io"
        ) from error
    return lio.read(path)
