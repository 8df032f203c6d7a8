"""The command line: every command, every error in one line, and what is left on the disk."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier.cli
import luthier.effects as fx
import luthier.io as lio
import luthier.pitch as lp
from luthier.cli import main, process, tracking

CHAIN = "gain(-6) | compressor(threshold_db=-18, ratio=3) | reverb(room_size=0.3)"
BOARD = fx.Chain([fx.Gain(-6), fx.Compressor(threshold_db=-18, ratio=3), fx.Reverb(room_size=0.3)])

Run = Callable[..., tuple[int, str, str]]


def signal_of(seconds: float = 1.0, rate: int = 16_000, channels: int = 2) -> Any:
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * 220 * t) * np.exp(-t)
    return np.stack([tone * (c + 1) / channels for c in range(channels)]).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a stereo tone.wav (16-bit) in it."""
    monkeypatch.chdir(tmp_path)
    lio.write("tone.wav", signal_of(), 16_000)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call main() and return exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, told.err

    return call


def one_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text.rstrip()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The installed command


def console(*arguments: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
    script = Path(sys.executable).with_name("luthier")
    return subprocess.run([script, *arguments], capture_output=True, text=True, timeout=60, **settings)


def test_the_console_script_is_installed(folder: Path) -> None:
    told = console("--version")
    assert (told.returncode, told.stdout, told.stderr) == (0, f"luthier {luthier.cli.__version__}\n", "")
    told = console("process", "tone.wav", "out.wav", "--chain", CHAIN)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("tone.wav -> out.wav: 1.000 s, ")
    told = console("info", "none.wav")
    assert (told.returncode, told.stdout) == (1, "")
    assert one_line(told.stderr).startswith("luthier: none.wav: ")


def test_it_runs_as_a_module(folder: Path) -> None:
    told = subprocess.run([sys.executable, "-m", "luthier.cli", "info", "tone.wav"], capture_output=True)
    assert told.returncode == 0


def test_a_reader_that_stops_early_is_no_error(folder: Path) -> None:
    script = Path(sys.executable).with_name("luthier")
    lio.write("long.wav", np.zeros((1, 60 * 8_000), np.float32), 8_000)
    told = subprocess.run(
        f"{script} pitch long.wav --csv - | head -n 1", shell=True, capture_output=True, text=True
    )
    assert told.stdout == "time_s,f0_hz,voiced,confidence\n"
    assert told.stderr == ""


# info


def test_info(run: Run) -> None:
    lio.write("long.flac", np.zeros((1, 70 * 8_000), np.float32), 8_000)
    assert run("info", "tone.wav", "long.flac") == (
        0,
        (
            "tone.wav: WAV PCM_16, 16000 Hz, stereo, 16000 frames, 1.000 s\n"
            "long.flac: FLAC PCM_16, 8000 Hz, mono, 560000 frames, 1:10.0\n"
        ),
        "",
    )


def test_info_as_json(run: Run) -> None:
    code, out, _ = run("info", "--json", "tone.wav")
    assert code == 0
    assert json.loads(out) == {
        "path": "tone.wav",
        "format": "WAV",
        "subtype": "PCM_16",
        "sample_rate": 16_000,
        "channels": 2,
        "frames": 16_000,
        "report": None,
        "duration": 1.0,
    }


def test_info_tells_of_damage_that_shows_without_decoding(run: Run, folder: Path) -> None:
    (folder / "cut.wav").write_bytes(Path("tone.wav").read_bytes()[:-40])
    code, out, err = run("info", "cut.wav")
    assert (code, err) == (0, "")
    assert out.endswith("16000 frames, 1.000 s; damaged from frame 15990 on: its audio is cut short\n")
    assert json.loads(run("info", "--json", "cut.wav")[1])["report"]["frame"] == 15_990


def test_one_bad_file_does_not_stop_the_others(run: Run, folder: Path) -> None:
    (folder / "bad.wav").write_bytes(b"no audio in here, but some text")
    (folder / "empty.wav").touch()
    code, out, err = run("info", "bad.wav", "none.wav", "empty.wav", "tone.wav")
    assert code == 1
    assert out.startswith("tone.wav: WAV")
    told = err.splitlines()
    assert [line.split(":")[1] for line in told] == [" bad.wav", " none.wav", " empty.wav"]
    assert all(line.startswith("luthier: ") for line in told)


# process


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


# Many files


@pytest.fixture
def many(folder: Path) -> Path:
    for name in ("a", "b", "c"):
        shutil.copy("tone.wav", f"{name}.wav")
    os.mkdir("deep")
    shutil.copy("tone.wav", "deep/d.wav")
    return folder


@pytest.mark.parametrize(
    ("inputs", "output", "wanted"),
    [
        (["a.wav", "b.wav"], "out/", ["out/a.wav", "out/b.wav"]),
        (["[ab].wav"], "out/", ["out/a.wav", "out/b.wav"]),
        (["deep/*.wav"], "deep/{stem}.flac", ["deep/d.flac"]),
        (
            ["a.wav", "?.wav", "a.wav"],
            "deep/*-wet.ogg",
            ["deep/a-wet.ogg", "deep/b-wet.ogg", "deep/c-wet.ogg"],
        ),
        (["**/[cd].wav"], "out/", ["out/c.wav", "out/d.wav"]),
        (["a.wav"], "deep", ["deep/a.wav"]),
        (["a.wav"], "one.flac", ["one.flac"]),
    ],
)
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_where_results_go(
    run: Run, many: Path, inputs: list[str], output: str, wanted: list[str], jobs: str
) -> None:
    before = set(many.rglob("*.*"))
    code, out, err = run("process", *inputs, output, "--chain", "gain(-6)", "--jobs", jobs)
    assert (code, err) == (0, "")
    new = {str(path.relative_to(many)) for path in set(many.rglob("*.*")) - before}
    assert new == set(wanted)
    assert [line.split(" -> ")[1].partition(":")[0] for line in out.splitlines()] == wanted


def test_one_output_of_many_that_cannot_be_written_fails_alone(run: Run, many: Path) -> None:
    shutil.copy("b.wav", "b.xyz")
    code, _, err = run("process", "a.wav", "b.xyz", "out/", "--chain", "gain")
    assert code == 1
    assert "'.xyz' names no format" in one_line(err)
    assert names(many / "out") == ["a.wav"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(run: Run, folder: Path) -> None:
    shutil.copy("tone.wav", "take[1].wav")
    shutil.copy("tone.wav", "take1.wav")
    code, out, _ = run("info", "take[1].wav")
    assert code == 0
    assert out.startswith("take[1].wav:")
    assert out.count("\n") == 1


@pytest.mark.parametrize("command", ["info", "pitch"])
def test_a_glob_that_matches_nothing_fails_by_name(run: Run, command: str) -> None:
    code, out, err = run(command, "tone.wav", "nomatch*.mp3")
    assert (code, out) == (2, "")
    assert one_line(err) == "luthier: no file matches 'nomatch*.mp3'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav", "b.wav", "out.wav"], "2 inputs need an output that is a directory"),
        (["a.wav", "a.wav"], "a.wav is an input: choose another output, inputs are never overwritten"),
        (["a.wav", "./deep/../a.wav", "--overwrite"], "is an input"),
        (["[ab].wav", "*.wav", "--overwrite"], "a.wav is an input"),
        (["d.wav", "deep/d.wav", "out/"], "d.wav and deep/d.wav would both be written to out/d.wav"),
        (["a.wav", "out.wav", "--jobs", "0"], "--jobs must be at least 1, got 0"),
        (["a.wav", "new/", "--jobs", "0"], "--jobs must be at least 1, got 0"),
        (["a.wav", "b.wav", "new/", "--subtype", "FOO"], "WAV files have no subtype 'FOO'; use one of"),
        (["a.wav", "out.wav", "--subtype", "PCM_9"], "WAV files have no subtype 'PCM_9'; use one of"),
        (["a.wav", "out.xyz"], "out.xyz: the name's ending '.xyz' names no format"),
        (["a.wav", "out"], "out: the name's ending '(none)' names no format"),
        (["a.wav", "gone/out.wav"], "gone/out.wav: the output folder 'gone' does not exist"),
        (["a.wav", "b.wav", "gone/{stem}.wav"], "the output folder 'gone' does not exist; create it first"),
        (["a.wav", "b.wav/"], "'b.wav' is a file, not an output folder"),
        (["a.wav", "b.wav/out.wav"], "'b.wav' is a file, not an output folder"),
        (["-", "-"], "'-' would read from standard input: pipes are not supported"),
        (["a.wav", "-"], "'-' would write to standard output: pipes are not supported"),
        (["no*.wav", "new/"], "no file matches 'no*.wav'"),
        (["a.wav", "out.wav", "--chain", "chain"], "a chain has no name"),
        (["a.wav", "out.wav", "--chain", "mix()"], "a mix of nothing is silence"),
        (["a.wav", "out.wav", "--chain", "mix(" * 3_000], "nested too deeply"),
        (["a.wav", "out.wav", "--chain", "gain(1"], "chain, column 7: expected ',' or ')', got the end"),
    ],
)
def test_a_command_line_that_cannot_be_meant_writes_nothing(
    run: Run, many: Path, arguments: list[str], message: str
) -> None:
    before = sorted(many.rglob("*"))
    chain = [] if "--chain" in arguments else ["--chain", "gain"]
    code, out, err = run("process", *arguments, *chain)
    assert code == 2
    assert out == ""
    assert one_line(err).startswith("luthier: ")
    assert message in err
    assert sorted(many.rglob("*")) == before


def test_files_that_exist_are_kept_unless_told_otherwise(run: Run, folder: Path) -> None:
    (folder / "out.wav").write_text("precious")
    code, _, err = run("process", "tone.wav", "out.wav", "--chain", "gain")
    assert code == 1
    assert one_line(err) == "luthier: out.wav: exists already; --overwrite replaces it"
    assert (folder / "out.wav").read_text() == "precious"
    assert run("process", "tone.wav", "out.wav", "--chain", "gain", "--overwrite")[0] == 0
    assert lio.info("out.wav").frames == 16_000


@pytest.mark.parametrize(
    ("source", "target", "options", "message"),
    [
        ("none.wav", "out.wav", [], "none.wav: No such file or directory"),
        ("odd.wav", "out.mp3", [], "holds sample rates"),
    ],
)
def test_a_file_that_fails_is_one_line_and_leaves_nothing(
    run: Run, folder: Path, source: str, target: str, options: list[str], message: str
) -> None:
    lio.write("odd.wav", signal_of(), 12_345)
    before = names(folder)
    code, out, err = run("process", source, target, "--chain", "gain", *options)
    assert (code, out) == (1, "")
    assert message in one_line(err)
    assert names(folder) == before


def test_a_truncated_file_leaves_nothing(run: Run, folder: Path) -> None:
    whole = (folder / "tone.wav").read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    before = names(folder)
    code, _, err = run("process", "cut.wav", "out.wav", "--chain", "gain")
    assert code == 1
    assert "cut.wav" in one_line(err)
    assert names(folder) == before


def test_debug_shows_where_an_error_came_from(folder: Path) -> None:
    for arguments in (["--debug", "info", "none.wav"], ["info", "none.wav", "--debug"]):
        told = console(*arguments)
        assert told.returncode == 1
        assert "Traceback" in told.stderr
        assert told.stderr.endswith("luthier: none.wav: No such file or directory\n")


def test_quiet_is_quiet(run: Run) -> None:
    assert run("process", "tone.wav", "out.wav", "--chain", "gain", "-q") == (0, "", "")
    assert run("pitch", "tone.wav", "-q") == (0, "", "")


def test_a_bug_is_one_line_that_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> int:
        raise ZeroDivisionError("never\nmind")

    monkeypatch.setattr(luthier.cli.info, "expand", broken)
    code, _, err = run("info", "tone.wav")
    assert code == 1
    assert one_line(err).startswith("luthier: ZeroDivisionError: never mind (a bug in luthier")


def _writes_in(process: int, folder: Path, before: list[str]) -> bool:
    """Whether the process has begun a file in the folder, with a name or, on Linux, still without one."""
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(each.readlink())
                if target.startswith(f"{folder.resolve()}/#") and target.endswith("(deleted)"):
                    return True
    return names(folder) != before


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_run_leaves_no_file(folder: Path, number: int, code: int, jobs: str) -> None:
    lio.write("long.wav", np.zeros((2, 20_000_000), np.float32), 48_000)
    shutil.copy("long.wav", "more.wav")
    before = names(folder)
    script = Path(sys.executable).with_name("luthier")
    running = subprocess.Popen(
        [script, "process", "long.wav", "more.wav", "out-{stem}.wav", "--chain", CHAIN, "--jobs", jobs],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while not (writing := _writes_in(running.pid, folder, before)) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert writing
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == code
    assert err == ("luthier: interrupted\n" if number == signal.SIGINT else "")
    assert out == ""
    # The first of the two may have been whole already, and then it stays.
    left = [name for name in names(folder) if name not in before]
    assert left in ([], ["out-long.wav"], ["out-more.wav"])
    assert all(lio.info(name).frames == 20_000_000 for name in left)


@pytest.mark.memory
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("command", [["process", "in.wav", "out.wav", "--chain", CHAIN], ["pitch", "in.wav"]])
def test_memory_does_not_grow_with_the_file(folder: Path, command: list[str]) -> None:
    # Not ru_maxrss, which a child inherits from the process that starts it: this one, grown by its tests.
    code = (
        "import re, sys, luthier.cli; code = luthier.cli.main(sys.argv[1:]);"
        "print(code, re.search(r'VmHWM:\\s*(\\d+) kB', open('/proc/self/status').read())[1])"
    )
    used = []
    for seconds in (150, 600):
        with lio.Writer("in.wav", 16_000, channels=2) as writer:
            for _ in range(seconds):
                writer.write(signal_of(1.0))
        told = subprocess.check_output([sys.executable, "-c", code, *command], text=True)
        exit_code, kilobytes = map(int, told.splitlines()[-1].split())
        assert exit_code == 0
        used.append(kilobytes)
        Path("out.wav").unlink(missing_ok=True)
    assert used[1] < 200_000
    assert used[1] - used[0] < 15_000  # the longer one's samples are 58 MB more


# pitch


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
    code, out, err = run("pitch", "tone.wav")
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


# effects, doctor, and what argparse says


def test_effects_lists_what_the_library_declares(run: Run) -> None:
    code, out, _ = run("effects")
    assert code == 0
    for name, effect in luthier.cli.chain_syntax.effects_by_name().items():
        assert f"\n{name}(" in "\n" + out
        for parameter in effect.parameters:
            assert f"{parameter.name}={parameter.default:g}" in out
    assert "mp3(mode=constant, bitrate_kbps=128, quality=4)" in out


def test_effects_shows_one(run: Run) -> None:
    code, out, _ = run("effects", "Compressor")
    assert code == 0
    assert out == run("effects", "compressor")[1]
    for parameter in fx.Compressor.parameters:
        (line,) = (line for line in out.splitlines() if line.startswith(parameter.name + " "))
        assert parameter.doc in line
        assert f"{parameter.minimum:g} to {parameter.maximum:g}" in line


def test_effects_as_json(run: Run) -> None:
    told = json.loads(run("effects", "--json")[1])
    assert told["gain"]["class"] == "Gain"
    assert told["gain"]["parameters"][0]["maximum"] == 60
    assert list(json.loads(run("effects", "gain", "--json")[1])) == ["gain"]
    mode, _, quality = told["mp3"]["options"]
    assert (mode["kind"], mode["choices"]) == ("choice", ["constant", "variable"])
    assert (quality["kind"], quality["minimum"], quality["maximum"]) == ("setting", 0, 9.9)


def test_effects_shows_options(run: Run) -> None:
    rows = {line.split()[0]: line for line in run("effects", "mp3")[1].splitlines()[3:]}
    assert "constant, variable" in rows["mode"]
    assert "0 to 9.9" in rows["quality"]
    rows = {line.split()[0]: line for line in run("effects", "convolution")[1].splitlines()[3:]}
    assert "true, false" in rows["normalize"]
    assert "array, in Python only" in rows["impulse_response"]


@pytest.mark.parametrize("name", ["mix", "chain", "dry"])
def test_effects_explains_how_chains_are_written(run: Run, name: str) -> None:
    code, out, err = run("effects", name.upper())
    assert (code, err) == (0, "")
    assert one_line(out).startswith(f"{name}: ")
    assert f"\n{name} " in run("effects")[1]
    assert json.loads(run("effects", name, "--json")[1])[name]["doc"] in out


def test_an_unknown_effect(run: Run) -> None:
    code, _, err = run("effects", "compresor")
    assert code == 2
    assert one_line(err) == "luthier: no effect is called 'compresor'; did you mean 'compressor'?"


def test_doctor(run: Run) -> None:
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    assert out.startswith("### luthier doctor")
    assert f"| luthier | {luthier.cli.__version__} |" in out
    assert json.loads(run("doctor", "--json")[1])["ok"] is True


@pytest.mark.parametrize("command", [[], ["info"], ["process"], ["pitch"], ["effects"], ["doctor"]])
def test_help(run: Run, command: list[str]) -> None:
    code, out, err = run(*command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: luthier")


def test_without_a_command_the_help_is_short_and_goes_to_the_errors(run: Run) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err.startswith("usage: luthier")
    assert "process" in err


@pytest.mark.parametrize(
    "command", [["info"], ["pitch"], ["process", "--chain", "gain", "out.wav"], ["effects", "gain"]]
)
def test_a_forced_instruction_set_that_is_none_is_told_once(folder: Path, command: list[str]) -> None:
    files = [] if command[0] == "effects" else ["tone.wav"]
    told = console(command[0], *files, *command[1:], env={**os.environ, "LUTHIER_ISA": "foo"})
    assert (told.returncode, told.stdout) == (2, "")
    assert one_line(told.stderr).startswith("luthier: LUTHIER_ISA=foo is not an instruction set; use ")


def test_the_help_of_process_lists_the_effects(run: Run) -> None:
    assert "compressor(threshold_db=" in run("process", "--help")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["process", "tone.wav"],
        ["process", "tone.wav", "out.wav"],
        ["process", "tone.wav", "out.wav", "--chain", "gain", "--preset", "x.json"],
        ["pitch", "tone.wav", "--fmin", "low"],
        ["info"],
        ["doctor", "extra"],
    ],
)
def test_usage_errors_are_one_line_too(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert one_line(err).startswith("luthier")
    assert "--help" in err


# The progress bar


def test_the_bar_is_for_terminals_only(folder: Path) -> None:
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    script = str(Path(sys.executable).with_name("luthier"))
    lio.write("long.wav", np.zeros((2, 10_000_000), np.float32), 48_000)
    shown = bytearray()
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    running = subprocess.Popen(
        [script, "process", "long.wav", "out.wav", "--chain", " | ".join(["reverb"] * 20)],
        stderr=terminal,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(terminal)
    try:
        while chunk := os.read(controller, 4096):
            shown += chunk
    except OSError:  # Linux's way to say that the terminal's other side is closed
        pass
    out, _ = running.communicate(timeout=60)
    os.close(controller)
    assert running.returncode == 0
    assert "s of audio" in shown.decode()
    assert out.startswith("long.wav -> out.wav: 3:28.3, ")
