"""The result: conversions, the CSV file, and what is printed."""

import csv
import os
import stat
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import luthier.pitch as lp
from luthier.core import LayoutError, MissingDependencyError, ParameterError


def result(*shape: int) -> lp.Pitch:
    frames = shape[-1]
    f0 = np.linspace(100, 400, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    confidence = np.linspace(0, 1, f0.size, dtype=np.float32).reshape(shape)
    return lp.Pitch(np.arange(frames) * 0.01, f0, confidence >= 0.5, confidence)


def test_is_a_tuple_in_the_promised_order() -> None:
    pitch = result(5)
    times, f0, voiced, confidence = pitch
    assert times is pitch.times
    assert f0 is pitch.f0
    assert voiced is pitch.voiced
    assert confidence is pitch.confidence


def test_midi_and_cents() -> None:
    f0 = np.array([440.0, 220.0, 261.6255653005986, 466.1637615180899])
    pitch = lp.Pitch(np.arange(4) * 0.01, f0, np.ones(4, np.bool_), np.ones(4))
    np.testing.assert_allclose(pitch.midi, [69, 57, 60, 70], atol=1e-9)
    np.testing.assert_allclose(pitch.cents(220.0), [1200, 0, 300, 1300], atol=1e-7)
    np.testing.assert_allclose(pitch.cents(f0), 0)
    assert result(2, 3).midi.shape == (2, 3)


@pytest.mark.parametrize("reference", [0.0, -1.0, np.nan, np.inf, [440.0, 0.0]])
def test_a_reference_must_be_positive(reference: object) -> None:
    with pytest.raises(ParameterError, match="reference_hz must be positive and finite"):
        result(2).cents(reference)


def test_csv_of_one_channel(tmp_path: Path) -> None:
    pitch = result(4)
    pitch.to_csv(tmp_path / "pitch.csv")
    text = (tmp_path / "pitch.csv").read_bytes()
    assert text == (
        b"time_s,f0_hz,voiced,confidence\n0,100,0,0\n0.01,200,0,0.333333\n0.02,300,1,0.666667\n0.03,400,1,1\n"
    )


@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 3), ["channel"]), ((2, 2, 3), ["batch", "channel"]), ((1, 3), ["channel"])]
)
def test_csv_of_many(tmp_path: Path, shape: tuple[int, ...], axes: list[str]) -> None:
    pitch = result(*shape)
    pitch.to_csv(str(tmp_path / "pitch.csv"))
    with open(tmp_path / "pitch.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [*axes, "time_s", "f0_hz", "voiced", "confidence"]
    assert len(rows) == pitch.f0.size
    for row, place in zip(rows, np.ndindex(*shape), strict=True):
        assert [int(i) for i in row[: len(axes)]] == list(place[:-1])
        assert float(row[-4]) == pytest.approx(pitch.times[place[-1]])
        assert float(row[-3]) == pytest.approx(float(pitch.f0[place]), rel=1e-6)
        assert row[-2] == str(int(pitch.voiced[place]))
        assert float(row[-1]) == pytest.approx(float(pitch.confidence[place]), abs=1e-6)


def test_csv_replaces_a_file_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    path.write_text("old")
    path.chmod(0o640)
    result(3).to_csv(path)
    assert path.read_text().startswith("time_s")
    assert [p.name for p in tmp_path.iterdir()] == ["pitch.csv"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_csv_that_fails_leaves_no_file_and_the_old_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "pitch.csv"
    path.write_text("old")
    good = result(3)
    with pytest.raises(ValueError, match="zip"):
        good._replace(confidence=good.confidence[:2]).to_csv(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["pitch.csv"]
    absent = tmp_path / "absent" / "pitch.csv"
    with pytest.raises(FileNotFoundError) as missing:
        good.to_csv(absent)
    assert missing.value.filename == str(absent)
    assert str(absent) in str(missing.value)
    with pytest.raises(OSError) as taken:
        good.to_csv(tmp_path)
    assert (taken.value.filename, taken.value.filename2) == (str(tmp_path), None)


def test_between_takes_the_frames_of_a_time() -> None:
    pitch = result(2, 100)
    part = pitch.between(0.3, 0.5)
    np.testing.assert_array_equal(part.times, pitch.times[30:50])
    np.testing.assert_array_equal(part.f0, pitch.f0[:, 30:50])
    np.testing.assert_array_equal(part.voiced, pitch.voiced[:, 30:50])
    np.testing.assert_array_equal(part.confidence, pitch.confidence[:, 30:50])
    assert pitch.between(2.0, 3.0).times.size == pitch.between(0.5, 0.5).times.size == 0
    whole = pitch.between(-1.0, 9.0)
    assert whole.times.size == 100


def test_pieces_are_joined() -> None:
    pitch = result(2, 10)
    parts = [pitch.between(0.0, 0.03), pitch.between(0.03, 0.03), pitch.between(0.03, 1.0)]
    for joined, whole in zip(lp.Pitch.concatenate(parts), pitch, strict=True):
        np.testing.assert_array_equal(joined, whole)
    assert lp.Pitch.concatenate([]).f0.shape == (0,)
    with pytest.raises(LayoutError, match=r"pieces must have the same channels, got \[\(\), \(2,\)\]"):
        lp.Pitch.concatenate([result(2, 3), result(3)])


@pytest.mark.parametrize(
    ("shape", "axes"), [((4,), []), ((2, 3), ["channel"]), ((2, 2, 3), ["batch", "channel"])]
)
def test_a_dataframe_has_the_rows_of_the_csv(tmp_path: Path, shape: tuple[int, ...], axes: list[str]) -> None:
    pandas = pytest.importorskip("pandas")
    pitch = result(*shape)
    frame = pitch.to_dataframe()
    assert list(frame.columns) == [*axes, "time_s", "f0_hz", "voiced", "confidence"]
    pitch.to_csv(tmp_path / "pitch.csv")
    read = pandas.read_csv(tmp_path / "pitch.csv")
    np.testing.assert_allclose(frame.to_numpy(np.float64), read.to_numpy(np.float64), rtol=1e-5)


def test_a_plot_draws_voiced_frames() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    f0 = np.array([100.0, 101.0, 102.0, 240.0, 241.0, 242.0])
    pitch = lp.Pitch(np.arange(6) * 0.01, f0, np.array([0, 1, 1, 1, 1, 0], bool), np.ones(6))
    ax = Figure().add_subplot()
    assert pitch.plot(ax, color="red") is ax
    (line,) = ax.lines
    x, y = line.get_data()
    # One break at the leap, and none of the unvoiced.
    np.testing.assert_array_equal(y[np.isfinite(y)], [101, 102, 240, 241])
    assert np.isnan(x).sum() == 1
    assert line.get_color() == "red"
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize(("name", "call"), [("pandas", "to_dataframe"), ("matplotlib.pyplot", "plot")])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, call: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=f"needs {name.partition('.')[0]}; install it with"):
        getattr(result(3), call)()


def test_repr() -> None:
    assert repr(result(4)) == "Pitch(4 frames to 0.03 s, 50 % voiced, median f0 350.0 Hz)"
    assert repr(result(2, 3)) == "Pitch(2 x 3 frames to 0.02 s, 50 % voiced, median f0 340.0 Hz)"
    silent = result(4)._replace(voiced=np.zeros(4, np.bool_))
    assert repr(silent) == "Pitch(4 frames to 0.03 s, 0 % voiced)"
    assert repr(result(0)) == "Pitch(0 frames)"
    assert repr(result(2, 0)) == "Pitch(2 x 0 frames)"


@pytest.mark.parametrize("shape", [(4,), (1,), (0,), (2, 50), (2, 2, 9), (5_000,)])
def test_html_is_well_formed_and_small(shape: tuple[int, ...]) -> None:
    html = result(*shape)._repr_html_()
    figure = ET.fromstring(html)
    assert figure.findtext("figcaption") == repr(result(*shape))
    assert len(html) < 60_000
    if np.prod(shape) > 1:
        assert figure.find("svg/path") is not None
