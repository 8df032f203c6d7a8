"""pedalboard's effects by its names, made of `luthier.effects`."""

from __future__ import annotations

import math
from typing import Any

import luthier.effects as fx
from luthier.compat.pedalboard._knobs import Choice, Knob, Switch, made
from luthier.compat.pedalboard._plugin import Plugin
from luthier.compat.pedalboard._quality import WithEntries, with_entries

__all__ = [
    "Bitcrush", "BrickwallLimiter", "Chorus", "Clipping", "Compressor", "Delay", "Distortion", "Gain",
    "HighShelfFilter", "HighpassFilter", "IIRFilter", "Invert", "LadderFilter", "Limiter", "LowShelfFilter",
    "LowpassFilter", "NoiseGate", "PeakFilter", "Phaser", "PitchShift", "Reverb",
]  # fmt: skip


def _between(low: float, high: float, name: str, unit: str = "") -> dict[str, object]:
    return {
        "check": lambda v: low <= v <= high,
        "message": f"{name} must be between {low:.1f}{unit} and {high:.1f}{unit}.",
    }


# ---- level and distortion ----


class Gain(Plugin):
    """Louder or softer."""

    gain_db = Knob(1.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.Gain, gain_db=self.gain_db)


class Invert(Plugin):
    """The other polarity."""

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return fx.Invert()


class Clipping(Plugin):
    """Cut off what is beyond a level."""

    threshold_db = Knob(-6.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.Clipping, threshold_db=self.threshold_db)


class Distortion(Plugin):
    """A hyperbolic tangent."""

    drive_db = Knob(25.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.Distortion, drive_db=self.drive_db)


class Bitcrush(Plugin):
    """Fewer bits."""

    bit_depth = Knob(8.0, lambda v: 0 <= v <= 32, "Bit depth must be between 0 and 32 bits.")

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.Bitcrush, bit_depth=self.bit_depth)


# ---- filters ----


class LowpassFilter(Plugin):
    """A low-pass of first order."""

    _shown = "Lowpass"

    cutoff_frequency_hz = Knob(50.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.LowpassFilter, cutoff_hz=self.cutoff_frequency_hz)


class HighpassFilter(Plugin):
    """A high-pass of first order."""

    _shown = "Highpass"

    cutoff_frequency_hz = Knob(50.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.HighpassFilter, cutoff_hz=self.cutoff_frequency_hz)


class IIRFilter(Plugin):
    """Base of the filters of second order; not for use by itself."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        if type(self) is IIRFilter:
            raise RuntimeError(
                "IIRFilter is not designed to be instantiated directly: use HighShelfFilter, LowShelfFilter, "
                "or PeakFilter instead."
            )
        super().__init__(*args, **kwargs)


class _Section(IIRFilter):
    cutoff_frequency_hz = Knob(440.0, lambda v: v > 0, "Cutoff frequency must be greater than 0Hz.")
    gain_db = Knob(0.0)
    q = Knob(math.sqrt(0.5), lambda v: v > 0, "Q value must be greater than 0.")

    def _section(self, effect: Any) -> fx.Effect:
        return made(effect, cutoff_hz=self.cutoff_frequency_hz, gain_db=self.gain_db, q=self.q)


class LowShelfFilter(_Section):
    """A shelf below the cutoff."""

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return self._section(fx.LowShelfFilter)


class HighShelfFilter(_Section):
    """A shelf above the cutoff."""

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return self._section(fx.HighShelfFilter)


class PeakFilter(_Section):
    """A bell at the cutoff."""

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return self._section(fx.PeakFilter)


class LadderFilter(Plugin):
    """A ladder of four poles."""

    @with_entries
    class Mode(WithEntries):
        """Which way and how steep."""

        LPF12 = 0
        HPF12 = 1
        BPF12 = 2
        LPF24 = 3
        HPF24 = 4
        BPF24 = 5

    LPF12, HPF12, BPF12, LPF24, HPF24, BPF24 = Mode

    mode = Choice(Mode.LPF12, "pedalboard_native.LadderFilter.Mode", prefix="pedalboard.LadderFilter.")
    cutoff_hz = Knob(200)
    resonance = Knob(0, lambda v: 0 <= v <= 1, "Resonance must be between 0.0 and 1.0.")
    drive = Knob(1.0, lambda v: v >= 1, "Drive must be greater than 1.0.")

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(
            fx.LadderFilter,
            mode=self.mode.name,
            cutoff_hz=self.cutoff_hz,
            resonance=self.resonance,
            drive=self.drive,
        )


# ---- dynamics ----


def _legacy(effect: Any, attack_ms: float, release_ms: float, **values: Any) -> fx.Effect:
    """Each channel by itself, and times that are 2 pi times as long as they act."""
    turn = 2 * math.pi
    return made(effect, attack_ms=attack_ms / turn, release_ms=release_ms / turn, link=False, **values)


def _compressor(threshold_db: float, ratio: float, attack_ms: float, release_ms: float) -> fx.Effect:
    return _legacy(fx.Compressor, attack_ms, release_ms, threshold_db=threshold_db, ratio=ratio)


class Compressor(Plugin):
    """Turn down what is loud."""

    threshold_db = Knob(0.0)
    ratio = Knob(1.0, lambda v: v >= 1, "Compressor ratio must be a value >= 1.0.")
    attack_ms = Knob(1.0)
    release_ms = Knob(100.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return _compressor(self.threshold_db, self.ratio, self.attack_ms, self.release_ms)


class NoiseGate(Plugin):
    """Turn down what is quiet."""

    threshold_db = Knob(-100.0)
    ratio = Knob(10.0)
    attack_ms = Knob(1.0)
    release_ms = Knob(100.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return _legacy(
            fx.NoiseGate,
            self.attack_ms,
            self.release_ms,
            threshold_db=self.threshold_db,
            ratio=self.ratio,
            detector="rising_rms",
            rms_ms=50 / (2 * math.pi),
        )


class Limiter(Plugin):
    """Two compressors, the gain that they take from the loudest, and a clipper."""

    threshold_db = Knob(-10.0)
    release_ms = Knob(100.0)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return fx.Chain(
            [
                _compressor(-10, 4, 2, 200),
                _compressor(self.threshold_db, 1000, 0.001, self.release_ms),
                made(fx.Gain, gain_db=10 * (1 - 1 / 4) / 2 - self.threshold_db),
                made(fx.Clipping, threshold_db=0.0),
            ]
        )


class BrickwallLimiter(Plugin):
    """Keep every peak below a ceiling."""

    ceiling_db = Knob(-1.0, math.isfinite, "ceiling_db must be a finite number")
    release_ms = Knob(100.0, lambda v: v > 0, "release_ms must be > 0")
    lookahead_ms = Knob(5.0, lambda v: 0 < v <= 100, "lookahead_ms must be in (0, 100]")
    true_peak = Switch(False)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(
            fx.BrickwallLimiter,
            ceiling_db=self.ceiling_db,
            release_ms=self.release_ms,
            lookahead_ms=self.lookahead_ms,
            true_peak=self.true_peak,
        )


# ---- modulation and delay ----


class Delay(Plugin):
    """Echoes, whole frames apart."""

    delay_seconds = Knob(0.5, lambda v: 0 <= v <= 30, "Delay (in seconds) must be between 0.0s and 30s.")
    feedback = Knob(0.0, lambda v: 0 <= v <= 1, "Feedback must be between 0.0 and 1.0.")
    mix = Knob(0.5, lambda v: 0 <= v <= 1, "Mix must be between 0.0 and 1.0.")

    def _effect(self, sample_rate: float) -> fx.Effect:
        frames = math.floor(self.delay_seconds * sample_rate)
        return made(fx.Delay, delay_s=frames / sample_rate, feedback=self.feedback, mix=self.mix)


class Chorus(Plugin):
    """A copy whose delay swings."""

    rate_hz = Knob(1.0, lambda v: 0 <= v <= 100, "Rate must be between 0 Hz and 100 Hz.")
    depth = Knob(0.25)
    centre_delay_ms = Knob(7.0)
    feedback = Knob(0.0)
    mix = Knob(0.5, lambda v: 0 <= v <= 1, "Mix must be between 0.0 and 1.0.")

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(
            fx.Chorus,
            rate_hz=self.rate_hz,
            depth=self.depth,
            centre_delay_ms=self.centre_delay_ms,
            feedback=self.feedback,
            mix=self.mix,
        )


class Phaser(Plugin):
    """All-passes that swing."""

    rate_hz = Knob(1.0)
    depth = Knob(0.5)
    centre_frequency_hz = Knob(1300.0)
    feedback = Knob(0.0)
    mix = Knob(0.5)

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(
            fx.Phaser,
            rate_hz=self.rate_hz,
            depth=self.depth,
            centre_hz=self.centre_frequency_hz,
            feedback=self.feedback,
            mix=self.mix,
        )


# ---- pitch ----


class PitchShift(Plugin):
    """Higher or lower, as long as before."""

    semitones = Knob(
        0.0,
        lambda v: -72 <= v <= 72,
        "Semitones of pitch must be a value between -72st and 72st.",
        single=False,
    )

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        # Beyond three octaves in two steps.
        furthest = 36.0
        first = made(fx.PitchShift, semitones=self.semitones)
        if abs(self.semitones) <= furthest:
            return first
        rest = self.semitones - math.copysign(furthest, self.semitones)
        return fx.Chain([first, made(fx.PitchShift, semitones=rest)])


# ---- space ----


class Reverb(Plugin):
    """Freeverb."""

    room_size = Knob(0.5, **_between(0, 1, "Room Size value"))  # type: ignore[arg-type]
    damping = Knob(0.5, **_between(0, 1, "Damping value"))  # type: ignore[arg-type]
    wet_level = Knob(0.33, **_between(0, 1, "Wet Level value"))  # type: ignore[arg-type]
    dry_level = Knob(0.4, **_between(0, 1, "Dry Level value"))  # type: ignore[arg-type]
    width = Knob(1.0, **_between(0, 1, "Width value"))  # type: ignore[arg-type]
    freeze_mode = Knob(0.0, **_between(0, 1, "Freeze Mode value"))  # type: ignore[arg-type]

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        freeze = 1.0 if self.freeze_mode >= 0.5 else 0.0
        return made(
            fx.Reverb,
            room_size=self.room_size,
            damping=self.damping,
            wet_level=self.wet_level,
            dry_level=self.dry_level,
            width=self.width,
            freeze=freeze,
        )
