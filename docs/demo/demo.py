"""The main job on a real recording: read it, run a chain over it, write it, track its pitch, draw it.

    python docs/demo/demo.py --out demo-output

needs the luthier packages and matplotlib, and nothing from the network. What is read, and under which
licence, is said in RECORDING.md beside this file.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator

import luthier.core
import luthier.effects as fx
import luthier.io as lio
import luthier.pitch as lp
from luthier.cli.chain_syntax import format_chain
from luthier.core import Audio

RECORDING = Path(__file__).with_name("arctic_a0007.wav")
SENTENCE = "And you always want to see it in the superlative degree."  # what is said in it

BOARD = fx.Chain(
    [
        fx.HighpassFilter(cutoff_hz=80),
        fx.Compressor(threshold_db=-28, ratio=4, attack_ms=0.5, release_ms=120, makeup_db=14),
        fx.HighShelfFilter(cutoff_hz=3_000, gain_db=3),
        fx.Reverb(room_size=0.6, damping=0.3, wet_level=0.15, dry_level=0.5),
    ]
)


def main() -> None:
    """Do it all and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("demo-output"), help="where results go")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    target, picture = out / "processed.flac", out / "demo.png"

    before = lio.read(RECORDING)
    wet = BOARD(before.samples, before.sample_rate)
    lio.write(target, wet, before.sample_rate, subtype="PCM_24")
    after = lio.read(target)

    def follow(audio: Audio) -> lp.Pitch:
        return lp.track(audio.samples[0], audio.sample_rate, fmin=70, fmax=300)

    f0_before, f0_after = follow(before), follow(after)
    f0_before.to_csv(out / "f0-before.csv")
    f0_after.to_csv(out / "f0-after.csv")
    draw(picture, (before, f0_before), (after, f0_after))

    both = f0_before.voiced & f0_after.voiced
    cents = np.abs(f0_after.cents(f0_before.f0))[both]
    seconds = before.duration
    cpu = luthier.core.cpu()
    rows = [
        ("read", f"{RECORDING.name}: {seconds:g} s, {before.sample_rate} Hz, {before.channels} channel"),
        ("", f"in {1e3 * fastest(lambda: lio.read(RECORDING)):.2f} ms"),
        ("process", format_chain(BOARD)),
        ("", f"in {speed(lambda: BOARD(before.samples, before.sample_rate), seconds)}"),
        ("write", f"{target}: FLAC, 24 bits, peak {20 * np.log10(np.abs(wet).max()):.1f} dBFS"),
        ("track", f"before: {describe(f0_before)}"),
        ("", f"after:  {describe(f0_after)}; median difference {np.median(cents):.1f} cents"),
        ("", f"in {speed(lambda: follow(before), seconds)}"),
        ("draw", str(picture)),
        ("on", f"{luthier.core.threads()} threads, instruction set {cpu.chosen}"),
    ]
    for verb, text in rows:
        print(f"{verb:<8} {text}")


def fastest(call: Callable[[], Any], repeats: int = 20) -> float:
    """Return the least seconds that a call took: what others do on the machine only adds to it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def speed(call: Callable[[], Any], seconds: float) -> str:
    """Return how long a call took, and how much faster than the sound that is."""
    took = fastest(call)
    return f"{1e3 * took:.2f} ms, {seconds / took:,.0f} x real time"


def describe(pitch: lp.Pitch) -> str:
    """Return how much is voiced, and the median."""
    voiced = pitch.f0[pitch.voiced]
    return f"{100 * voiced.size / pitch.f0.size:.0f} % voiced, median f0 {np.median(voiced):.1f} Hz"


# The picture


INK, SOFT, ACCENT = "#1c2530", "#5d6b7a", "#2d6da3"
F0 = "#7df9ff"
FLOOR_DB, TOP_DB = -85.0, -15.0


def draw(path: Path, before: tuple[Audio, lp.Pitch], after: tuple[Audio, lp.Pitch]) -> None:
    """Draw waveform, spectrogram and f0 of both, on the same axes."""
    figure = Figure(figsize=(12.8, 6.6), dpi=125, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.04, wspace=0.01, hspace=0.01)
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[1, 2.9])
    texts = (("before", f"\u201c{SENTENCE}\u201d"), ("after", ""))
    for column, ((audio, pitch), (name, words)) in enumerate(zip((before, after), texts, strict=True)):
        wave, spectrum = axes[0, column], axes[1, column]
        wave.set_title(name, loc="left", fontsize=13, fontweight="bold", color=INK)
        wave.set_title(words, loc="right", fontsize=10, fontstyle="italic", color=SOFT)
        draw_waveform(wave, audio)
        mesh = draw_spectrogram(spectrum, audio)
        draw_f0(spectrum, pitch)
        spectrum.set_xlabel("time (s)")
    axes[0, 0].set_ylabel("amplitude")
    axes[1, 0].set_ylabel("frequency (Hz)")
    axes[1, 0].legend(
        handles=[Line2D([], [], color=F0, linewidth=1.8, label="f0")],
        loc="upper left", fontsize=9, framealpha=0.5, facecolor="black", labelcolor="white", edgecolor="none",
    )  # fmt: skip
    for row in axes:
        for one in row:
            style(one)
    bar = figure.colorbar(mesh, ax=axes[1, :], pad=0.01, aspect=28, extend="min")
    bar.set_label("level (dB re full scale)", color=SOFT, fontsize=10)
    bar.ax.yaxis.set_major_locator(MultipleLocator(10))
    bar.ax.tick_params(colors=SOFT, labelsize=9, length=3)
    bar.outline.set_visible(False)
    chain = "\n| ".join(format_chain(part) for part in (BOARD[:2], BOARD[2:]))
    figure.suptitle(
        chain, x=0.012, ha="left", fontsize=11.5, fontfamily="monospace", color=INK, linespacing=1.5
    )
    figure.savefig(path)


def draw_waveform(axes: Axes, audio: Audio, columns: int = 1_200) -> None:
    """Draw the range of the samples in each slice of time, and the loudness inside it."""
    x = audio.samples[0]
    edges = np.linspace(0, x.size, columns + 1).astype(int)[:-1]
    times = edges / audio.sample_rate
    low, high = np.minimum.reduceat(x, edges), np.maximum.reduceat(x, edges)
    axes.fill_between(times, low, high, color=ACCENT, alpha=0.45, linewidth=0)
    rms = np.sqrt(np.add.reduceat(x.astype(np.float64) ** 2, edges) / (x.size / columns))
    smooth = np.convolve(rms, np.hanning(9) / np.hanning(9).sum(), mode="same")
    axes.fill_between(times, -smooth, smooth, color=ACCENT, linewidth=0)
    axes.set_ylim(-0.95, 0.95)
    axes.yaxis.set_major_locator(MultipleLocator(0.5))


def draw_spectrogram(axes: Axes, audio: Audio, window_s: float = 0.04, hop_s: float = 0.004) -> Any:
    """Draw the short-time spectrum on a logarithmic axis of frequency; 0 dB is a full-scale sine."""
    rate, x = audio.sample_rate, audio.samples[0]
    size, hop, padded = round(window_s * rate), round(hop_s * rate), 4_096
    window = np.hanning(size + 1)[:-1]
    centred = np.pad(x, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(centred, size)[::hop] * window
    level = np.abs(np.fft.rfft(frames, padded)) * (2 / window.sum())
    frequency = np.fft.rfftfreq(padded, 1 / rate)
    rows = np.geomspace(70, rate / 2, 500)
    # Between two lines of the padded transform the level is as good as linear.
    image = np.stack([np.interp(rows, frequency, column) for column in level], axis=1)
    times = np.arange(image.shape[1]) * hop / rate
    mesh = axes.pcolormesh(
        times, rows, 20 * np.log10(image + 1e-9), cmap="magma", norm=Normalize(FLOOR_DB, TOP_DB),
        shading="gouraud", rasterized=True,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(rows[0], rows[-1])
    axes.yaxis.set_major_locator(FixedLocator([100, 200, 500, 1_000, 2_000, 5_000]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda hz, _: f"{hz / 1000:g}k" if hz >= 1_000 else f"{hz:g}")
    )
    axes.set_xlim(0, audio.duration)
    return mesh


def draw_f0(axes: Axes, pitch: lp.Pitch) -> None:
    """Draw f0 where there is one."""
    starts = np.flatnonzero(
        np.diff(pitch.voiced, prepend=False) | (np.abs(np.diff(pitch.midi, prepend=0)) > 3)
    )
    for part in np.split(np.arange(pitch.f0.size), starts):
        if part.size and pitch.voiced[part[0]]:
            # A part of one frame is a dot: a line needs two points.
            points = pitch.times[part], pitch.f0[part]
            look: dict[str, Any] = {"marker": "o", "solid_capstyle": "round", "markeredgewidth": 0}
            axes.plot(*points, color="black", alpha=0.6, linewidth=3.6, markersize=3.6, **look)
            axes.plot(*points, color=F0, linewidth=1.8, markersize=1.8, **look)


def style(axes: Axes) -> None:
    """Take away what is not needed to read the picture."""
    axes.tick_params(colors=SOFT, labelsize=9.5, length=3)
    axes.xaxis.label.set(color=SOFT, fontsize=10.5)
    axes.yaxis.label.set(color=SOFT, fontsize=10.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#c3ccd5")


if __name__ == "__main__":
    main()
