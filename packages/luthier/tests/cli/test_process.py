"""`luthier process`: the samples, the formats, chains and presets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier.cli
import luthier.io as lio
from luthier.cli import process

from .helpers import BOARD, CHAIN, Run, one_line, signal_of


@pytest.mark.parametrize("block", [1, 1_000, process.BLOCK_SAMPLES])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_file_is_the_board_of_the_samples_exactly(
    run: Run, monkeypatch: pytest.MonkeyPatch, block: int, channels: int
) -> None:
    monkeypatch.setattr(process, "BLOCK_SAMPLES", block)
    samples = signal_of(0.25, channels=channels)
    lio.write("in.wav", samples, 16_000, subtype="FLOAT")
    assert run("process", "in.wav", "out.wav", "--chain", CHAIN)[0] == 0
    result, rate = lio.read("out.wav")
    assert rate == 16_000
    assert lio.info("out.wav").subtype == "FLOAT"
    np.testing.assert_array_equal(result, BOARD(samples, 16_000))


def test_tail_keeps_what_rings_on(run: Run) -> None:
    lio.write("in.wav", signal_of(), 16_000, subtype="FLOAT")
    assert run("process", "in.wav", "out.wav", "--tail", "--chain", CHAIN)[0] == 0
    result, _ = lio.read("out.wav")
    wanted = BOARD(signal_of(), 16_000, tail=True)
    assert result.shape[1] > 16_000
    np.testing.assert_array_equal(result, wanted)


class Late:
    """A stream that is late: what a latency is, as plainly as it can be said."""

    def __init__(self, channels: int, dtype: str, latency: int, tail: int) -> None:
        self.latency = latency
        self.line = np.zeros((channels, latency), dtype)
        self.ring = tail

    def process(self, block: Any, out: Any = None) -> Any:
        joined = np.concatenate([self.line, block], axis=1)
        result, self.line = joined[:, : block.shape[1]], joined[:, block.shape[1] :]
        return result

    def flush(self) -> Any:
        return self.process(np.zeros((self.line.shape[0], self.latency + self.ring), self.line.dtype))


@pytest.mark.parametrize("latency", [0, 1, 100, 16_000, 50_000])
@pytest.mark.parametrize("tail", [False, True])
def test_latency_is_taken_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, latency: int, tail: bool
) -> None:
    class Delayed:
        def stream(self, rate: float, channels: int, dtype: str) -> Late:
            return Late(channels, dtype, latency, tail=500)

    monkeypatch.setattr(process, "BLOCK_SAMPLES", 777)
    progress = luthier.cli.each_file.Progress(quiet=True)
    effect: Any = Delayed()
    process.process_file(Path("tone.wav"), Path("out.wav"), effect, progress, tail=tail, subtype=None)
    before, after = lio.read("tone.wav").samples, lio.read("out.wav").samples
    assert after.shape[1] == before.shape[1] + (500 if tail else 0)
    np.testing.assert_array_equal(after[:, : before.shape[1]], before)
    assert not after[:, before.shape[1] :].any()


def test_double_precision_files_are_processed_in_double_precision(run: Run) -> None:
    samples = signal_of().astype(np.float64) / 3
    lio.write("in.wav", samples, 16_000, subtype="DOUBLE")
    assert run("process", "in.wav", "out.wav", "--chain", CHAIN)[0] == 0
    np.testing.assert_array_equal(lio.read("out.wav", dtype="float64").samples, BOARD(samples, 16_000))


@pytest.mark.parametrize(
    ("target", "options", "subtype"),
    [
        ("out.wav", [], "PCM_24"),
        ("out.flac", [], "PCM_24"),
        ("out.wav", ["--subtype", "FLOAT"], "FLOAT"),
        ("out.flac", ["--subtype", "pcm_16"], "PCM_16"),
        ("out.ogg", [], "VORBIS"),
    ],
)
def test_samples_are_stored_as_before_where_the_format_can(
    run: Run, target: str, options: list[str], subtype: str
) -> None:
    lio.write("in.wav", signal_of(), 16_000, subtype="PCM_24")
    assert run("process", "in.wav", target, "--chain", "gain", *options)[0] == 0
    assert lio.info(target).subtype == subtype


def test_an_empty_recording_stays_empty(run: Run) -> None:
    lio.write("in.wav", np.zeros((2, 0), np.float32), 16_000)
    assert run("process", "in.wav", "out.wav", "--chain", CHAIN)[0] == 0
    assert lio.info("out.wav").frames == 0


def test_clipping_is_told(run: Run) -> None:
    assert "CLIPPED" in run("process", "tone.wav", "loud.wav", "--chain", "gain(20)")[1]
    out = run("process", "tone.wav", "kept.wav", "--chain", "gain(20)", "--subtype", "FLOAT")[1]
    assert "CLIPPED" not in out
    assert "peak +14.0 dBFS" in out


def test_a_preset_is_the_json_of_an_effect(run: Run, folder: Path) -> None:
    (folder / "voice.json").write_text(BOARD.to_json())
    assert run("process", "tone.wav", "a.wav", "--preset", "voice.json")[0] == 0
    assert run("process", "tone.wav", "b.wav", "--chain", CHAIN)[0] == 0
    np.testing.assert_array_equal(lio.read("a.wav").samples, lio.read("b.wav").samples)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no.json: No such file or directory"),
        (b"{", "no.json: not JSON"),
        (b"[]", "an effect's data must be a mapping, got list"),
        (b'{"effect": "Nonsense"}', "Nonsense"),
        (b'{"effect": "Gain", "gain_db": 1000}', "Gain.gain_db must be a number from -120 to 60 dB"),
        (b"\xff\xfe", "not JSON, which is text in UTF-8"),
    ],
)
def test_a_bad_preset_is_a_usage_error(run: Run, folder: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (folder / "no.json").write_bytes(content)
    code, _, err = run("process", "tone.wav", "out.wav", "--preset", "no.json")
    assert code == 2
    assert message in one_line(err)
    assert "no.json" in err
    assert not (folder / "out.wav").exists()
