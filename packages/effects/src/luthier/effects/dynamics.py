"""Dynamic range."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.option import choice, flag, setting, signal
from luthier.effects.parameter import param

__all__ = ["BrickwallLimiter", "Compressor", "Expander", "Limiter", "NoiseGate"]

_DETECTORS = ("peak", "rms", "rising_rms")
_DETECTOR = (
    "What is heard: the magnitude of each sample, or the root of the mean square over rms_ms; "
    "rising_rms lets the mean rise at once."
)
_RMS = "Time constant of the mean; the detector 'peak' has none."
_KNEE = "Width of the bend round the threshold; 0 is a corner."
_BELOW = "Decibels of output for one of input, below the threshold."
_BACK = "Time constant with which the gain comes back."
_LOOKAHEAD = "How long before a sample its level is heard: a latency, which calls compensate."

# Fields that several of them have alike.
_ATTACK_MS = param(
    1.0, unit="ms", minimum=0.001, maximum=5000, taper="log", doc="Time constant of a rising level."
)
_RELEASE_MS = param(
    100.0, unit="ms", minimum=0.001, maximum=10000, taper="log", doc="Time constant of a falling level."
)
_GAIN_RELEASE_MS = param(100.0, unit="ms", minimum=0.001, maximum=10000, taper="log", doc=_BACK)
_LINK = flag(True, doc="All channels get the gain that the loudest calls for; otherwise each has its own.")
_LOOKAHEAD_MS = setting(0, unit="ms", minimum=0, maximum=100, doc=_LOOKAHEAD)
_SIDECHAIN = signal(doc="The signal that is heard in place of the samples.")


class Compressor(Effect):
    """Turn down what is louder than a threshold.

    A detector follows the loudest channel and all channels get the same gain, so that the stereo image does
    not move. Above the threshold, `ratio` decibels of input give one of output. `attack_ms` and `release_ms`
    are time constants: after that time the level that is followed has come 63 % of the way.

    With ``sidechain="key"`` it hears another signal, which comes as ``inputs={"key": array}``; with
    ``link=False`` each channel hears the channel of its number (the last one, when there are fewer).
    `Stream.gain_reduction_db` tells by how much it turns down.

    A number that is assigned while a stream runs is there in 20 ms, by a fade between the sound of the old
    setting and that of the new one.

    Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital dynamic range compressor design", *J. Audio
    Eng. Soc.* 60 (2012); the level is followed in amplitude, before the curve, as in U. Zölzer (ed.),
    *DAFX*, 2nd ed. (2011), section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> steady = np.ones(48_000)
    >>> y = fx.Compressor(threshold_db=-20, ratio=4)(steady, 48_000)
    >>> round(20 * np.log10(y[-1]), 2)
    np.float64(-15.0)

    Music that makes room for a voice:

    >>> music, voice = np.ones((2, 48_000)), 0.5 * np.ones((1, 48_000))
    >>> duck = fx.Compressor(threshold_db=-30, ratio=4, sidechain="voice")
    >>> y = duck(music, 48_000, inputs={"voice": voice})
    >>> round(20 * np.log10(y[0, -1]), 2)
    np.float64(-17.98)
    """

    threshold_db: float = param(
        -20.0, unit="dB", minimum=-100, maximum=20, doc="The level above which it acts."
    )
    ratio: float = param(
        4.0,
        minimum=1,
        maximum=1000,
        taper="log",
        doc="Decibels of input for one of output, above the threshold.",
    )
    attack_ms: float = _ATTACK_MS
    release_ms: float = _RELEASE_MS
    knee_db: float = param(0.0, unit="dB", minimum=0, maximum=48, doc=_KNEE)
    makeup_db: float = param(0.0, unit="dB", minimum=-48, maximum=48, doc="Gain after the compression.")
    detector: str = choice("peak", options=_DETECTORS, doc=_DETECTOR)
    rms_ms: float = setting(10, unit="ms", minimum=0.1, maximum=1000, taper="log", doc=_RMS)
    link: bool = _LINK
    lookahead_ms: float = _LOOKAHEAD_MS
    sidechain: str | None = _SIDECHAIN


class Expander(Effect):
    """Turn down what is quieter than a threshold.

    Below the threshold each decibel that the level falls becomes `ratio` decibels, until `range_db` is
    reached. `attack_ms` is the time constant of a rising level, with which it opens, `release_ms` that of a
    falling one, with which it closes, after the level was held for `hold_ms`. Detector, link, look-ahead and
    side-chain are those of `Compressor`.

    Source: the downward expander of U. Zölzer (ed.), *DAFX*, 2nd ed. (2011), section 4.2, with the knee of
    D. Giannoulis, M. Massberg, J. D. Reiss, "Digital dynamic range compressor design", *J. Audio Eng. Soc.*
    60 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> hum = np.full(48_000, 0.001)  # -60 dB
    >>> y = fx.Expander(threshold_db=-40, ratio=2, range_db=15)(hum, 48_000)
    >>> round(20 * np.log10(y[-1]), 2)
    np.float64(-75.0)
    """

    threshold_db: float = param(
        -40.0, unit="dB", minimum=-100, maximum=20, doc="The level below which it acts."
    )
    ratio: float = param(2.0, minimum=1, maximum=1000, taper="log", doc=_BELOW)
    attack_ms: float = _ATTACK_MS
    release_ms: float = _RELEASE_MS
    hold_ms: float = param(
        0.0, unit="ms", minimum=0, maximum=5000, doc="How long a level is held before it may fall."
    )
    range_db: float = param(
        120.0, unit="dB", minimum=0, maximum=120, doc="The most by which it turns anything down."
    )
    knee_db: float = param(0.0, unit="dB", minimum=0, maximum=48, doc=_KNEE)
    detector: str = choice("peak", options=_DETECTORS, doc=_DETECTOR)
    rms_ms: float = setting(10, unit="ms", minimum=0.1, maximum=1000, taper="log", doc=_RMS)
    link: bool = _LINK
    lookahead_ms: float = _LOOKAHEAD_MS
    sidechain: str | None = _SIDECHAIN


class NoiseGate(Expander):
    """Close below a threshold: a steep expander that hears the RMS over 50 ms.

    Everything is as with `Expander`, but for what it starts from.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> hum = np.full(48_000, 0.001, np.float32)  # -60 dB
    >>> y = fx.NoiseGate(threshold_db=-50)(hum, 48_000)
    >>> bool(20 * np.log10(y[-1]) < -140)
    True
    """

    threshold_db: float = param(
        -100.0, unit="dB", minimum=-100, maximum=20, doc="The level below which it closes."
    )
    ratio: float = param(10.0, minimum=1, maximum=1000, taper="log", doc=_BELOW)
    detector: str = choice("rms", options=_DETECTORS, doc=_DETECTOR)
    rms_ms: float = setting(50, unit="ms", minimum=0.1, maximum=1000, taper="log", doc=_RMS)


class Limiter(Effect):
    """Turn down what would exceed a threshold, at once and without latency.

    No sample leaves it above `threshold_db`, and what stays below the threshold by half of `knee_db` passes
    unchanged: there is no make-up gain. The gain comes back, in decibels, with the time constant `release_ms`
    (63 % of the way in that time) after the level was held for `hold_ms`, so that it keeps still between the
    peaks of a tone. What rises faster than it was ever before is bent by the soft knee as it rises: a limiter
    that looks ahead is `BrickwallLimiter`.

    Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital dynamic range compressor design", *J. Audio
    Eng. Soc.* 60 (2012): the design with the ballistics on the gain, in decibels, of infinite ratio.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> loud = np.sin(0.05 * np.arange(48_000))
    >>> y = fx.Limiter(threshold_db=-6)(loud, 48_000)
    >>> round(20 * np.log10(np.abs(y).max()), 3)
    np.float64(-6.0)
    """

    threshold_db: float = param(
        -10.0, unit="dB", minimum=-60, maximum=20, doc="The level that nothing exceeds."
    )
    release_ms: float = _GAIN_RELEASE_MS
    knee_db: float = param(6.0, unit="dB", minimum=0, maximum=48, doc=_KNEE)
    hold_ms: float = setting(5, unit="ms", minimum=0, maximum=100, doc="How long a peak is held.")
    link: bool = _LINK


class BrickwallLimiter(Effect):
    """Turn down ahead of what would exceed a ceiling, so smoothly that it is hardly heard.

    Over `lookahead_ms` before a peak the gain falls, in decibels, along a ramp without corners that has come
    to its end when the peak does; it comes back with the time constant `release_ms`. No sample exceeds
    `ceiling_db`, all channels get the same gain, and what stays below the ceiling passes bit for bit.

    With ``true_peak=True`` the peaks between the samples count: the signal at four times the rate, as
    ITU-R BS.1770-5 annex 2 measures it, by a longer filter. They stay within 0.1 dB of the ceiling; only in
    noise that reaches half the sample rate single peaks exceed it by up to 0.3 dB. The latency is then 40
    frames longer than the look-ahead.

    Source: P. Hämäläinen, "Smoothing of the control signal without clipped output in digital peak limiters",
    *Proc. DAFx-02* (2002).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> loud = np.sin(0.05 * np.arange(48_000))
    >>> y = fx.BrickwallLimiter(ceiling_db=-3)(loud, 48_000)
    >>> round(20 * np.log10(np.abs(y).max()), 3)
    np.float64(-3.0)
    """

    ceiling_db: float = param(-1.0, unit="dB", minimum=-60, maximum=20, doc="The level that nothing exceeds.")
    release_ms: float = _GAIN_RELEASE_MS
    lookahead_ms: float = setting(
        5, unit="ms", minimum=0, maximum=100, doc="How long the gain takes to fall: the latency."
    )
    true_peak: bool = flag(False, doc="Peaks between the samples count too.")
