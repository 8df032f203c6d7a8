"""`track`: the pitch of a whole signal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from luthier.core.arrays import Layout, borrow, check_channels
from luthier.pitch.pitch import Pitch
from luthier.pitch.settings import Settings, check_settings, refuse_garbage, result

__all__ = ["check_settings", "track"]

#: Rows that are tracked at a time: paths of many would not fit in the cache.
_ROWS = 32


def track(
    samples: Any,
    sample_rate: float,
    *,
    method: str = "neural",
    fmin: float | None = None,
    fmax: float | None = None,
    hop_s: float = 0.01,
    layout: Layout = "channels_first",
    **options: Any,
) -> Pitch:
    """Track the fundamental frequency of a signal with one voice at a time.

    Parameters
    ----------
    samples : array, (frames,), (channels, frames) or (batch, channels, frames)
        float32 or float64, finite; any level. Each channel is tracked by itself.
    sample_rate : float
        Frames a second. Everything inside is set in seconds: 8 kHz speech and 96 kHz music get the same
        frames.
    method : {"neural", "yin", "mpm", "pyin", "autocorrelation", "swipe"}
        ``"neural"``: a small network of our own, trained on rendered voices and instruments; the surest,
        above all in noise. ``"yin"``: de Cheveigne and Kawahara's YIN [1]_ with windows of two periods of
        `fmin`, symmetric about the frame's centre. ``"mpm"``: McLeod and Wyvill's key maxima of the
        normalised square difference [2]_, over the same windows. ``"pyin"``: Mauch and Dixon's probabilistic
        YIN [3]_ with the definitions and parameters of librosa. ``"autocorrelation"``: Boersma's method
        [4]_, with a path through candidates; steadier in noise. ``"swipe"``: Camacho and Harris's SWIPE'
        [5]_, from spectra over windows of up to ``8 / fmin`` seconds.
    fmin, fmax : float, optional
        The range searched, in hertz; ``5 <= fmin < fmax <= sample_rate / 2`` and ``fmax <= 1000 * fmin``.
        30 and 4200 for ``"neural"``, 50 and 2000 for the others, or half the sample rate where that is less.
        `fmin` also sets how much of the signal a frame sees: some ``3 / fmin`` seconds, 60 ms for 50 Hz
        (``"neural"`` always sees the same).
    hop_s : float
        Seconds from one frame to the next; at least one sample and at most an hour.
    layout : {"channels_first", "frames_first"}
        How `samples` is laid out. The result has its frames last in either case.
    **options
        What the method takes besides (see Notes).

    Returns
    -------
    Pitch
        ``(times, f0, voiced, confidence)`` with ``floor(duration / hop_s) + 1`` frames, frame ``k`` centred
        at ``k * hop_s``; a signal of no samples has no frames. Silence is unvoiced with confidence 0 and
        ``f0 == fmin``. Frames near the ends use what the signal has there; nothing is padded,
        and ``"neural"`` may find too little for a pitch in the first and last 40 ms.

    Raises
    ------
    LayoutError
        When `samples` has another rank or dtype, more than 4096 channels (its axes are swapped), or holds
        an infinity or a not-a-number.
    ParameterError
        When a parameter is outside its range, or an option is not the method's.

    Notes
    -----
    The confidence is a probability: of all frames with a confidence of 0.8 eight in ten are voiced, in a
    mixture of speech, notes, procedural sounds and noises in which half of the frames are voiced, clean and
    with noise from 20 to 0 dB below. It is a logistic function of what the method goes by (YIN's
    aperiodicity, SWIPE's strength, ...) and of the share of the power around a frame that is at its centre,
    fitted to sounds of which it is known; for ``"neural"`` of the network's own log-odds.

    The result does not depend on level: any constant times `samples` gives the same pitch, as long as they
    stay normal numbers (of float32 for ``"neural"``, which computes in single precision: float64 samples
    beyond 1e-30 to 1e30 need scaling first).

    ``"yin"`` takes `threshold`, in (0, 1), 0.1 by default: how much deeper a longer period must be to be
    preferred. Lower finds more octaves below, higher more above. `f0` is within 0.2 cent on clean tones up to
    a quarter of `sample_rate`, and within a quarter tone up to half of it.

    ``"mpm"`` takes `cutoff`, in (0, 1), 0.9 by default: the share of the highest key maximum that an
    earlier one must reach. Lower finds more octaves above, higher more below.

    ``"pyin"`` takes librosa's parameters: `n_thresholds`, `beta_parameters`, `boltzmann_parameter`,
    `resolution`, `max_transition_rate`, `switch_prob`, `no_trough_prob`; and `frame_s`, the seconds that a
    frame sees, ``3.2 / fmin`` by default. With the same frame, hop and range its voiced frames have the f0 of
    librosa 0.11 within half a bin of `resolution`, 5 cents; where that path is unvoiced, f0 is that of
    the frame's likeliest trough. As there, a constant offset is part of the signal: take it away first.

    ``"autocorrelation"`` takes Boersma's costs: `octave_cost`, `octave_jump_cost`, `voicing_change_cost`, and
    `voicing_threshold`.

    ``"swipe"`` takes `whiten`, False by default: let the spectrum rise by 3 dB an octave first, which makes
    pink noise white.

    ``"neural"`` takes `low_latency`, False by default: let results come within 50 ms, and be a little worse.

    Methods with a path (``"pyin"`` and ``"autocorrelation"``) decide a frame with what follows it:
    `lookahead_s`, 1.0 and 0.2 s by default.

    References
    ----------
    .. [1] A. de Cheveigne and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
       J. Acoust. Soc. Am. 111(4), 2002.
    .. [2] P. McLeod and G. Wyvill, "A smarter way to find pitch", Proc. International Computer Music
       Conference, 2005.
    .. [3] M. Mauch and S. Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold
       distributions", Proc. ICASSP, 2014.
    .. [4] P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
       ratio of a sampled sound", Proc. Institute of Phonetic Sciences 17, 1993.
    .. [5] A. Camacho and J. G. Harris, "A sawtooth waveform inspired pitch estimator for speech and music",
       J. Acoust. Soc. Am. 124(3), 2008.

    Examples
    --------
    >>> import numpy as np, luthier.pitch as lp
    >>> t = np.arange(44_100) / 44_100
    >>> times, f0, voiced, confidence = lp.track(np.sin(2 * np.pi * 440 * t), 44_100)
    >>> f0.shape, bool(voiced[10:-10].all()), f"{f0[50]:.0f}"
    ((101,), True, '440')
    """
    settings = Settings.check(sample_rate, method=method, fmin=fmin, fmax=fmax, hop_s=hop_s, options=options)
    borrowed = borrow(samples, layout=layout)
    check_channels(borrowed)
    batch, channels, length = borrowed.array.shape
    grid = settings.grid
    frames = math.floor(length / grid.hop + 1e-9) + 1 if length else 0
    rows = borrowed.array.reshape(batch * channels, length)
    refuse_garbage(borrowed)

    f0 = np.empty((len(rows), frames))
    confidence = np.empty_like(f0)
    for first in range(0, len(rows) if frames else 0, _ROWS):
        group = slice(first, first + _ROWS)
        stream = settings.stream(len(rows[group]), rows.dtype)
        at = 0
        for piece in (stream.push(rows[group]), stream.flush()):
            count = piece[0].shape[1]
            f0[group, at : at + count], confidence[group, at : at + count] = piece
            at += count
    return result(borrowed, np.arange(frames) * grid.hop_s, f0, confidence)
