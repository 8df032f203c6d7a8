"""The command line itself: the installed command, `info`, `effects`, `doctor`, the help."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import luthier.cli
import luthier.effects as fx
import luthier.io as lio

from .helpers import CHAIN, Run, console, one_line


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
    assert "the name of a file" in rows["impulse_response"]
    rows = {line.split()[0]: line for line in run("effects", "compressor")[1].splitlines()[3:]}
    assert "signal, in Python only" in rows["sidechain"]


@pytest.mark.parametrize(("name", "advice"), [("equalizer", "its filters"), ("WaveShaper", "--preset")])
def test_effects_that_a_text_cannot_hold_are_not_listed(run: Run, name: str, advice: str) -> None:
    assert f"\n{name.lower()}(" not in run("effects")[1]
    code, out, err = run("effects", name)
    assert (code, out) == (2, "")
    assert advice in err
    assert advice in run("process", "in.wav", "out.wav", "--chain", name)[2]


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
