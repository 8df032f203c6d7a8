"""The one entry, for people and for CI: `nox -l` says what there is, `nox -s NAME` does it.

Every session makes what it needs. The distributions are built once, as sdists and wheels from those
sdists, into dist/ (again only when their sources changed), and every session but `quick`, `asan` and
`generate` works on these wheels, installed: what is tested is what would be released.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["quick"]

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
NATIVE = ("core", "io", "effects", "pitch")
PACKAGES = (*NATIVE, "luthier")
SUITES = tuple(f"packages/{name}/tests" for name in PACKAGES)
WORKSPACE = nox.project.load_toml("pyproject.toml")
# What `nox -s tests` runs after the suite, in this order: together they are what a change must pass.
GATE = ("lint", "types", "oracles", "others", "isa", "wheels", "docs", "asan", "rtsan", "fuzz")
# What `nox -s tests` repeats in part, `nox -s nightly` repeats whole.
NIGHTLY = ("others", "isa", "wheels", "asan")
ALL = "--all"
# The suites are spread over the cores.
SPREAD = ("-n", "auto", "--dist=worksteal")
# The tests that run the kernels, which `isa` repeats for each instruction set.
KERNELS = (
    *(f"packages/{name}/tests" for name in ("core", "effects", "pitch")),
    *(f"packages/io/tests/test_{topic}.py" for topic in ("flac", "flac_format", "pcm", "write_exact")),
    *(f"packages/io/tests/test_resample{topic}.py" for topic in ("", "_quality", "_stream", "_times")),
)
# The programs that make the audio files of the tests, and their Debian packages.
ENCODERS = {
    "flac": "flac",
    "lame": "lame",
    "oggenc": "vorbis-tools",
    "opusenc": "opus-tools",
    "ffmpeg": "ffmpeg",
    "sox": "sox",
}


def group(*names: str) -> list[str]:
    """Return the requirements of the workspace's dependency groups."""
    return list(nox.project.dependency_groups(WORKSPACE, *names))


def distribution(package: str) -> str:
    """Return the file-name form of a package's distribution, luthier_core for core."""
    return package if package == "luthier" else f"luthier_{package}"


def inputs(package: str) -> str:
    """Return a digest of all that goes into a package's sdist."""
    roots = [ROOT / "packages" / package]
    if package in NATIVE:
        roots += [ROOT / "packages/core/include", ROOT / "packages/core/cmake"]
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*")):
            part = path.relative_to(root).parts[0]
            if (
                path.is_file()
                and part not in ("build", "benchmarks", "fuzz", "news")
                and "__pycache__" not in path.parts
            ):
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def build(session: nox.Session) -> list[Path]:
    """Build the distributions whose sources changed into dist/ and return the wheels of all."""
    DIST.mkdir(exist_ok=True)
    wheels = []
    for package in PACKAGES:
        name, digest = distribution(package), inputs(package)
        stamp = DIST / f"{name}.inputs"
        if not (stamp.exists() and stamp.read_text() == digest):
            stamp.unlink(missing_ok=True)
            for old in DIST.glob(f"{name}-*"):
                old.unlink()
            session.install("build", "uv", silent=True)
            # The wheel is built from the sdist, so the sdist is proven whole.
            session.run("python", "-m", "build", "--installer=uv", f"--outdir={DIST}", f"packages/{package}")
            stamp.write_text(digest)
        (wheel,) = DIST.glob(f"{name}-*.whl")
        wheels.append(wheel)
    return wheels


def install_wheels(session: nox.Session, *groups: str) -> None:
    """Install the five wheels and the dependency groups into the session's environment."""
    session.install(*map(str, build(session)), *group(*groups))


def pytest(session: nox.Session, *args: str, env: dict[str, str] | None = None) -> None:
    """Run pytest of the session's environment, on all cores."""
    session.run("pytest", *SPREAD, *args, env=env)


def again(session: nox.Session, cases: int) -> list[str]:
    """Return pytest's arguments for a suite that `tests` has run already, in other surroundings now.

    Of each test function `cases` cases, and few random examples (conftest.py); all where `nightly` asks.
    """
    return ["-x", "-q", *([] if session.posargs == [ALL] else [f"--repeat={cases}"])]


def apt(session: nox.Session, command: str, *packages: str) -> bool:
    """Return whether `command` is there, after installing Debian packages where that is possible."""
    if shutil.which(command):
        return True
    # A person's machine is only changed by root; a machine of the CI is there to be changed.
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if (root and not (os.environ.get("CI") and shutil.which("sudo"))) or not shutil.which("apt-get"):
        session.warn(f"{command} is missing and cannot be installed here: install {' '.join(packages)}")
        return False
    quiet = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    session.run(*quiet, "update", external=True, silent=True, success_codes=range(256))
    session.run(
        *quiet, "install", "-y", "--no-install-recommends", *packages,
        external=True, silent=True, success_codes=range(256),
    )  # fmt: skip
    if not shutil.which(command):
        session.warn(f"{command} is missing: apt-get could not install {' '.join(packages)}")
    return bool(shutil.which(command))


def encoders(session: nox.Session) -> None:
    """Install the programs of ENCODERS that are missing, where that is possible."""
    missing = [command for command in ENCODERS if not shutil.which(command)]
    if missing:
        apt(session, missing[-1], *ENCODERS.values())


@contextlib.contextmanager
def environment(session: nox.Session, python: str, *requirements: str) -> Iterator[Path]:
    """Make an environment outside the tree for a given Python, holding `requirements`, wheels only."""
    with tempfile.TemporaryDirectory(prefix="luthier-") as directory:
        session.install("uv", silent=True)
        session.run("uv", "venv", "--quiet", "--python", python, f"{directory}/venv")
        executable = Path(directory) / "venv/bin/python"
        session.run(
            "uv", "pip", "install", "--quiet", "--only-binary=:all:", f"--python={executable}", *requirements
        )  # fmt: skip
        yield executable


@nox.session
def demo(session: nox.Session) -> None:
    """Do the main job on a real recording: read, run a chain, write, track pitch, draw."""
    install_wheels(session, "demo")
    session.run("python", "docs/demo/demo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all that a change must pass; with arguments (`-- -k fft`) only pytest with these."""
    encoders(session)
    install_wheels(session, "repository")
    session.install("./tools")
    pytest(session, *session.posargs)
    if not session.posargs:
        for name in GATE:
            session.notify(name)
        session.notify("generate", posargs=["--check"])


@nox.session(reuse_venv=True)
def quick(session: nox.Session) -> None:
    """Build incrementally from the tree and run the fast tests: the inner loop."""
    encoders(session)
    build_in_tree(session)
    session.run("ruff", "check", "--quiet", ".")
    pytest(session, "-x", "-q", "-m", "not slow", *(session.posargs or [*SUITES, "tools"]))


def build_in_tree(session: nox.Session) -> None:
    """Install the packages from the tree, compiling only what changed since the last time."""
    session.install(*group("build", "test", "lint"), "nanobind-backend")
    for package in PACKAGES:
        where = f"-Cbuild-dir={ROOT}/build/{session.name}/{package}"
        session.install(
            "--no-deps", "--no-build-isolation", "--force-reinstall",
            *([where] if package in NATIVE else []), f"./packages/{package}", silent=True,
        )  # fmt: skip
    session.install("--no-deps", "--no-build-isolation", "--force-reinstall", "./tools", silent=True)


@nox.session
def oracles(session: nox.Session) -> None:
    """Run the tests that hold luthier against its peers, which no other session installs."""
    install_wheels(session, "test", "oracle", "models")
    # Its requirements are an old TensorFlow; the tests want the network alone.
    session.install("--no-deps", "basic-pitch==0.4.0")
    # PyPI's wheels bring gigabytes for GPUs. Where PyTorch's own index cannot be reached, its tests
    # are skipped.
    session.install("pip", silent=True)
    session.run(
        "python", "-m", "pip", "install", "--quiet", "--retries=1", "--only-binary=:all:",
        "--extra-index-url=https://download.pytorch.org/whl/cpu", "torch==2.13.0+cpu",
        success_codes=range(256),
    )  # fmt: skip
    asks = re.compile(r'importorskip\("(pedalboard|pyloudnorm|onnx|librosa)"\)')
    files = [p for p in ROOT.glob("packages/*/tests/**/*.py") if asks.search(p.read_text("utf-8"))]
    # A conftest.py asks for all tests of its folder.
    wanted = {p.parent if p.name == "conftest.py" else p for p in files}
    pytest(session, "-q", *map(str, sorted(p for p in wanted if p.parent not in wanted)))


@nox.session
def accuracy(session: nox.Session) -> None:
    """Print the accuracy of the pitch trackers and of their peers, clean and in noise (see accuracy.py)."""
    install_wheels(session, "accuracy")
    fonts = "/usr/share/sounds/sf3", "/usr/share/sounds/sf2"
    if not (shutil.which("fluidsynth") and any(map(os.path.isdir, fonts))):
        apt(session, "fluidsynth", "fluidsynth", "musescore-general-soundfont")
    session.run("python", "packages/pitch/benchmarks/accuracy.py", *session.posargs)


@nox.session
def others(session: nox.Session) -> None:
    """Run the packages' suites on the same wheels under every other CPython that is found."""
    encoders(session)
    wheels = [str(wheel) for wheel in build(session)]
    tested = []
    for version, python, reason in interpreters():
        if reason:
            print(f"skipped: CPython {version} ({python}): {reason}")
            continue
        with environment(session, python, *wheels, *group("test")) as executable:
            # The kernels are the same: another CPython differs in bindings and in Python code.
            run = [str(executable), "-m", "pytest", *SPREAD, *again(session, 2), *SUITES]
            session.run(*run, external=True)
        tested.append(version)
    print(f"tested, besides {sys.version.split()[0]}: {', '.join(tested) or 'no other CPython'}")


def interpreters() -> list[tuple[str, str, str]]:
    """Return (version, executable, why it is skipped or "") of the CPythons on this machine but ours."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted(pyenv.glob("versions/*/bin"))
    probe = (
        "import platform, sys, sysconfig;"
        "print(platform.python_implementation(), platform.python_version(), sys.base_prefix,"
        " bool(sysconfig.get_config_var('Py_GIL_DISABLED')), sep='|')"
    )
    found: dict[str, tuple[str, str, str]] = {}
    for minor in range(11, 30):
        for folder in folders:
            python = folder / f"python3.{minor}"
            name = f"3.{minor}"
            if not os.access(python, os.X_OK) or minor == sys.version_info.minor:
                continue
            ran = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
            if ran.returncode:
                said = (ran.stderr.strip().splitlines() or ["no message"])[0]
                found.setdefault(name, (name, str(python), f"exit status {ran.returncode}: {said}"))
                continue
            implementation, version, _, free_threaded = ran.stdout.strip().split("|")
            if implementation != "CPython":
                reason = f"it is {implementation}"
            elif free_threaded == "True":
                reason = "free-threaded: needs wheels of its own"
            else:
                reason = ""
            if name not in found or (found[name][2] and not reason):
                found[name] = (version, str(python), reason)
    return [found[name] for name in sorted(found, key=lambda name: int(name[2:]))]


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of Python, C++ and workflows (`nox -s lint -- --fix` mends it)."""
    session.install(*group("lint"))
    fix = "--fix" in session.posargs
    sources = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cpp"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout.split()  # fmt: skip
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")
    if sources:
        session.run("clang-format", *(["-i"] if fix else ["--dry-run", "--Werror"]), *sources)
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: mypy --strict on all sources (the stubs are held to the modules by `generate`)."""
    install_wheels(session, "types")
    session.install("./tools")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; warnings are errors."""
    install_wheels(session, "docs")
    session.install("./tools")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session
def wheels(session: nox.Session) -> None:
    """Audit the wheels (auditwheel, abi3audit, twine) and test them outside the tree."""
    encoders(session)
    built = build(session)
    session.install(*group("wheels"))
    native = [str(wheel) for wheel in built if "abi3" in wheel.name]
    if len(native) != len(NATIVE):
        session.error(f"expected {len(NATIVE)} abi3 wheels, got {native}")
    repaired = Path(session.create_tmp()) / "repaired"
    shutil.rmtree(repaired, ignore_errors=True)
    for wheel in native:
        # The platform tag is that of this machine's C library: good to test, too new to publish.
        # What is published is built by .github/workflows/wheels.yml in a manylinux_2_28 image.
        session.run("auditwheel", "repair", "--wheel-dir", str(repaired), wheel)
    shutil.copy2(built[-1], repaired)
    final = sorted(map(str, repaired.glob("*.whl")))
    session.run("abi3audit", "--strict", "--summary", *(wheel for wheel in final if "abi3" in wheel))
    session.run("twine", "check", "--strict", *final, *map(str, DIST.glob("*.tar.gz")))
    session.run("check-wheel-contents", "--ignore=W002,W004", *final)
    with environment(session, sys.executable, *final, *group("test")) as executable:
        # The code is the same: a repaired wheel differs in what it was packed with.
        run = [str(executable), "-m", "pytest", *SPREAD, *again(session, 1), *SUITES]
        session.run(*run, external=True)


@nox.session
def isa(session: nox.Session) -> None:
    """Run one of everything on a CPU without AVX (qemu), and the suites with each kernel forced."""
    encoders(session)
    install_wheels(session, "test")
    session.install("./tools")
    emulator = "qemu-x86_64-static"
    if apt(session, emulator, "qemu-user-static"):
        python = shutil.which("python", path=session.bin)
        session.run(
            emulator, "-cpu", "Nehalem", str(python), "-m", "luthier_tools", "smoke", "--expect-isa=baseline",
            external=True, env={"OPENBLAS_CORETYPE": "Nehalem"},
        )  # fmt: skip
    session.run("luthier-tools", "smoke")
    # Other kernels differ in numbers, for any effect and any size.
    for forced in ("baseline", "v3"):
        pytest(session, *again(session, 8), *KERNELS, env={"LUTHIER_ISA": forced})


def newest_instruction_set() -> str:
    """Return the newest one that this CPU runs, or "" where that cannot be read or there is but one."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    for name, needed in (
        ("v4", {"avx2", "fma", "bmi2", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
        ("v3", {"avx2", "fma", "bmi1", "bmi2"}),
        ("baseline", {"sse4_2"}),
    ):
        if needed <= flags:
            return name
    return ""


@nox.session
def asan(session: nox.Session) -> None:
    """Run the packages' suites with the native code under AddressSanitizer and UBSan."""
    encoders(session)
    session.install(*group("build", "test"), "nanobind-backend")
    for package in PACKAGES:
        flags = [
            f"-Cbuild-dir={ROOT}/build/asan/{package}",
            "-Ccmake.build-type=Debug",
            "-Ccmake.define.CMAKE_CXX_FLAGS_DEBUG=-O1 -g1 --param asan-instrumentation-with-call-threshold=0",
            "-Ccmake.define.LUTHIER_SANITIZE=address;undefined",
            f"-Ccmake.define.LUTHIER_SANITIZE_ISA={newest_instruction_set()}",
            "-Ccmake.define.LUTHIER_WERROR=OFF",
        ]
        session.install(
            "--no-deps",
            "--no-build-isolation",
            *(flags if package in NATIVE else []),
            f"./packages/{package}",
        )

    def library(name: str) -> str:
        return subprocess.run(
            ["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()

    environment = {
        "LD_PRELOAD": " ".join(map(library, ("libasan.so", "libubsan.so", "libstdc++.so.6"))),
        # Python's own allocator would hide the bounds of small objects; it leaks on purpose at exit.
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    # Captured only above the file descriptors: a report must come through although the process ends.
    options = [*SPREAD, "-m", "not memory", "--capture=sys"]
    if session.posargs and session.posargs != [ALL]:
        options += ["-x", "-q", *session.posargs]
    else:
        options += [*again(session, 4), *SUITES]
    session.run("python", "-m", "pytest", *options, env=environment)


@nox.session
def rtsan(session: nox.Session) -> None:
    """Run every effect's process() under RealtimeSanitizer: no allocation, lock or system call."""
    if not apt(session, "clang++-22", "clang-22", "libclang-rt-22-dev"):
        session.skip("needs clang++-22")
    session.install("cmake", "ninja", silent=True)
    target = str(ROOT / "build/rtsan")
    session.run(
        "cmake", "-G", "Ninja", "-S", "packages/effects/tests/realtime", "-B", target,
        "-DCMAKE_CXX_COMPILER=clang++-22", silent=True,
    )  # fmt: skip
    session.run("cmake", "--build", target)
    session.run(f"{target}/realtime", external=True)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz every native parser of io for a minute each (`-- 3600 wav flac`: an hour, these targets)."""
    if not apt(session, "clang++-22", "clang-22", "libclang-rt-22-dev"):
        session.skip("needs clang++-22")
    session.install("cmake", "ninja", silent=True)
    source, target = ROOT / "packages/io/fuzz", ROOT / "build/fuzz"
    session.run(
        "cmake", "-G", "Ninja", "-S", str(source), "-B", str(target),
        "-DCMAKE_CXX_COMPILER=clang++-22", silent=True,
    )  # fmt: skip
    session.run("cmake", "--build", str(target))
    numbers = [each for each in session.posargs if each.isdigit()]
    wanted = [each for each in session.posargs if not each.isdigit()]
    seconds = int(numbers[0]) if numbers else 60
    names = wanted or sorted(path.stem for path in source.glob("*.cpp"))

    def run(name: str) -> tuple[int, str]:
        # What is found goes to the first folder; the seeds in the second stay as they are.
        found = target / "corpus" / name
        found.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(
            [
                target / name, found, source / "corpus" / name, f"-max_total_time={seconds}",
                "-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=512", "-max_len=65536",
                "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={target}/{name}-",
            ],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    failed = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (code, said) in zip(names, pool.map(run, names), strict=True):
            executed = re.search(r"number_of_executed_units: (\d+)", said)
            print(f"{name}: {int(executed[1]) if executed else 0:,} executions in {seconds} s, status {code}")
            if code:
                print(said[-8_000:])
                failed.append(name)
    if failed:
        session.error(f"found something in {', '.join(failed)}; the inputs are {target}/NAME-*")


@nox.session
def generate(session: nox.Session) -> None:
    """Write the generated files anew (`-- --check`: fail when one is not up to date)."""
    session.install(*group("build"), "nanobind-backend", "numpy")
    session.install("--no-deps", "--no-build-isolation", "./tools")
    session.run("luthier-tools", "generate", "--names-only", *session.posargs)
    if "--check" in session.posargs:
        install_wheels(session)
    else:
        build_in_tree(session)
    session.run("luthier-tools", "generate", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks against the named peers, one after another (`-- fft`: those so named)."""
    install_wheels(session, "test", "oracle")
    scripts = sorted(ROOT.glob("packages/*/benchmarks/*.py"))
    wanted = [script for script in scripts if not session.posargs or script.stem in session.posargs]
    with (Path(tempfile.gettempdir()) / "luthier-bench.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for script in wanted:
            session.run("python", str(script))


@nox.session
def nightly(session: nox.Session) -> None:
    """Run the suites with thousands of new random examples, then all of what `tests` repeats in part."""
    encoders(session)
    install_wheels(session, "test")
    pytest(session, *SUITES, *session.posargs, env={"HYPOTHESIS_PROFILE": "nightly"})
    if not session.posargs:
        for name in NIGHTLY:
            session.notify(name, posargs=[ALL])
        session.notify("fuzz", posargs=["600"])
