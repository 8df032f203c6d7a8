"""The report behind `luthier.core.doctor`: what is installed, what it runs on, and whether it works.

Everything here works with nothing but the standard library, so that a broken installation can still
describe itself; what fails becomes a line under "problems".
"""

from __future__ import annotations

import importlib
import math
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["Report", "doctor"]

#: Distribution -> the module that it brings.
MEMBERS = {
    "luthier-core": "luthier.core",
    "luthier-io": "luthier.io",
    "luthier-effects": "luthier.effects",
    "luthier-pitch": "luthier.pitch",
    "luthier": "luthier.cli",
}
OTHERS = ("numpy", "nanobind-backend", "soundfile")
NOT_INSTALLED = "not installed"


@dataclass
class Report:
    """What `doctor` found.

    Attributes
    ----------
    facts
        Title of a section -> name -> value, all of them strings, home directory shortened to ``~``.
    problems
        One line for each thing that is wrong; empty when all is well.
    """

    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries and lists, for JSON."""
        return {"ok": self.ok, "problems": self.problems, **self.facts}

    def to_markdown(self) -> str:
        """Return a block to paste into an issue."""
        lines = ["### luthier doctor", "", "| | |", "|---|---|"]
        for title, section in self.facts.items():
            lines.append(f"| **{title}** | |")
            for name, value in section.items():
                cell = value.replace("|", "\\|").replace("\n", " ")
                lines.append(f"| {name} | {cell} |")
        lines.append("")
        if self.ok:
            lines.append("No problems found.")
        else:
            lines.append(f"**{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''} found:**")
            lines += [f"- {problem}" for problem in self.problems]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def doctor() -> Report:
    """Examine this installation: versions, interpreter, CPU, threads, and a self-test of about a second.

    ``python -m luthier.core.doctor`` prints the same, ``--json`` for machines, and exits with 1 when
    there are problems.

    Returns
    -------
    Report
        Print it, or read ``ok``, ``problems`` and ``facts``.

    Examples
    --------
    >>> import luthier.core
    >>> report = luthier.core.doctor()
    >>> sorted(report.facts)
    ['luthier', 'machine', 'others', 'python', 'self-test']
    """
    report = Report()
    found = _distributions()
    _add_members(report, found)
    report.facts["others"] = {name: _version(found, name) for name in OTHERS}
    report.facts["others"]["libsndfile"] = _libsndfile(report)
    report.facts["python"] = _python()
    report.facts["machine"] = _machine(report)
    report.facts["self-test"] = _self_test(report)
    return _redacted(report)


def _distributions() -> dict[str, list[Distribution]]:
    """Normalised name -> its installations in the order of the path, so the first one is imported."""
    from importlib.metadata import distributions  # costs as much as the rest of luthier.core

    found: dict[str, list[Distribution]] = {}
    seen: set[str] = set()
    for distribution in distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()
        if name not in MEMBERS and name not in OTHERS:
            continue
        place = os.path.realpath(str(getattr(distribution, "_path", id(distribution))))
        if place not in seen:
            seen.add(place)
            found.setdefault(name, []).append(distribution)
    return found


def _version(found: Mapping[str, list[Distribution]], name: str) -> str:
    return found[name][0].version if name in found else NOT_INSTALLED


def _add_members(report: Report, found: Mapping[str, list[Distribution]]) -> None:
    section = report.facts["luthier"] = {}
    for name, module in MEMBERS.items():
        section[name] = _version(found, name)
        if len(found.get(name, ())) > 1:
            places = ", ".join(f"{d.version} in {d.locate_file('')}" for d in found[name])
            report.problems.append(f"{name} is installed {len(found[name])} times: {places}; keep one")
        if name not in found:
            continue
        try:
            imported = importlib.import_module(module)
        except Exception as error:
            report.problems.append(f"{module} does not import: {type(error).__name__}: {error}")
            continue
        told = getattr(imported, "__version__", None)
        if told is not None and told != section[name]:
            report.problems.append(
                f"{module} says it is {told}, its installed metadata {section[name]}; reinstall {name}"
            )
    for name in MEMBERS:
        for distribution in found.get(name, ())[:1]:
            for other, wanted in _pins(distribution):
                has = _version(found, other)
                if has != wanted:
                    report.problems.append(
                        f"{name} {distribution.version} belongs with {other} {wanted}, which is "
                        f"{has if has == NOT_INSTALLED else f'installed as {has}'}; "
                        f"run: pip install {other}=={wanted}"
                    )
    for entry in sys.path:
        stray = Path(entry or ".") / "luthier" / "__init__.py"
        if stray.is_file():
            report.problems.append(f"{stray} hides the luthier packages, which share that name; remove it")


def _pins(distribution: Distribution) -> list[tuple[str, str]]:
    """The members of luthier that a member asks for, with their exact versions."""
    pins = []
    for requirement in distribution.requires or ():
        match = re.match(r"(luthier[-\w]*)\s*\(?\s*==\s*([\w.+!-]+)\)?\s*$", requirement)
        if match:
            pins.append((re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]))
    return pins


def _python() -> dict[str, str]:
    gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    threading = "free-threaded" if free_threaded else "GIL"
    if free_threaded and gil_enabled:
        threading += ", but the GIL was switched on (by PYTHON_GIL=1 or a module that asks for it)"
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "threading": threading,
        "abi": str(sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag),
        "executable": sys.executable,
    }


def _machine(report: Report) -> dict[str, str]:
    libc, version = platform.libc_ver()
    section = {
        "platform": platform.platform(),
        "architecture": platform.machine(),
        "libc": f"{libc} {version}".strip() or "unknown",
        "processor": _processor(),
    }
    try:
        from luthier.core.runtime import cpu, threads

        which = cpu()
        section["instruction set"] = f"{which.chosen} of {which.detected}" + (
            f", forced by {which.forced_by}" if which.forced_by else ""
        )
        section["threads"] = str(threads())
    except Exception as error:
        report.problems.append(f"luthier.core._native does not load: {type(error).__name__}: {error}")
    return section


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _libsndfile(report: Report) -> str:
    try:
        from luthier.io import sndfile
    except ImportError:
        return "unknown (luthier-io is not installed)"
    try:
        return sndfile.load()
    except Exception as error:
        report.problems.append(f"{type(error).__name__}: {error}")
        return "not found"


def _self_test(report: Report) -> dict[str, str]:
    section = {}
    for name, check in _CHECKS.items():
        try:
            section[name] = check()
        except ImportError as error:
            section[name] = f"skipped: {error}"
        except Exception as error:
            section[name] = "FAILED"
            report.problems.append(f"self-test {name!r}: {type(error).__name__}: {error}")
    return section


def _expect(what: str, value: float, wanted: float, tolerance: float) -> str:
    if not abs(value - wanted) <= tolerance:
        raise AssertionError(f"{what} is {value!r}, should be {wanted!r} within {tolerance:g}")
    off = f"is {abs(value):.1g}" if wanted == 0.0 else f"is off by {abs(value - wanted):.1g}"
    return f"ok ({what} {off})"


def _check_fft() -> str:
    """The spectrum of a cosine with 5 turns in 1024 samples is 512 at line 5, and nothing elsewhere."""
    import numpy as np

    from luthier.core import _native

    turns = np.cos(2 * np.pi * 5 / 1_024 * np.arange(1_024)).astype(np.float32)[None]
    spectrum = np.empty((1, 1_026), np.float32)
    _native.RealFft32(1_024).forward(turns, spectrum)
    wanted = np.zeros(1_026)
    wanted[10] = 512.0
    return _expect("largest error of a cosine's spectrum", float(abs(spectrum - wanted).max()), 0.0, 1e-3)


def _check_effects() -> str:
    """A first-order low-pass has the gain sqrt(1/2) at its cutoff, exactly."""
    import numpy as np

    import luthier.effects as fx

    impulse = np.zeros((1, 48_000), np.float64)
    impulse[0, 0] = 1.0
    response = fx.LowpassFilter(cutoff_hz=1_000.0)(impulse, 48_000.0)[0]
    turn = np.exp(-2j * np.pi * 1_000.0 / 48_000.0 * np.arange(response.size))
    return _expect("gain of a lowpass at its cutoff", float(abs(response @ turn)), math.sqrt(0.5), 1e-5)


def _check_pitch() -> str:
    """A sine's f0 is its frequency."""
    import numpy as np

    import luthier.pitch as lp

    sine = np.sin(2 * np.pi * 220.0 / 16_000.0 * np.arange(16_000)).astype(np.float32)
    track = lp.track(sine, 16_000.0)
    return _expect("median f0 of a 220 Hz sine", float(np.median(track.f0[track.voiced])), 220.0, 0.2)


def _check_io() -> str:
    """A float WAV file gives back what was written."""
    import tempfile

    import numpy as np

    import luthier.io as lio

    written = np.linspace(-1.0, 1.0, 2_000, dtype=np.float32).reshape(2, 1_000)
    with tempfile.TemporaryDirectory() as folder:
        lio.write(f"{folder}/ramp.wav", written, 48_000, subtype="FLOAT")
        read = lio.read(f"{folder}/ramp.wav")
    return _expect(
        "largest error of a float WAV file, read back,", float(abs(read.samples - written).max()), 0.0, 0.0
    )


_CHECKS: dict[str, Callable[[], str]] = {
    "fft": _check_fft,
    "io": _check_io,
    "effects": _check_effects,
    "pitch": _check_pitch,
}


def _redacted(report: Report) -> Report:
    """The report without the user's name: the home directory becomes ``~``."""
    homes = {os.path.expanduser("~"), os.path.realpath(os.path.expanduser("~"))}

    def clean(text: str) -> str:
        for home in homes:
            if len(home) > 1:
                text = text.replace(home, "~")
        return text

    facts = {title: {k: clean(v) for k, v in section.items()} for title, section in report.facts.items()}
    return Report(facts, [clean(problem) for problem in report.problems])
