"""`luthier pitch`: tracking in pieces, the summary, CSV, plots."""

from pathlib import Path

import numpy as np
import pytest

import luthier.io as lio
import luthier.pitch as lp
from luthier.cli import tracking

from .helpers import Run, console, names, one_line, signal_of


@pytest.mark.parametrize("rate", [8_000, 44_100])
@pytest.mark.parametrize("hop_s", [0.01, 0.016, 1 / 3, 0.0123])
@pytest.mark.parametrize("seconds", [1.5, 2.0, 4.0, 4.3])
def test_tracking_in_pieces_is_tracking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rate: int, hop_s: float, seconds: float
) -> None:
    monkeypatch.setattr(tracking, "PIECE_S", 2)
    t = np.arange(round(seconds * rate)) / rate
    glide = np.sin(2 * np.pi * (150 * t + 20 * t**2)) + 0.01 * np.random.default_rng(0).standard_normal(
        t.size
    )
    lio.write("glide.wav", glide, rate, subtype="FLOAT")
    samples = lio.read("glide.wav").samples[0]
    heard: list[float] = []
    with lio.open("glide.wav") as reader:
        tracked = tracking.track(reader, None, hop_s=hop_s, fmin=60.0, fmax=700.0, advance=heard.append)
    wanted = lp.track(samples, rate, hop_s=hop_s, fmin=60.0, fmax=700.0)
    np.testing.assert_array_equal(tracked.pitch.times, wanted.times)
    np.testing.assert_array_equal(tracked.pitch.voiced, wanted.voiced)
    np.testing.assert_allclose(tracked.pitch.f0, wanted.f0, rtol=1e-5)
    np.testing.assert_allclose(tracked.pitch.confidence, wanted.confidence, atol=1e-4)
    assert sum(heard) == pytest.approx(seconds)
    assert tracked.envelope.high.max() == samples.max()
    assert tracked.envelope.low.min() == samples.min()


@pytest.mark.parametrize("frames", [1, 7, 1_999, 2_000, 2_001, 50_000])
def test_the_envelope_of_pieces_holds_every_sample(frames: int) -> None:
    samples = np.random.default_rng(frames).uniform(-1, 1, frames)
    whole, pieces = tracking.Envelope(frames), tracking.Envelope(frames)
    whole.add(samples)
    for piece in np.array_split(samples, 13):
        pieces.add(piece)
    np.testing.assert_array_equal(pieces.low, whole.low)
    np.testing.assert_array_equal(pieces.high, whole.high)
    for i, sample in enumerate(samples):
        column = i * whole.low.size // frames
        assert whole.low[column] <= sample <= whole.high[column]
    assert whole.high.max() == max(samples.max(), 0)
    assert whole.low.min() == min(samples.min(), 0)


def test_pitch_of_a_file_with_holes_says_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "PIECE_S", 1)
    with lio.Writer("in.wav", 8_000, channels=1, subtype="FLOAT") as writer:
        writer.write(np.zeros(40_000, np.float32))
    data = bytearray(Path("in.wav").read_bytes())
    data[-4 * 10_000 : -4 * 10_000 + 4] = np.float32(np.nan).tobytes()
    Path("in.wav").write_bytes(data)
    code, _, err = run("pitch", "in.wav")
    assert code == 1
    assert one_line(err) == (
        "luthier: in.wav: holds an infinity or a not-a-number at frame 30000, which has no pitch"
    )
    told = console("process", "in.wav", "out.wav", "--chain", "gain")
    assert told.returncode == 0
    assert one_line(told.stderr).startswith("luthier: warning: the signal held infinities")


def test_pitch_summary(run: Run) -> None:
    code, out, err = run("pitch", "tone.wav", "--method", "yin")
    assert (code, err) == (0, "")
    assert one_line(out).startswith("tone.wav: 1.000 s, 100 % voiced, median f0 220.0 Hz (90 % between")


def test_pitch_csv_is_that_of_the_library(run: Run, folder: Path) -> None:
    assert run("pitch", "tone.wav", "--csv", "f0.csv", "--hop-s", "0.02", "--fmax", "1000")[0] == 0
    samples, rate = lio.read("tone.wav")
    lp.track(samples.mean(axis=0), rate, hop_s=0.02, fmax=1_000.0).to_csv("wanted.csv")
    assert (folder / "f0.csv").read_text() == (folder / "wanted.csv").read_text()
    code, out, err = run("pitch", "tone.wav", "--csv", "-", "--hop-s", "0.02", "--fmax", "1000")
    assert (code, err) == (0, "")
    assert out == (folder / "wanted.csv").read_text()


def test_pitch_by_every_method_with_its_options(run: Run, folder: Path) -> None:
    samples, rate = lio.read("tone.wav")
    for method, options, texts in (
        ("mpm", {"cutoff": 0.8}, ["cutoff=0.8"]),
        ("swipe", {"whiten": True}, ["whiten=true"]),
        (
            "pyin",
            {"beta_parameters": (1, 18), "lookahead_s": 0.1},
            ["beta_parameters=1,18", "lookahead_s=0.1"],
        ),
        ("autocorrelation", {}, []),
    ):
        given = [part for text in texts for part in ("--option", text)]
        code, _, err = run("pitch", "tone.wav", "--csv", "f0.csv", "--overwrite", "--method", method, *given)
        assert (code, err) == (0, "")
        lp.track(samples.mean(axis=0), rate, method=method, **options).to_csv("wanted.csv")
        assert (folder / "f0.csv").read_text() == (folder / "wanted.csv").read_text()


@pytest.mark.parametrize("size", [100, 7_919, 100_000])
def test_the_spectrogram_does_not_depend_on_the_pieces(size: int) -> None:
    samples = signal_of(2.0, rate=16_000)[0]
    whole, pieces = (tracking.Spectrogram(samples.size, 16_000) for _ in range(2))
    whole.add(samples)
    for start in range(0, samples.size, size):
        pieces.add(samples[start : start + size])
    for spectrogram in (whole, pieces):
        spectrogram.end()
    np.testing.assert_allclose(pieces.levels, whole.levels)
    # The loudest row is the tone's own, of 220 Hz, within the width of a bin.
    row = whole.levels[:, whole.levels.shape[1] // 2].argmax()
    assert abs(whole.hertz[row] - 220) < 16


def test_pitch_of_one_channel(run: Run) -> None:
    t = np.arange(16_000) / 16_000
    two = np.stack([np.sin(2 * np.pi * 220 * t), np.sin(2 * np.pi * 330 * t)]).astype(np.float32)
    lio.write("two.wav", two, 16_000)
    assert "median f0 330.0 Hz" in run("pitch", "two.wav", "--channel", "2")[1]
    code, _, err = run("pitch", "two.wav", "--channel", "3")
    assert code == 1
    assert one_line(err) == "luthier: two.wav: --channel must be from 1 to 2, got 3"


def test_pitch_of_nothing(run: Run) -> None:
    lio.write("silence.wav", np.zeros((1, 16_000), np.float32), 16_000)
    lio.write("empty.wav", np.zeros((1, 0), np.float32), 16_000)
    code, out, _ = run("pitch", "silence.wav", "empty.wav", "--plot", "{stem}.svg")
    assert code == 0
    assert out == "silence.wav: 1.000 s, no pitch found\nempty.wav: 0.000 s, empty\n"


def test_pitch_of_telephone_speech_needs_no_options(run: Run) -> None:
    lio.write("phone.wav", signal_of(0.5, rate=2_000), 2_000)
    assert "median f0 220.0 Hz" in run("pitch", "phone.wav")[1]


def test_pitch_of_many(run: Run, many: Path) -> None:
    code, out, err = run("pitch", "?.wav", "--csv", "out/", "--plot", "deep/{stem}-f0.png")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 3
    assert names(many / "out") == ["a.csv", "b.csv", "c.csv"]
    for name in ("a", "b", "c"):
        assert (many / "deep" / f"{name}-f0.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["tone.wav", "x.wav", "--method", "guess"], 2, "luthier: method must be one of"),
        (["tone.wav", "x.wav", "--fmin", "500", "--fmax", "100"], 2, "luthier: fmin must be below fmax"),
        (["tone.wav", "x.wav", "--fmin", "0"], 2, "luthier: fmin must be at least 5 Hz"),
        (["tone.wav", "x.wav", "--fmin", "nan"], 2, "luthier: fmin must be a finite number, got nan"),
        (["tone.wav", "x.wav", "--option", "whiten"], 2, "luthier: --option takes NAME=VALUE"),
        (["tone.wav", "x.wav", "--option", "fmin=3"], 2, "luthier: --option takes NAME=VALUE"),
        (["tone.wav", "x.wav", "--option", "cutoff=a"], 2, "luthier: --option cutoff takes numbers, true or"),
        (
            ["tone.wav", "x.wav", "--method", "yin", "--option", "cutoff=1"],
            2,
            "luthier: method 'yin' has no opt",
        ),
        (["tone.wav", "x.wav", "--hop-s", "0"], 2, "luthier: hop_s must be above 0"),
        (["tone.wav", "x.wav", "--channel", "0"], 2, "luthier: --channel counts from 1, got 0"),
        (["tone.wav", "--fmax", "9000"], 1, "tone.wav: fmax must be at most half the sample rate"),
        (["tone.wav", "--hop-s", "1e-6"], 1, "tone.wav: hop_s must be at least one sample"),
        (["tone.wav", "--plot", "f0.xyz"], 2, "f0.xyz: a picture's name ends in .png, .svg or .pdf"),
        (["tone.wav", "--plot", "-"], 2, "pipes are not supported"),
        (
            ["tone.wav", "--csv", "new/", "--plot", "gone/f0.png"],
            2,
            "the output folder 'gone' does not exist",
        ),
        (["-"], 2, "pipes are not supported"),
        (["tone.wav", "--csv", "tone.wav"], 2, "tone.wav is an input"),
        (["tone.wav", "tone.wav", "x.wav", "--csv", "-"], 2, "--csv - takes one input, got 2"),
        (["tone.wav", "x.wav", "--csv", "f0.csv"], 2, "2 inputs need an output that is a directory"),
        (["tone.wav", "--csv", "there.csv"], 1, "there.csv: exists already; --overwrite replaces it"),
    ],
)
def test_pitch_errors(run: Run, folder: Path, arguments: list[str], code: int, message: str) -> None:
    (folder / "there.csv").touch()
    before = names(folder)
    got, out, err = run("pitch", *arguments)
    assert got == code
    assert out == ""
    assert message in one_line(err)
    assert names(folder) == before


def test_a_plot_without_matplotlib_names_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run("pitch", "tone.wav", "--plot", "f0.png")
    assert code == 1
    assert one_line(err) == "luthier: --plot needs matplotlib; install it with: pip install 'luthier[plot]'"
