"""Recordings of people and instruments that nothing was trained or tuned on, with truth that is not ours.

    python recordings.py DATA [--seed 2026]      makes DATA/{voice,instrument,high,untouched}.npz
    python recordings.py DATA --check            how far the sound's own period is from what is said

`voice` and `instrument` are recordings and played notes, analysed and spoken again by WORLD (M. Morise,
F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system", IEICE Trans. E99-D,
2016) on a contour that is then exact: Harvest's and StoneMask's, where Praat hears the same. `high` is notes
above WORLD's reach, as they were rendered; f0 is Praat's within a semitone of the note. `untouched` is other
recordings as they are; f0 is what three of four classical trackers agree on (classical.py). Neither our
trackers nor swift-f0 have a part in any of it.

The recordings are Debian's (README.md names the packages), each under its own terms: they are heard here and
go nowhere. recordings.sha256 holds the digests of the arrays that the table of MODEL_CARD.md is about.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from glob import glob
from pathlib import Path

import classical
import numpy as np
import numpy.typing as npt
import pyworld
import soundfile
import sources
from batches import Pack
from classical import Doubles
from contours import Random
from scipy.signal import resample_poly
from synthesis import RATE, STEP, Clip

PROMPTS = "/usr/share/asterisk/sounds"
FILLETS = "/usr/share/games/fillets-ng/sound/*"
LANGUAGES = "ca da de el en es fi fr ga gl it lt nds nl pt ro ru sl sr sv uk wa".split()
#: Who speaks, and where the recordings are.
SPEAKERS = {
    "prompts, en and es": f"{PROMPTS}/e[ns]_*_f_Allison/**/*.g722",
    "prompts, fr-ca": f"{PROMPTS}/fr_CA_f_June/**/*.g722",
    "prompts, it": f"{PROMPTS}/it_IT_m_Carlo/**/*.g722",
    "prompts, ru": f"{PROMPTS}/ru_RU_f_IvrvoiceRU/**/*.g722",
    "telephone, it": f"{PROMPTS}/it_IT_f_Menardi/**/*.wav",
    "telephone, es-co": f"{PROMPTS}/es/*.gsm",
    "telephone, fr": f"{PROMPTS}/fr/*.gsm",
    "play, cs, big fish": f"{FILLETS}/cs/*-v-*.ogg",
    "play, cs, small fish": f"{FILLETS}/cs/*-m-*.ogg",
    "play, nl, big fish": f"{FILLETS}/nl/*-v-*.ogg",
    "play, nl, small fish": f"{FILLETS}/nl/*-m-*.ogg",
    "alsa": "/usr/share/sounds/alsa/[FRS]*.wav",
    **{f"potato, {name}": f"/usr/share/ktuberling/sounds/{name}/*.*" for name in LANGUAGES},
}
#: Voices of festival, made of recorded diphones; krb is a child's.
FESTIVAL = ("czech_krb", "czech_ph", "hy_fi_mv_diphone")

CSOUND = "/usr/share/sounds/sf2/sf_GMbank.sf2"
MUSESCORE = "/usr/share/sounds/sf3/MuseScore_General.sf3"
FREEPATS = "/etc/timidity/freepats.cfg"
#: Where it comes from, the program of General MIDI, its lowest and highest notes: what WORLD can do.
INSTRUMENTS = (
    (FREEPATS, 24, 40, 74), (FREEPATS, 25, 40, 72), (FREEPATS, 32, 28, 50), (FREEPATS, 35, 28, 52),
    (FREEPATS, 40, 55, 76), (FREEPATS, 42, 36, 67), (FREEPATS, 56, 54, 76), (FREEPATS, 57, 40, 68),
    (FREEPATS, 60, 41, 74), (FREEPATS, 65, 49, 75), (FREEPATS, 66, 44, 74), (FREEPATS, 68, 58, 76),
    (FREEPATS, 70, 34, 66), (FREEPATS, 71, 50, 76), (FREEPATS, 73, 60, 76),
    (CSOUND, 0, 36, 74), (CSOUND, 40, 55, 76), (CSOUND, 56, 54, 76), (CSOUND, 71, 50, 76),
    (MUSESCORE, 21, 53, 76), (MUSESCORE, 22, 60, 76), (MUSESCORE, 25, 40, 74), (MUSESCORE, 41, 48, 76),
    (MUSESCORE, 46, 40, 76), (MUSESCORE, 58, 28, 55), (MUSESCORE, 67, 36, 65), (MUSESCORE, 69, 52, 76),
    (MUSESCORE, 77, 58, 76), (MUSESCORE, 105, 48, 74), (MUSESCORE, 110, 55, 76),
)  # fmt: skip
HIGH = (
    (FREEPATS, 40, 77, 96), (FREEPATS, 72, 77, 96), (FREEPATS, 73, 77, 95), (FREEPATS, 74, 77, 95),
    (CSOUND, 40, 77, 96), (CSOUND, 73, 77, 95), (MUSESCORE, 72, 77, 96), (MUSESCORE, 74, 77, 95),
    (MUSESCORE, 78, 77, 95), (MUSESCORE, 79, 77, 95), (MUSESCORE, 22, 77, 90), (MUSESCORE, 110, 77, 93),
)  # fmt: skip
#: Single tones of players, and ranks of organ pipes.
TONES = [f"/usr/share/lmms/samples/instruments/{name}01.ogg" for name in ("cello", "trumpet", "flute")]
ORGAN = "/usr/share/GrandOrgue/packages/demo-*.orgue"
PIPES = ("Bourdon8", "FlHarm8", "Gamba8", "Hautbois8", "Montre8")

FINE_S = 0.005  # WORLD's frames
EDGE = 4  # of them, 20 ms, to either side of an edge are undecided


def read(path: str | Path, rate: int = RATE, demuxer: str = "") -> Doubles:
    """Any file, mono, without silence around, its peak at 0.8; nothing of what cannot be read."""
    command = ["ffmpeg", "-v", "error", *(["-f", demuxer] if demuxer else []), "-i", str(path)]
    done = subprocess.run(
        [*command, "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"], capture_output=True, check=False
    )
    x = np.frombuffer(done.stdout, "<f4").astype(float)
    peak = float(np.abs(x).max(initial=0))
    if peak < 0.02:
        return x[:0]
    heard = np.flatnonzero(np.abs(x) > 0.03 * peak)
    return x[max(0, heard[0] - rate // 20) : heard[-1] + rate // 20] * (0.8 / peak)


def joined(random: Random, parts: Iterator[Doubles], seconds: float) -> Doubles:
    """One after the other, with pauses."""
    out, frames = [np.zeros(RATE // 5)], 0
    for part in parts:
        if len(part) < 0.3 * RATE:
            continue
        pause = np.zeros(int(random.uniform(0.15, 0.4) * RATE))
        out += [part[: int(seconds * RATE)], pause]
        frames += len(out[-2])
        if frames > seconds * RATE * 0.8:
            break
    x = np.concatenate(out)
    return x + 1e-5 * random.standard_normal(len(x))


# ---- the truth by resynthesis -----------------------------------------------------------------------------


def steady(hz: Doubles, good: npt.NDArray[np.bool_]) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """What is good for 60 ms at least, smoothed over 20 ms, gaps of at most 40 ms bridged; and where it ends.

    A leap of more than 80 cents from one frame to the next is an end and a new begin.
    """
    logs = np.log2(np.maximum(hz, 1.0))
    at = np.flatnonzero(good)
    # Where a stretch ends: a long gap, or a leap that is none of a gap's.
    pauses = np.diff(at)
    leaps = np.abs(np.diff(logs[at]))
    cuts = np.flatnonzero((pauses > 8) | (leaps > 80 / 1200 * np.minimum(pauses, 4))) + 1
    contour, edges = np.zeros(len(hz)), np.zeros(len(hz), bool)
    for part in np.split(at, cuts):
        if len(part) < 12:
            continue
        begin, end = part[0], part[-1] + 1
        line = np.interp(np.arange(begin, end), part, logs[part])
        contour[begin:end] = np.exp2(
            np.convolve(np.pad(line, 2, "edge"), [0.1, 0.25, 0.3, 0.25, 0.1], "valid")
        )
        edges[[begin, end - 1]] = True
    return contour, edges


def around(there: npt.NDArray[np.bool_], reach: int) -> npt.NDArray[np.bool_]:
    """Where something is no further away than `reach`."""
    return np.convolve(there, np.ones(2 * reach + 1), mode="same") > 0


def spoken_again(x: Doubles, low: float, high: float) -> Clip | None:
    """By WORLD; None when little of it has a pitch."""
    hz = classical.harvest(x, RATE, low, high, FINE_S)
    other = classical.praat(x, RATE, low, high, FINE_S, silence=0.0)
    frames = min(len(hz), len(other))
    hz, other = hz[:frames], other[:frames]
    with np.errstate(divide="ignore", invalid="ignore"):
        good = (hz > 0) & (other > 0) & (np.abs(1200 * np.log2(hz / other)) < 60)
    contour, edges = steady(hz, good)
    times = np.arange(frames) * FINE_S
    spectrum = pyworld.cheaptrick(x, contour, times, RATE)
    # Without its own opinion on voicing: where the contour says so there are pulses.
    aperiodicity = pyworld.d4c(x, contour, times, RATE, threshold=0.0)
    y = pyworld.synthesize(contour, spectrum, aperiodicity, RATE, 1000 * FINE_S)

    power = np.convolve(y**2, np.full(320, 1 / 320), mode="same")
    level = np.sqrt(power[np.minimum(np.arange(frames) * STEP // 2, len(y) - 1)])
    level /= max(float(np.quantile(level, 0.98)), 1e-9)
    near_edge, pulses = around(edges, EDGE), around(contour > 0, EDGE)
    # Noise that was a voice once may have kept some of its pitch: there and where Praat hears one, however
    # softly, it is undecided.
    still = classical.praat(np.pad(y, (0, STEP)), RATE, low, high, FINE_S, silence=0.0)[:frames]
    was, still = around(other > 0, 2), around(still > 0, 2)
    voiced = (contour > 0) & ~near_edge & (level > 10 ** (-35 / 20))
    silent = ~pulses & ~was & ~still
    state = np.where(voiced, 1, np.where(silent, 0, -1)).astype(np.int8)[::2]
    if (state == 1).sum() < 50:
        return None
    f0 = np.where(state == 1, contour[::2], 0).astype(np.float32)
    n = min(len(y) // STEP, len(state))
    return y[: n * STEP].astype(np.float32), f0[:n], state[:n]


# ---- instruments ------------------------------------------------------------------------------------------


def play(source: str, midi: bytes, folder: Path) -> Doubles:
    """Played by FluidSynth or TiMidity++, at 44.1 kHz."""
    score, out = folder / "play.mid", folder / "play.wav"
    score.write_bytes(midi)
    if source.endswith(".cfg"):
        command = ["timidity", "-c", source, "--reverb=d", "--chorus=d", "-A80", "-Ow", "-o", str(out)]
    else:
        command = ["fluidsynth", "-niq", "-R0", "-C0", "-g0.5", "-r44100", "-F", str(out), source]
    subprocess.run([*command, str(score)], check=True, capture_output=True)
    x, _ = soundfile.read(out, always_2d=True)
    return x.mean(axis=1)


def pipes(folder: Path) -> dict[str, list[Doubles]]:
    """Of every rank, its pipes from A1 to E5, whole tones of at most two seconds."""
    found: dict[str, list[Doubles]] = {name: [] for name in PIPES}
    for archive in glob(ORGAN):
        with zipfile.ZipFile(archive) as file:
            for name in sorted(file.namelist()):
                rank, _, pipe = name.partition("/")
                if rank in found and pipe[:3].isdigit() and 33 <= int(pipe[:3]) <= 76:
                    (folder / "pipe.wv").write_bytes(file.read(name))
                    found[rank].append(read(folder / "pipe.wv", demuxer="wv")[: 2 * RATE])
    return found


def high_notes(random: Random, source: str, program: int, low: int, high: int, folder: Path) -> Clip | None:
    """As rendered, with Praat's f0 near each note's; None when its sound is elsewhere."""
    events = sources.note_events(random, low, high, 6.0)
    fine = play(source, sources.midi_file(program, events), folder)
    x = resample_poly(fine, 160, 441)
    frames = len(x) // STEP
    f0, state = np.zeros(frames, np.float32), np.full(frames, -1, np.int8)
    level = np.sqrt(np.convolve(x**2, np.full(320, 1 / 320), mode="same")[: frames * STEP : STEP])
    level /= level.max()
    state[level < 1e-4] = 0
    shares = []
    for start, end, note, _ in events:
        nominal = 440 * 2 ** ((note - 69) / 12)
        first, last = round(start * 100) + 3, min(round(end * 100) - 2, frames)
        begin = max(0, first * 441 - 4410)
        if last - first < 5:
            continue
        stretch = fine[begin : last * 441 + 4410]
        course = classical.praat(stretch, 44_100, nominal * 0.94, nominal * 1.06, 0.01)
        course = course[(first * 441 - begin) // 441 :][: last - first]
        good = (course > 0) & (level[first : first + len(course)] > 10 ** (-35 / 20))
        shares.append(good.mean())
        state[first : first + len(course)] = np.where(good, 1, -1)
        f0[first : first + len(course)] = np.where(good, course, 0)
    return (x[: frames * STEP].astype(np.float32), f0, state) if shares and np.mean(shares) > 0.6 else None


# ---- the sets ---------------------------------------------------------------------------------------------


def random_for(seed: int, name: str) -> Random:
    """What one clip draws is none of the others' business: packages may be missing."""
    return np.random.default_rng([seed, *name.encode()])


def people(seed: int, folder: Path) -> Iterator[tuple[str, list[Doubles]]]:
    """Every speaker's clips, no recording in two of them."""
    for name, pattern in SPEAKERS.items():
        random = random_for(seed, name)
        paths = sorted(path for path in glob(pattern, recursive=True) if Path(path).stat().st_size > 2_000)
        random.shuffle(paths)
        parts = map(read, paths)
        yield name, [joined(random, parts, 5.0) for _ in range(3)]
    for voice in FESTIVAL:
        random = random_for(seed, voice)
        parts = iter([x.astype(float) for x in sources.festival(random, folder, voice, 6)])
        yield voice, [joined(random, parts, 5.0) for _ in range(3)]


def make(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    voices, instruments, high, untouched = [], [], [], []

    def as_it_is(x: Doubles, low: float, highest: float) -> None:
        f0, state = classical.consensus(x, RATE, low, highest, STEP / RATE)
        if (state == 1).sum() >= 50:
            untouched.append((x.astype(np.float32), f0.astype(np.float32), state))

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for who, clips in people(seed, scratch):
            kept = [clip for x in clips[:2] if (clip := spoken_again(x, 50, 700)) is not None]
            voices += kept
            if len(clips[2]) > 2 * RATE:
                as_it_is(clips[2], 50, 700)
            tell(who, kept)
        for source, program, low, highest in INSTRUMENTS:
            random = random_for(seed, f"{Path(source).stem} {program}")
            events = sources.note_events(random, low, highest, 7.0)
            x = resample_poly(play(source, sources.midi_file(program, events), scratch), 160, 441)
            x = x + 1e-5 * random.standard_normal(len(x))
            reach = 440 * 2 ** ((low - 72) / 12), 440 * 2 ** ((highest - 66) / 12)
            if (clip := spoken_again(x, *reach)) is not None:
                instruments.append(clip)
                tell(f"{Path(source).stem} {program}", [clip])
        tones = {Path(path).stem: [read(path)[: 4 * RATE]] for path in TONES if Path(path).exists()}
        for player, notes in (tones | pipes(scratch)).items():
            random = random_for(seed, player)
            random.shuffle(notes)
            x = joined(random, iter(notes), 9.0)
            if (clip := spoken_again(x, 60, 800)) is not None:
                instruments.append(clip)
                tell(player, [clip])
            as_it_is(x, 60, 800)
        for source, program, low, highest in HIGH:
            random = random_for(seed, f"high {Path(source).stem} {program}")
            clip = high_notes(random, source, program, low, highest, scratch)
            if clip is not None:
                high.append(clip)
                tell(f"high {Path(source).stem} {program}", [clip])
    sets = {"voice": voices, "instrument": instruments, "high": high, "untouched": untouched}
    for name, clips in sets.items():
        sources.pack(clips, folder / f"{name}.npz")


def tell(name: str, clips: list[Clip]) -> None:
    pitches = [hz for _, f0, state in clips for hz in f0[state == 1]]
    middle = f"median {np.median(pitches):.0f} Hz" if pitches else "nothing"
    print(f"{name}: {len(clips)} clips, {middle}", flush=True)


def digests(folder: Path) -> str:
    """Of every array of every set, a line."""
    lines = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            for key in sorted(file.files):
                array = np.ascontiguousarray(file[key])
                digest = hashlib.sha256(array.tobytes()).hexdigest()
                lines.append(f"{digest}  {path.stem}.{key} {array.dtype} {len(array)}")
    return "\n".join(lines) + "\n"


# ---- is it true? ------------------------------------------------------------------------------------------


def periods(x: Doubles, f0: Doubles, state: Doubles) -> tuple[Doubles, Doubles]:
    """At voiced results: how far the sound's own period is, in cents, and how f0 moves, in cents a ms.

    The period is where two stretches of four periods, to either side of the result's time, are most alike.
    """
    up = resample_poly(x.astype(float), 8, 1)
    cents, slopes = [], []
    for i in np.flatnonzero(state == 1):
        if i < 3 or i > len(state) - 4 or (state[i - 1 : i + 2] != 1).any():
            continue
        period = 8 * RATE / f0[i]
        half = int(2 * period)
        lags = np.arange(int(period * 0.93), int(period * 1.07) + 2)
        middle = i * STEP * 8
        if middle - half - lags[-1] < 0 or middle + half + lags[-1] >= len(up):
            continue
        score = []
        for lag in lags:
            a = up[middle - lag // 2 - half :][: 2 * half]
            b = up[middle - lag // 2 + lag - half :][: 2 * half]
            score.append(a @ b / np.sqrt((a @ a) * (b @ b) + 1e-12))
        best = int(np.clip(np.argmax(score), 1, len(lags) - 2))
        a, b, c = score[best - 1 : best + 2]
        lag = lags[best] + np.clip(0.5 * (a - c) / min(a - 2 * b + c, -1e-12), -1, 1)
        cents.append(1200 * np.log2(8 * RATE / lag / f0[i]))
        slopes.append(1200 * np.log2(f0[i + 1] / f0[i - 1]) / 20)
    return np.array(cents), np.array(slopes)


def check(folder: Path) -> None:
    for path in sorted(folder.glob("*.npz")):
        found = [periods(x, f0, state) for x, f0, state in Pack(path)]
        cents, slopes = (np.concatenate([each[i] for each in found]) for i in (0, 1))
        near = np.abs(cents) < 50
        late = -(cents[near] @ slopes[near]) / (slopes[near] @ slopes[near])
        sizes = np.abs(cents)
        print(
            f"{path.stem}: {len(cents)} results; {np.median(sizes):.1f} cents off in the median, "
            f"{np.quantile(sizes, 0.95):.1f} at 95 %, {100 * (~near).mean():.2f} % more than 50; "
            f"bias {np.mean(cents[near]):+.2f} cents; what sounds is {late:+.2f} ms late",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--check", action="store_true", help="hold the sound's own period against f0")
    parser.add_argument("--digests", action="store_true", help="print the arrays' SHA-256")
    options = parser.parse_args()
    if options.check:
        check(options.data)
    elif options.digests:
        print(digests(options.data), end="")
    else:
        make(options.data, options.seed)


if __name__ == "__main__":
    main()
