"""Errors as python-soundfile raises them, and damaged files."""

from __future__ import annotations

import gc
import io
import pathlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile as peer

import luthier.compat.soundfile as sf
from luthier.core import DamagedAudioWarning

from .helpers import encode, straight, synthesise

CALLS: dict[str, Callable[[Any], Any]] = {
    "no such file": lambda m: m.read("none.wav"),
    "a folder": lambda m: m.read("."),
    "nothing": lambda m: m.read(io.BytesIO()),
    "no audio": lambda m: m.read(io.BytesIO(b"this is no audio at all" * 9)),
    "no such folder": lambda m: m.write("none/x.wav", [0.0], 8_000),
    "unknown ending": lambda m: m.write("x.what", [0.0], 8_000),
    "no ending": lambda m: m.write("x", [0.0], 8_000),
    "no format": lambda m: m.write(io.BytesIO(), [0.0], 8_000),
    "a format that is none": lambda m: m.write("x.wav", [0.0], 8_000, format="WAF"),
    "a subtype that does not fit": lambda m: m.write("x.wav", [0.0], 8_000, "VORBIS"),
    "raw without subtype": lambda m: m.write("x.raw", [0.0], 8_000),
    "no channels": lambda m: m.SoundFile("x.wav", "w", 8_000),
    "no rate": lambda m: m.SoundFile("x.wav", "w", channels=1),
    "rate 0": lambda m: m.SoundFile("x.wav", "w", 0, 1),
    "too many channels": lambda m: m.write("x.wav", np.zeros((3, 2_000)), 8_000),
    "3-D": lambda m: m.write("x.wav", np.zeros((2, 2, 2)), 8_000),
    "int64": lambda m: m.write("x.wav", np.zeros(2, np.int64), 8_000),
    "dtype": lambda m: m.read("a.wav", dtype="int8"),
    "frames and stop": lambda m: m.read("a.wav", frames=2, stop=2),
    "out shape": lambda m: m.read("a.wav", out=np.zeros((2, 3))),
    "out layout": lambda m: m.read("a.wav", out=np.zeros((2, 3)).T),
    "rate for a header": lambda m: m.read("a.wav", samplerate=8_000),
    "a file that is none": lambda m: m.SoundFile(3.5),
    "a list": lambda m: m.SoundFile([1]),
    "mode": lambda m: m.SoundFile("a.wav", "q"),
    "two modes": lambda m: m.SoundFile("a.wav", "rw"),
    "no mode": lambda m: m.SoundFile("a.wav", None),
    "r+ of FLAC": lambda m: m.SoundFile("a.flac", "r+"),
    "seek too far": lambda m: m.SoundFile("a.wav").seek(999),
    "seek too near": lambda m: m.SoundFile("a.wav").seek(-1),
    "write when reading": lambda m: m.SoundFile("a.wav").write(np.zeros((2, 2))),
    "read when writing": lambda m: m.SoundFile("b.wav", "w", 8_000, 1).read(1),
    "blocks when writing": lambda m: list(m.SoundFile("b.wav", "w", 8_000, 1).blocks(1)),
    "wrong channels": lambda m: m.SoundFile("b.wav", "w", 8_000, 1).write(np.zeros((2, 2))),
    "half a frame": lambda m: m.SoundFile("b.wav", "w", 8_000, 2).buffer_write(b"123", "int16"),
    "no such attribute": lambda m: m.SoundFile("a.wav").nothing,
    "neither blocksize nor out": lambda m: list(m.blocks("a.wav")),
    "blocksize and out": lambda m: list(m.blocks("a.wav", 2, out=np.zeros((2, 2)))),
    "start float": lambda m: m.read("a.wav", start=1.5),
}


@pytest.mark.parametrize("what", CALLS)
def test_errors_are_of_the_peers_kinds(what: str, folder: pathlib.Path) -> None:
    peer.write("a.wav", synthesise(10, 2), 8_000)
    peer.write("a.flac", synthesise(10, 2), 8_000)

    def run(module: Any) -> tuple[str, Any]:
        with pytest.raises(Exception) as caught:
            CALLS[what](module)
        kind = caught.type.__name__.replace("FileExistsError", "OSError")
        return kind, getattr(caught.value, "code", None)

    assert run(sf) == run(peer)
    gc.collect()


def test_nothing_works_on_a_closed_file(folder: pathlib.Path) -> None:
    peer.write("a.wav", synthesise(10, 2), 8_000)
    file = sf.SoundFile("a.wav")
    file.close()
    file.close()
    for call in (
        file.read,
        file.tell,
        file.flush,
        file.truncate,
        file.copy_metadata,
        lambda: file.seek(0),
        lambda: file.extra_info,
        lambda: list(file.blocks(2)),
        lambda: file.write(np.zeros((1, 2))),
    ):
        with pytest.raises(sf.SoundFileRuntimeError, match="closed"):
            call()
    assert (file.frames, file.samplerate, file.channels, file.subtype) == (10, 8_000, 2, "PCM_16")


def test_what_a_file_object_raises_comes_through() -> None:
    class Broken(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space left"):
        sf.write(Broken(), np.zeros(100_000), 8_000, format="WAV")

    class Unreadable(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            raise KeyboardInterrupt

        read = property()  # type: ignore[assignment]

    with pytest.raises(KeyboardInterrupt):
        sf.read(Unreadable(b"x" * 100))


def test_an_unclosed_file_is_completed_when_it_is_forgotten(folder: pathlib.Path) -> None:
    file = sf.SoundFile("x.wav", "w", 8_000, 1)
    file.write(np.zeros(10))
    gone = weakref.ref(file)
    del file
    gc.collect()
    assert gone() is None
    assert sf.info("x.wav").frames == 10


def test_failed_opens_from_many_threads_all_say_so() -> None:
    failures = []

    def work() -> None:
        for _ in range(20):
            try:
                sf.SoundFile(io.BytesIO(b"no audio"))
            except sf.LibsndfileError as error:
                failures.append(error.code)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [1] * 80


# --- damage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["WAV PCM_16", "AIFF PCM_16", "OGG VORBIS", "OGG OPUS", "MP3"])
def test_a_file_that_was_cut_gives_its_good_frames_and_a_warning(
    key: str,
) -> None:
    data = encode(key, 200_000)
    whole = straight(data, "float32")
    cut = data[: len(data) * 2 // 3]
    with sf.SoundFile(io.BytesIO(cut)) as file:
        with pytest.warns(DamagedAudioWarning) as caught:
            samples = file.read(dtype="float32")
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert len(file.read()) == 0  # and no second warning
    assert 0 < len(samples) < len(whole)
    np.testing.assert_array_equal(samples, whole[: len(samples)])
    if key.split()[0] in ("WAV", "AIFF"):
        assert len(samples) == len(straight(cut, "float32")) == sf.info(io.BytesIO(cut)).frames


def test_a_damaged_flac_file_is_an_error_as_with_the_peer(made: Callable[[str], bytes]) -> None:
    data = made("FLAC PCM_16")
    cut = data[: len(data) * 2 // 3]
    for module in (sf, peer):
        with pytest.raises(module.LibsndfileError):
            module.read(io.BytesIO(cut))
    with sf.SoundFile(io.BytesIO(cut)) as file:
        np.testing.assert_array_equal(file.read(4_000, "int16"), straight(data, "int16")[:4_000])


def test_a_header_that_promises_too_much_does_not_take_all_memory() -> None:
    file = io.BytesIO()
    peer.write(file, synthesise(1_000, 1), 8_000, "PCM_16", format="AU")
    data = bytearray(file.getvalue())
    data[8:12] = b"\x7f\xff\xff\x00"
    with pytest.warns(DamagedAudioWarning):
        assert len(sf.read(io.BytesIO(bytes(data)))[0]) == 1_000
