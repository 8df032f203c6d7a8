"""What goes wrong outside: full disks, rights, killed processes, files that change under an open reader."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import warnings

import numpy as np
import pytest

import luthier.io as lio
from luthier.core import DamagedAudioWarning, DecodeError, UnsupportedFormat

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX rights and signals")
FILES = [f"a{f.extensions[0]}" for f in lio.available_formats() if f.extensions]
NOISE = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 480_000)).astype(np.float32)


def leftovers(folder, *names):
    return sorted(set(os.listdir(folder)) - set(names))


def python(script, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def output(script, *arguments, **more):
    process = python(script, *arguments, **more)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out.split("\n")[:-1]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run([mount, *options], capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.caf"])
def test_a_full_disk(small_disk, name):
    path = small_disk / name
    lio.write(path, NOISE[:, :50_000], 48_000)
    before = path.read_bytes()
    with pytest.raises(OSError) as caught:
        lio.write(path, NOISE, 48_000)
    assert caught.value.errno == errno.ENOSPC
    assert name in str(caught.value)
    assert path.read_bytes() == before
    assert leftovers(small_disk, name) == []
    # A writer finds out in the middle, and what it filled is free again.
    writer = lio.Writer(path, 48_000, 2)

    def fill():
        for start in range(0, 480_000, 10_000):
            writer.write(NOISE[:, start : start + 10_000])

    with pytest.raises(OSError, match="No space left"):
        fill()
    assert writer.closed
    lio.write(path, NOISE[:, :50_000], 48_000)
    assert path.read_bytes() == before


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_limit_on_the_size_of_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"before")
    lines = output(
        """
        import resource, sys, numpy as np, luthier.io as lio
        noise = np.random.default_rng(0).uniform(-1, 1, (2, 240_000)).astype(np.float32)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            lio.write(sys.argv[1], noise, 48_000)
        except OSError as error:
            print(type(error).__name__, error.errno, error.filename)
        """,
        name,
        cwd=tmp_path,
    )
    assert lines == [f"OSError {errno.EFBIG} {name}"]
    assert (tmp_path / name).read_bytes() == b"before"
    assert leftovers(tmp_path, name) == []


@posix
def test_rights():
    # Not below pytest's folder, which only its user may enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name, mode in [("closed", 0o000), ("read_only", 0o555), ("open", 0o777)]:
            os.mkdir(f"{folder}/{name}")
            lio.write(f"{folder}/{name}/a.wav", NOISE[:, :100], 48_000)
            os.chmod(f"{folder}/{name}/a.wav", 0o644)
            os.chmod(f"{folder}/{name}", mode)
        os.chmod(f"{folder}/open/a.wav", 0o444)
        before = os.stat(f"{folder}/open/a.wav")
        lines = output(
            """
            import os, sys, numpy as np, luthier.io as lio
            if os.geteuid() == 0:
                os.setgid(65_534)
                os.setuid(65_534)
            def attempt(work, *arguments):
                try:
                    work(*arguments)
                    print("done")
                except OSError as error:
                    print(type(error).__name__, error.filename)
            for name in ("closed", "read_only", "open"):
                attempt(lio.write, f"{sys.argv[1]}/{name}/a.wav", np.zeros(10), 48_000)
                attempt(lio.write, f"{sys.argv[1]}/{name}/b.wav", np.zeros(10), 48_000)
            attempt(lio.read, f"{sys.argv[1]}/closed/a.wav")
            attempt(lio.read, f"{sys.argv[1]}/read_only/a.wav")
            """,
            folder,
        )
        denied = "PermissionError " + folder
        assert lines == [
            f"{denied}/closed/a.wav",
            f"{denied}/closed/b.wav",
            f"{denied}/read_only/a.wav",
            f"{denied}/read_only/b.wav",
            f"{denied}/open/a.wav",
            "done",
            f"{denied}/closed/a.wav",
            "done",
        ]
        assert os.stat(f"{folder}/open/a.wav") == before
        assert leftovers(f"{folder}/open", "a.wav", "b.wav") == []
        assert leftovers(f"{folder}/read_only", "a.wav") == []
        for name in ("closed", "read_only"):
            os.chmod(f"{folder}/{name}", 0o755)


KILLED = """
    import os, sys, numpy as np, luthier.io as lio
    if sys.argv[2] == "named" and hasattr(os, "O_TMPFILE"):
        del os.O_TMPFILE
    writer = lio.Writer(sys.argv[1], 48_000, 2)
    block = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 48_000))
    while True:
        writer.write(block)
        print("written", flush=True)
"""


@posix
@pytest.mark.parametrize("kind", ["unnamed", "named"])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_a_killed_process(tmp_path, name, kind):
    lio.write(tmp_path / name, NOISE[:, :1_000], 48_000)
    before = (tmp_path / name).read_bytes()
    process = python(KILLED, name, kind, cwd=tmp_path)
    for _ in range(5):
        assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / name).read_bytes() == before
    left = leftovers(tmp_path, name)
    if kind == "named" or sys.platform != "linux":
        assert len(left) == 1
        assert left[0].startswith(f".{name}.")
        assert left[0].endswith(".part")
    elif left:
        pytest.skip("this file system has no files without a name")
    lio.write(tmp_path / name, NOISE[:, :2_000], 48_000)
    assert lio.info(tmp_path / name).frames == 2_000


@posix
def test_control_c_leaves_nothing(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"before")
    process = python(KILLED, "a.wav", "named", cwd=tmp_path)
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert (tmp_path / "a.wav").read_bytes() == b"before"
    assert leftovers(tmp_path, "a.wav") == []


@posix
@pytest.mark.parametrize("kind", ["unnamed", "named"])
def test_a_folder_that_vanishes(tmp_path, monkeypatch, kind):
    if kind == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = lio.Writer(folder / "a.wav", 48_000, 2)
    writer.write(NOISE)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match=r"a\.wav"):
        writer.close()
    assert writer.closed
    assert os.listdir(tmp_path) == []


def test_names_at_the_limit(tmp_path):
    limit = os.pathconf(tmp_path, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    for letter in ("a", "\N{MUSICAL SYMBOL G CLEF}"):
        size = len(letter.encode())
        path = tmp_path / (letter * ((limit - 4) // size) + ".wav")
        lio.write(path, NOISE[:, :100], 48_000)
        assert lio.info(path).frames == 100
        with pytest.raises(OSError) as caught:
            lio.write(tmp_path / (letter * (limit // size + 1) + ".wav"), NOISE[:, :100], 48_000)
        assert caught.value.errno in (errno.ENAMETOOLONG, errno.ENOENT, errno.EINVAL)
    assert len(os.listdir(tmp_path)) == 2


# Files that change while they are read


@functools.cache
def encoded(name):
    file = io.BytesIO()
    lio.write(file, NOISE, 48_000, format=name.partition(".")[2])
    return file.getvalue()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [0, 3, 100, 0.5])
def test_a_file_cut_under_an_open_reader(tmp_path, name, left):
    path = tmp_path / name
    data = encoded(name)
    whole = lio.read(data).samples
    for on_error in ("raise", "pad"):
        path.write_bytes(data)
        with lio.open(path, on_error=on_error) as reader:
            assert np.array_equal(reader.read(1_000), whole[:, :1_000])
            os.truncate(path, int(left * len(data)) if isinstance(left, float) else left)
            reader.seek(300_000)
            if on_error == "raise":
                with pytest.raises((DecodeError, UnsupportedFormat)):
                    reader.read()
                continue
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                try:
                    assert reader.read().shape == (2, 180_000)
                except UnsupportedFormat:
                    assert left in (0, 3)  # nothing of it says any more what it is
                else:
                    assert [w.category for w in told] == [DamagedAudioWarning]


@pytest.mark.parametrize("name", FILES)
def test_a_file_overwritten_under_an_open_reader(tmp_path, name):
    # Of plain samples nobody can tell; where the format can, it does; nothing worse happens.
    path = tmp_path / name
    data = encoded(name)
    path.write_bytes(data)
    with lio.open(path) as reader:
        first = reader.read(1_000)
        with open(path, "r+b") as file:
            file.seek(len(data) // 4)
            file.write(np.random.default_rng(1).bytes(len(data) // 2))
        if name.endswith(("flac", "ogg", "opus")):
            with pytest.raises(DecodeError):
                reader.read()
        else:
            with contextlib.suppress(DecodeError):
                assert reader.read().shape[0] == 2
        reader.seek(0)
        assert np.array_equal(reader.read(1_000), first)


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_file_replaced_or_removed_under_an_open_reader(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(encoded(name))
    whole = lio.read(path).samples
    with lio.open(path) as reader:
        reader.read(1_000)
        lio.write(path, NOISE[:, :4_800], 48_000)
        reader.seek(200_000)
        assert np.array_equal(reader.read(50_000), whole[:, 200_000:250_000])
        path.unlink()
        reader.seek(400_000)
        assert np.array_equal(reader.read(), whole[:, 400_000:])


def test_a_file_is_read_and_written_at_the_same_time(tmp_path):
    path = tmp_path / "a.wav"
    lio.write(path, NOISE, 48_000)
    whole = lio.read(path).samples
    with lio.open(path) as reader, lio.Writer(path, 48_000, 2) as writer:
        for block in reader.blocks(7_000):
            writer.write(block)
    assert np.array_equal(lio.read(path).samples, whole)
