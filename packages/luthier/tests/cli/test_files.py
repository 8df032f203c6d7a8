"""Many files, files that fail, and what is left on the disk."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier.cli
import luthier.io as lio

from .helpers import CHAIN, Run, console, names, one_line, signal_of


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
