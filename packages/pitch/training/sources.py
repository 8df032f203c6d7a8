"""Sounds from outside: synthesised speech, resynthesised with exact contours, and soundfont instruments.

    python sources.py OUT [--seconds-of-speech 7000] [--seconds-of-notes 6000]

writes OUT/synthesis.npz, OUT/notes.npz and OUT/speech.npz: many clips end to end. What has to be there
(Debian packages; the terms of all of them allow any use of what they say and play): espeak-ng (its output is
the user's); festival with festvox-kallpc16k, festvox-kdlpc16k, festvox-us-slt-hts, festvox-ru (BSD-like);
flite (voices free, BSD-like); fluidsynth with fluid-soundfont-gm (MIT). The text read is made up; half of the
melodies are, the others are out of scores (`scores.py`).
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import contours
import numpy as np
import numpy.typing as npt
import scores
import soundfile
import synthesis
from contours import Doubles, Random
from scipy.signal import resample_poly
from scores import Events
from synthesis import RATE, STEP, Clip

import luthier.effects as fx
import luthier.pitch as lp

Samples = npt.NDArray[np.float32]

ESPEAK_LANGUAGES = (
    "en-us en-gb de fr es it pt-br nl sv pl cs ru hu fi tr el ro hi id vi ja cmn sw ar ko".split()
)
ESPEAK_VARIANTS = (
    "+m1 +m2 +m3 +m4 +m5 +m6 +m7 +f1 +f2 +f3 +f4 +f5 +croak +klatt +klatt2 +klatt3 +klatt4".split()
)
FESTIVAL_VOICES = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts", "msu_ru_nsh_clunits")
FLITE_VOICES = ("awb", "kal16", "slt")


def words(random: Random, count: int) -> str:
    """Words that no one has written: consonants and vowels in turn."""
    first, vowels = "b d f g h k l m n p r s t v w z sh ch st tr pl".split(), "a e i o u ee oo ai ou".split()
    last = ["", "", "n", "s", "t", "l", "m", "r", "nd", "st", "k"]
    text = []
    for _ in range(count):
        parts = [str(random.choice(first)) + str(random.choice(vowels)) for _ in range(random.integers(1, 4))]
        text.append("".join(parts) + str(random.choice(last)))
        if random.random() < 0.15:
            text[-1] += ","
    return " ".join(text) + random.choice([".", "?", "!"])


def read(path: str | Path) -> Samples:
    """A file at 16 kHz, its peak at one."""
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    x = x.mean(axis=1)
    if rate != RATE:
        divisor = np.gcd(rate, RATE)
        x = resample_poly(x, RATE // divisor, rate // divisor).astype(np.float32)
    return x / max(float(np.abs(x).max(initial=0)), 1e-9)


def espeak(random: Random, folder: Path) -> Samples:
    voice = str(random.choice(ESPEAK_LANGUAGES)) + str(random.choice(ESPEAK_VARIANTS))
    out = folder / "espeak.wav"
    command = [
        "espeak-ng",
        "-v",
        voice,
        "-p",
        str(random.integers(10, 90)),
        "-s",
        str(random.integers(110, 220)),
    ]
    subprocess.run([*command, "-w", str(out), words(random, 10)], check=True, capture_output=True)
    return read(out)


def festival(random: Random, folder: Path, voice: str, texts: int = 20) -> list[Samples]:
    script = [f"(voice_{voice})"]
    for i in range(texts):
        text = words(random, 8)
        script.append(
            f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{voice}{i}.wav" (quote riff))'
        )
    (folder / "script.scm").write_text("\n".join(script))
    subprocess.run(["festival", "-b", str(folder / "script.scm")], check=False, capture_output=True)
    return [read(p) for p in sorted(folder.glob(f"{voice}*.wav")) if soundfile.info(p).frames > 8000]


def flite(random: Random, folder: Path, voice: str) -> Samples:
    out = folder / "flite.wav"
    subprocess.run(
        ["flite", "-voice", voice, "-t", words(random, 9), str(out)], check=True, capture_output=True
    )
    return read(out)


def envelopes(x: Samples, f0: Doubles) -> Doubles:
    """(frames, 513): the smooth magnitude spectrum every 10 ms, by the true envelope's idea.

    A. Roebel and X. Rodet, "Efficient spectral envelope estimation", DAFx 2005: cepstral smoothing, repeated
    on the larger of spectrum and envelope, so that it rests on the partials' tops.
    """
    size = 1024
    window = np.hanning(800)
    padded = np.pad(x, (400, 400 + STEP))
    starts = np.arange(len(f0)) * STEP
    frames = padded[starts[:, None] + np.arange(800)[None]] * window
    log = np.log(np.maximum(np.abs(np.fft.rfft(frames, size)), 1e-5))
    order = np.clip((RATE / np.maximum(f0, 60) * 0.45).astype(int), 16, 120)
    lifter = np.zeros((len(f0), size // 2 + 1))
    n = np.arange(size // 2 + 1)
    lifter[n[None] <= order[:, None]] = 1
    target = log
    for _ in range(6):
        cepstrum = np.fft.irfft(target, size)
        half = cepstrum[:, : size // 2 + 1] * lifter
        full = np.concatenate([half, half[:, -2:0:-1]], axis=1)
        smooth = np.fft.rfft(full, size).real
        target = np.maximum(log, smooth)
    return np.exp(smooth)


def resynthesise(
    random: Random, x: Samples, *, own_contour: float = 0.5, natural: bool = False
) -> Clip | None:
    """A recording's envelope and noises under a course of f0 that is known. None when little of it is voiced.

    With `natural` the contour is the recording's own, shifted by a constant of less than a semitone: for
    evaluation.
    """
    x = np.pad(x[: len(x) // STEP * STEP], (STEP * 10, STEP * 10))
    x = x + 1e-5 * random.standard_normal(len(x)).astype(np.float32)
    pitch = lp.track(x, RATE, method="yin", fmin=55, fmax=700)
    f0, sure = pitch.f0.astype(float), pitch.confidence
    level = np.sqrt(np.convolve(x**2, np.full(400, 1 / 400), mode="same"))[::STEP]
    level = np.append(level, level[-1])[: len(f0)]
    voiced = (sure > 0.6) & (level > 0.03 * level.max())
    voiced = contours.smooth(voiced, 7) > 0.5
    if voiced.mean() < 0.15:
        return None
    # Frames that jump are none of the voice's.
    middle = np.median(f0[voiced])
    f0 = np.clip(f0, middle / 2, middle * 2)
    # At the edges of what is voiced it is not to be trusted: held from further inside.
    inside = np.convolve(voiced, np.ones(5), mode="same") > 4.5
    at = np.flatnonzero(inside if inside.any() else voiced)
    f0 = np.exp(np.interp(np.arange(len(f0)), at, np.log(f0[at])))
    f0 = np.exp(contours.smooth(np.log(f0), 7))
    log_envelope = envelopes(x, f0)

    count = (len(f0) - 1) * 10
    fine = np.arange(count) / 10
    own = np.exp(np.interp(fine, np.arange(len(f0)), np.log(f0)))
    if natural:
        new = own * np.exp2(random.uniform(-0.8, 0.8) / 12)
    elif random.random() < own_contour:
        new = middle * (own / middle) ** random.uniform(0.5, 1.8) * np.exp2(random.uniform(-1.0, 1.2))
        new = new * np.exp2(random.uniform(0, 0.006) * contours.wander(random, count, 40))
    else:
        new = contours.draw(random, count, float(np.exp(random.uniform(np.log(60), np.log(800)))))
    new = np.clip(new, 30, 2000)

    gate_ms = np.interp(fine, np.arange(len(voiced)), voiced.astype(float))
    gate_ms = contours.smooth(gate_ms > 0.5, int(random.uniform(4, 25)))
    gate = gate_ms[::10]
    formants = 1.0 if natural else float(np.exp2(random.uniform(-0.25, 0.35)))
    frames = np.arange(count // 10)

    def amplitude(hz: Doubles, _: int) -> Doubles:
        position = np.clip(hz / formants / RATE * 1024, 0, 511)
        low = position.astype(int)
        t = position - low
        # A partial's share of a window's 400 weighted samples.
        return (log_envelope[frames, low] * (1 - t) + log_envelope[frames, low + 1] * t) / 200 * gate

    jittered = new * np.exp2(
        (0 if natural else random.uniform(0, 0.012)) * contours.wander(random, count, 120)
    )
    tone = synthesis.partials(random, jittered, amplitude)
    # Of the recording, only what certainly has no pitch stays.
    noisy = (contours.smooth(sure < 0.3, 5) > 0.7) & ~voiced
    rest_ms = contours.smooth(np.interp(fine, np.arange(len(noisy)), noisy.astype(float)) > 0.7, 15)
    rest = x[: len(tone)] * synthesis.at_samples(rest_ms, len(tone))
    samples = tone + rest
    if natural or random.random() < 0.7:
        samples = samples + synthesis.breath(random, tone, -30 if natural else random.uniform(-40, -12))
    power = np.convolve(tone**2, np.hanning(320) / 160, mode="same")[::16]
    loudness = np.sqrt(np.maximum(power, 0))[:count]
    f0_out, state = synthesis.labels(new, loudness, len(samples))
    return samples.astype(np.float32), f0_out, state


def note_events(random: Random, lowest: int, highest: int, seconds: float) -> Events:
    """(start, end, note, velocity) of a melody with rests."""
    events, at, note = [], 0.2, int(random.integers(lowest, highest + 1))
    while at < seconds - 1:
        length = float(np.exp(random.uniform(np.log(0.12), np.log(1.2))))
        note = (
            note + int(random.integers(-9, 10))
            if random.random() < 0.8
            else int(random.integers(lowest, highest + 1))
        )
        note = int(np.clip(note, lowest, highest))
        events.append((at, at + length, note, int(random.integers(35, 127))))
        at += length + (float(random.uniform(0.1, 0.6)) if random.random() < 0.5 else 0.02)
    return events


def midi_file(program: int, events: Events, channel: int = 0) -> bytes:
    """A Standard MIDI File, 500 ticks to the half second."""
    timed = [(0, bytes([0xC0 | channel, program]))]
    for start, end, note, velocity in events:
        timed.append((int(start * 1000), bytes([0x90 | channel, note, velocity])))
        timed.append((int(end * 1000), bytes([0x80 | channel, note, 0])))
    timed.sort(key=lambda event: event[0])
    track, last = b"", 0
    for tick, message in timed:
        delta = tick - last
        last = tick
        number = bytes([delta & 0x7F])
        while delta := delta >> 7:
            number = bytes([delta & 0x7F | 0x80]) + number
        track += number + message
    track += b"\x83\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 500) + b"MTrk" + struct.pack(">I", len(track)) + track


def play(soundfont: str, midi: bytes, folder: Path) -> Samples:
    (folder / "play.mid").write_bytes(midi)
    command = ["fluidsynth", "-q", "-n", "-i", "-R", "0", "-C", "0", "-g", "0.5", "-r", "44100"]
    command += ["-F", str(folder / "play.wav"), soundfont, str(folder / "play.mid")]
    subprocess.run(command, check=True, capture_output=True)
    return read(folder / "play.wav")


#: Programs with one clear pitch, as (first, last, lowest note, highest note), after the instruments' ranges.
PROGRAMS = (
    (0, 7, 24, 104), (8, 14, 60, 106), (19, 23, 40, 88), (24, 31, 40, 84), (32, 39, 24, 60),
    (40, 41, 48, 96), (42, 43, 28, 72), (44, 46, 36, 84), (48, 53, 40, 84), (54, 54, 40, 80),
    (56, 60, 40, 84), (61, 63, 40, 80), (64, 67, 36, 84), (68, 71, 36, 88), (72, 79, 55, 106),
    (80, 87, 26, 106), (88, 95, 40, 84), (104, 111, 40, 84),
)  # fmt: skip


def label_notes(x: Samples, events: Events) -> tuple[Clip, float]:
    """What sounds when: the note's own course of f0 near its nominal, and how much of it was found there."""
    frames = len(x) // STEP + 1
    f0, state = np.zeros(frames, np.float32), np.zeros(frames, np.int8)
    power = np.convolve(x**2, np.full(480, 1 / 480), mode="same")[::STEP]
    level = np.sqrt(np.append(power, 0)[:frames])
    found = []
    for i, (start, end, note, _) in enumerate(events):
        nominal = 440 * 2 ** ((note - 69) / 12)
        first = round(start * 100)
        # A note that is let go rings on until the next one.
        last = round((events[i + 1][0] if i + 1 < len(events) else len(x) / RATE) * 100)
        last = min(last, frames)
        low, high = max(0, (first - 5) * STEP), min(len(x), (last + 5) * STEP)
        if last - first < 8 or high - low < 4000:
            state[max(first - 1, 0) : last] = -1
            continue
        # Not by the network: what it does not find would never be trained.
        pitch = lp.track(x[low:high], RATE, method="yin", fmin=nominal * 0.93, fmax=min(nominal * 1.07, 7900))
        shift = first - low // STEP
        course = pitch.f0[shift : shift + last - first].astype(float)
        sure = pitch.confidence[shift : shift + last - first]
        near = (np.abs(1200 * np.log2(course / nominal)) < 90) & (sure > 0.5)
        loud = level[first:last] / max(level[first:last].max(), 1e-9)
        held = np.arange(last - first) < (end - start) * 100
        found.append(float(near[held & (loud > 0.1)].mean()) if (held & (loud > 0.1)).any() else 0.0)
        on = loud > 0.04
        here = np.where(near & on, 1, np.where(~held & (loud < 0.003), 0, -1))
        # The first 20 ms of a note are an attack, not yet a pitch.
        here[:2] = -1
        state[max(first - 1, 0)] = -1
        state[first:last] = here
        f0[first:last] = np.where(here == 1, course, 0)
    return (x, f0, state), float(np.mean(found)) if found else 0.0


def notes(soundfont: str, program: int, events: Events, folder: Path) -> Clip | None:
    """A melody of one instrument; None when its sound is not at the note's pitch."""
    x = play(soundfont, midi_file(program, events), folder)
    clip, share = label_notes(x, events)
    return clip if share > 0.75 else None


#: General MIDI drums without a pitch.
DRUMS = (37, 38, 39, 40, 42, 44, 46, 49, 51, 54, 55, 57, 59, 69, 70, 82)


def drums(random: Random, soundfont: str, seconds: float, folder: Path) -> Clip:
    starts = np.cumsum(random.exponential(0.25, int(seconds * 3)) + 0.03)
    events = [
        (t, t + 0.1, int(random.choice(DRUMS)), int(random.integers(40, 127))) for t in starts if t < seconds
    ]
    x = play(soundfont, midi_file(0, events, channel=9), folder)
    frames = len(x) // STEP + 1
    return x, np.zeros(frames, np.float32), np.zeros(frames, np.int8)


def speech(random: Random, folder: Path) -> Iterator[Clip]:
    """Without end: a sentence under two contours, the next one."""
    ready: list[Samples] = []
    for voice in FESTIVAL_VOICES:
        ready += festival(random, folder, voice)
    ready += [flite(random, folder, voice) for voice in FLITE_VOICES for _ in range(20)]
    random.shuffle(ready)
    while True:
        # Mostly espeak's many voices; those that were recorded come round again.
        x = espeak(random, folder) if random.random() < 0.55 else ready[random.integers(len(ready))]
        for _ in range(2):
            if (clip := resynthesise(random, x)) is not None:
                yield clip


#: Hiss, then a codec. Rendered once, for encoding and decoding takes as long as a training step.
CODECS = fx.Chain(
    [
        fx.Maybe(
            fx.Noise(
                level_dbfs=fx.Uniform(-60, -20),
                colour=fx.Choice(["white", "pink", "brown"]),
                seed=fx.Choice(range(100)),
            )
        ),
        fx.Choice(
            [
                fx.Mp3(bitrate_kbps=fx.Choice([16, 24, 32, 48])),
                fx.Vorbis(quality=fx.Uniform(0, 3)),
                fx.Opus(bitrate_kbps=fx.LogUniform(8, 32)),
                fx.GsmFullRate(),
            ]
        ),
    ]
)


def encoded(random: Random, clips: list[Clip], share: float = 0.08) -> list[Clip]:
    """The clips, a share of them through a codec."""
    out = []
    for x, f0, state in clips:
        if random.random() < share:
            drawn = CODECS.sample(int(random.integers(1 << 62))).effect
            worn = drawn(0.7 * x / max(float(np.abs(x).max()), 1e-9), RATE)
            # What a codec leaves out has no pitch.
            out.append((worn, f0, np.where(f0 > 3400, np.minimum(state, -state), state)))
        else:
            out.append((x, f0, state))
    return out


def pack(clips: list[Clip], path: Path) -> None:
    """Clips end to end, each of whole frames, as 16 bits of its own peak."""
    samples, f0, state, ends = [], [], [], []
    total = 0
    for x, hz, known in clips:
        frames = len(x) // STEP
        x = x[: frames * STEP]
        samples.append(np.round(x / max(float(np.abs(x).max()), 1e-9) * 32_000).astype(np.int16))
        f0.append(hz[:frames])
        state.append(known[:frames])
        total += frames
        ends.append(total)
    unfinished = path.with_name("unfinished.npz")
    np.savez(
        unfinished,
        samples=np.concatenate(samples),
        f0=np.concatenate(f0),
        state=np.concatenate(state),
        ends=ends,
    )
    unfinished.rename(path)
    seconds = total / 100
    voiced = np.concatenate(state)
    print(
        f"{path.name}: {len(clips)} clips, {seconds:.0f} s, {100 * (voiced == 1).mean():.0f} % voiced",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds-of-speech", type=float, default=7000)
    parser.add_argument("--seconds-of-notes", type=float, default=6000)
    parser.add_argument("--seconds-of-synthesis", type=float, default=8000)
    parser.add_argument("--soundfont", default="/usr/share/sounds/sf2/FluidR3_GM.sf2")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(options.seed)
        clips: list[Clip] = []
        seconds = 0.0
        if options.seconds_of_synthesis:
            count = int(options.seconds_of_synthesis / 5) + 1
            clips = [synthesis.synthetic(random, 5.0) for _ in range(count)]
            pack(encoded(random, clips), options.out / "synthesis.npz")
        programs = [(p, low, high) for first, last, low, high in PROGRAMS for p in range(first, last + 1)]
        each = max(20.0, options.seconds_of_notes / (2 * len(programs) + 3))
        parts = scores.melodies(random)
        clips = []
        for program, low, high in programs:
            made_up = note_events(random, low, high, each)
            for events in (made_up, scores.events(random, parts, low, high, each)):
                clip = notes(options.soundfont, program, events, folder)
                if clip is None:
                    print(f"program {program} is not at its notes' pitch: left out", flush=True)
                else:
                    clips.append(clip)
        clips += [drums(random, options.soundfont, each, folder) for _ in range(3)]
        pack(encoded(random, clips), options.out / "notes.npz")
        clips = []
        for clip in speech(random, folder):
            clips.append(clip)
            seconds += len(clip[0]) / RATE
            if seconds > options.seconds_of_speech:
                break
        pack(encoded(random, clips), options.out / "speech.npz")


if __name__ == "__main__":
    main()
