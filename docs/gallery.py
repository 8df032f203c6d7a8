"""Writes the gallery: what each effect does, drawn, and before and after to listen to.

Run by conf.py whenever the documentation is built. EXAMPLES holds one line for each effect; an effect without
one stops the build.
"""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import luthier.effects as fx
import luthier.io as lio

RATE = 44_100
BEFORE, AFTER = "#9aa5b1", "#c2410c"


class Example(NamedTuple):
    """An effect as it is written, the sound that it is played on, and what is drawn of it."""

    code: str
    sound: str
    picture: str


EXAMPLES = {
    "AllpassFilter": Example("fx.AllpassFilter(cutoff_hz=1_000, q=2)", "guitar", "phase"),
    "BandpassFilter": Example("fx.BandpassFilter(cutoff_hz=1_000, q=2)", "guitar", "response"),
    "Bitcrush": Example("fx.Bitcrush(bit_depth=4)", "guitar", "curve"),
    "BrickwallLimiter": Example("fx.BrickwallLimiter(ceiling_db=-12)", "drums", "levels"),
    "Chorus": Example("fx.Chorus(depth=0.5)", "guitar", "spectrogram"),
    "Clipping": Example("fx.Clipping(threshold_db=-12)", "guitar", "curve"),
    "Compressor": Example("fx.Compressor(threshold_db=-30, ratio=4, makeup_db=6)", "drums", "levels"),
    "Convolution": Example(
        "fx.Convolution(np.random.default_rng(0).standard_normal((2, 44_100)) "
        "* np.exp(-np.arange(44_100) / 8_000), 44_100, mix=0.4, normalize=True)",
        "voice",
        "decay",
    ),
    "Delay": Example("fx.Delay(feedback=0.5, mix=0.4)", "guitar", "decay"),
    "Distortion": Example("fx.Distortion(drive_db=25)", "guitar", "curve"),
    "Equalizer": Example(
        "fx.Equalizer([fx.LowShelfFilter(120, 6), fx.PeakFilter(900, -9, 2), fx.HighShelfFilter(6_000, 6)])",
        "guitar",
        "response",
    ),
    "Expander": Example("fx.Expander(threshold_db=-30, ratio=3)", "drums", "levels"),
    "Flanger": Example("fx.Flanger(feedback=0.7)", "guitar", "spectrogram"),
    "Gain": Example("fx.Gain(gain_db=fx.Curve([0, 3], [-40, 0]))", "guitar", "levels"),
    "GsmFullRate": Example("fx.GsmFullRate()", "voice", "spectrogram"),
    "HighShelfFilter": Example("fx.HighShelfFilter(cutoff_hz=4_000, gain_db=-12)", "guitar", "response"),
    "HighpassFilter": Example("fx.HighpassFilter(cutoff_hz=600)", "guitar", "response"),
    "Invert": Example("fx.Invert()", "guitar", "curve"),
    "LadderFilter": Example(
        "fx.LadderFilter(mode='LPF24', cutoff_hz=fx.LFO(0.5, 200, 4_000), resonance=0.7, drive=2)",
        "guitar",
        "spectrogram",
    ),
    "Limiter": Example("fx.Limiter(threshold_db=-18)", "drums", "levels"),
    "LowShelfFilter": Example("fx.LowShelfFilter(cutoff_hz=300, gain_db=9)", "guitar", "response"),
    "LowpassFilter": Example("fx.LowpassFilter(cutoff_hz=1_000)", "guitar", "response"),
    "Mp3": Example("fx.Mp3(bitrate_kbps=32)", "drums", "spectrogram"),
    "NoiseGate": Example("fx.NoiseGate(threshold_db=-30, release_ms=30)", "drums", "levels"),
    "Noise": Example("fx.Noise(level_dbfs=-40)", "voice", "spectrogram"),
    "NotchFilter": Example("fx.NotchFilter(cutoff_hz=1_000, q=2)", "guitar", "response"),
    "Opus": Example("fx.Opus(bitrate_kbps=12)", "drums", "spectrogram"),
    "Pan": Example("fx.Pan(pan=fx.LFO(0.5, -1, 1))", "guitar", "levels"),
    "PeakFilter": Example("fx.PeakFilter(cutoff_hz=1_000, gain_db=12, q=2)", "guitar", "response"),
    "Phaser": Example("fx.Phaser(feedback=0.5)", "guitar", "spectrogram"),
    "PitchShift": Example("fx.PitchShift(semitones=5)", "voice", "spectrogram"),
    "Resample": Example("fx.Resample(target_sample_rate=8_000)", "drums", "spectrogram"),
    "Reverb": Example("fx.Reverb(room_size=0.8)", "voice", "decay"),
    "SoftClipper": Example("fx.SoftClipper()", "guitar", "curve"),
    "StereoWidth": Example("fx.StereoWidth(width=2)", "guitar", "levels"),
    "Tremolo": Example("fx.Tremolo(rate_hz=6, depth=0.8)", "guitar", "levels"),
    "Vibrato": Example("fx.Vibrato(depth=0.5)", "guitar", "spectrogram"),
    "Vorbis": Example("fx.Vorbis(quality=0)", "drums", "spectrogram"),
    "WaveShaper": Example(
        "fx.WaveShaper([[-1, -0.2, 0, 0.5, 1], [-0.5, -0.4, 0, 0.9, 0.6]])", "guitar", "curve"
    ),
}


# ---- sounds ----


def guitar() -> np.ndarray:
    """Plucked strings: Karplus-Strong, two channels a little apart."""
    rng = np.random.default_rng(0)
    out = np.zeros((2, 4 * RATE))
    for number, note in enumerate([40, 47, 52, 56, 59, 64, 52, 59]):
        period = round(RATE / (440 * 2 ** ((note - 69) / 12)))
        line, start = rng.uniform(-1, 1, period), number * RATE // 2
        string = np.empty(out.shape[1] - start)
        for at in range(0, len(string), period):
            piece = line[: len(string) - at]
            string[at : at + len(piece)] = piece
            line = 0.996 * 0.5 * (line + np.roll(line, 1))
        pan = number / 7
        out[:, start:] += np.outer([1 - 0.5 * pan, 0.5 + 0.5 * pan], string)
    return 0.5 * out / np.abs(out).max()


def drums() -> np.ndarray:
    """A beat of decaying sines and noise, over a floor of faint noise."""
    rng = np.random.default_rng(1)
    t = np.arange(RATE // 2) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-30 * t)))) * np.exp(-9 * t)
    snare = rng.standard_normal((2, len(t))) * np.exp(-22 * t) * 0.4
    hat = rng.standard_normal((2, len(t))) * np.exp(-70 * t) * 0.15
    out = 0.002 * rng.standard_normal((2, 4 * RATE))
    for beat in range(8):
        at = slice(beat * RATE // 2, (beat + 1) * RATE // 2)
        out[:, at] += (kick if beat % 2 == 0 else snare) + hat
        half = at.start + RATE // 4
        out[:, half : at.stop] += hat[:, : RATE // 4]
    return 0.8 * out / np.abs(out).max()


def voice() -> np.ndarray:
    """The recording of the demo, in stereo."""
    audio = lio.read(Path(__file__).parent / "demo" / "arctic_a0007.wav", sample_rate=RATE)
    return np.repeat(audio.samples[:1].astype(np.float64), 2, axis=0)


SOUNDS: dict[str, Callable[[], np.ndarray]] = {"guitar": guitar, "drums": drums, "voice": voice}


# ---- pictures ----


def response(axes: plt.Axes, effect: fx.Effect, _before: np.ndarray, _after: np.ndarray) -> None:
    """Magnitude over frequency."""
    hz = np.geomspace(20, 20_000, 600)
    axes.semilogx(hz, fx.response(effect, hz, RATE).magnitude_db, color=AFTER)
    axes.set(xlabel="Hz", ylabel="dB", xlim=(20, 20_000), ylim=(-40, 20))


def phase(axes: plt.Axes, effect: fx.Effect, _before: np.ndarray, _after: np.ndarray) -> None:
    """Phase over frequency."""
    hz = np.geomspace(20, 20_000, 600)
    axes.semilogx(hz, np.degrees(np.unwrap(np.angle(fx.response(effect, hz, RATE).values))), color=AFTER)
    axes.set(xlabel="Hz", ylabel="degrees", xlim=(20, 20_000))


def curve(axes: plt.Axes, effect: fx.Effect, _before: np.ndarray, _after: np.ndarray) -> None:
    """Output over input, from a slow triangle."""
    x = np.linspace(-1, 1, RATE)
    axes.plot(x, x, color=BEFORE, label="before")
    axes.plot(x, effect(x, RATE), color=AFTER, label="after")
    axes.set(xlabel="input", ylabel="output", xlim=(-1, 1), ylim=(-1.1, 1.1))
    axes.legend(loc="upper left", frameon=False)


def levels(axes: plt.Axes, _effect: fx.Effect, before: np.ndarray, after: np.ndarray) -> None:
    """Levels of 10 ms over time, of each channel where they differ."""
    span = RATE // 100

    def level(x: np.ndarray) -> np.ndarray:
        frames = x[..., : x.shape[-1] // span * span].reshape(*x.shape[:-1], -1, span)
        return 10 * np.log10(np.mean(frames**2, axis=-1) + 1e-10)

    seconds = np.arange(before.shape[1] // span) * span / RATE
    axes.plot(seconds, level(before[0]), color=BEFORE, label="before")
    axes.plot(seconds, level(after[0, : before.shape[1]]), color=AFTER, label="after")
    if np.median(np.abs(level(after[0]) - level(after[1]))) > 1:
        axes.plot(seconds, level(after[1, : before.shape[1]]), color="#0f766e", label="after, right")
    axes.set(xlabel="s", ylabel="dB of full scale", ylim=(-70, 3))
    axes.legend(loc="lower right", frameon=False, ncols=3)


def decay(axes: plt.Axes, effect: fx.Effect, _before: np.ndarray, _after: np.ndarray) -> None:
    """What an impulse becomes, in dB over time."""
    click = np.zeros((2, 3 * RATE))
    click[:, 0] = 1
    answer = effect(click, RATE)[0]
    axes.plot(np.arange(3 * RATE) / RATE, 20 * np.log10(np.abs(answer) + 1e-7), color=AFTER, linewidth=0.6)
    axes.set(xlabel="s", ylabel="dB", xlim=(0, 3), ylim=(-100, 3))


def spectrogram(axes: plt.Axes, _effect: fx.Effect, _before: np.ndarray, after: np.ndarray) -> None:
    """Power over time and frequency, after the effect."""
    x = after[0] + 1e-9 * np.random.default_rng(0).standard_normal(after.shape[1])
    axes.specgram(x, NFFT=2048, Fs=RATE, noverlap=1536, cmap="magma", vmin=-140, vmax=-40)
    axes.set(xlabel="s", ylabel="Hz", ylim=(0, 10_000))


PICTURES = {f.__name__: f for f in (response, phase, curve, levels, decay, spectrogram)}


# ---- the page ----


def effects() -> list[str]:
    """The names of all effects that treat a sound by themselves."""
    return sorted(
        name
        for name in fx.__all__
        if isinstance(cls := getattr(fx, name), type)
        and issubclass(cls, fx.Effect)
        and cls not in (fx.Effect, fx.Chain, fx.Mix, fx.Random)
    )


def write(pages: Path, files: Path) -> None:
    """Write the page into `pages`, and its pictures and sounds into `files`, which is served as /gallery."""
    names = effects()
    if set(names) != EXAMPLES.keys():
        raise SystemExit(f"docs/gallery.py: EXAMPLES differs by {sorted(set(names) ^ EXAMPLES.keys())}")
    pages.mkdir(exist_ok=True)
    files.mkdir(parents=True, exist_ok=True)
    sounds = {name: make() for name, make in SOUNDS.items()}
    for name, sound in sounds.items():
        keep(files / f"{name}.flac", sound)
    lines = [
        "# Gallery",
        "",
        "Every effect on a sound. The guitar and the drums are synthesised; the voice is a recording of",
        "[CMU ARCTIC](http://festvox.org/cmu_arctic/). The pictures show what was measured for this page.",
        "",
        *(line for name in sounds for line in (f"{name}: {player(name)}", "")),
    ]
    for name in names:
        example = EXAMPLES[name]
        effect = eval(example.code, {"fx": fx, "np": np})
        before = sounds[example.sound]
        after = effect(before, RATE, tail=not np.isinf(effect.stream(RATE, 2).tail))[
            :, : before.shape[1] + 2 * RATE
        ]
        keep(files / f"{name}.flac", after)
        figure, axes = plt.subplots(figsize=(6.4, 2.4), layout="constrained")
        PICTURES[example.picture](axes, effect, before, after)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(files / f"{name}.png", dpi=110)
        plt.close(figure)
        what = (inspect.getdoc(type(effect)) or "").partition("\n")[0]
        lines += [
            f"## {name}",
            "",
            f"{what} [Reference](../reference/effects/{name}.md)",
            "",
            "```python",
            example.code,
            "```",
            "",
            f'<img src="../gallery/{name}.png" alt="{html.escape(name)}: {example.picture}" loading="lazy">',
            "",
            f"before, {example.sound}: {player(example.sound)} after: {player(name)}",
            "",
        ]
    (pages / "index.md").write_text("\n".join(lines), encoding="utf-8")


def player(name: str) -> str:
    """Return the HTML that plays a sound."""
    return f'<audio controls preload="none" src="../gallery/{name}.flac"></audio>'


def keep(path: Path, sound: np.ndarray) -> None:
    """Write a sound, turned down where it would be clipped."""
    peak = np.abs(sound).max()
    lio.write(path, (sound / max(peak, 1)).astype(np.float32), RATE)
