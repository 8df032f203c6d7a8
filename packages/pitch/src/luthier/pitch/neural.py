"""Method ``"neural"``: a small network, from its model pack to a native stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from luthier.core import ParameterError
from luthier.core import _native as core_native
from luthier.pitch import _native
from luthier.pitch.models import ModelError, Network, Pack, read_pack

if TYPE_CHECKING:
    from luthier.pitch.methods import Grid, NativeStream

__all__ = ["Model", "load", "stream"]

#: What a front end is made of: bounds of its numbers.
_NUMBERS: Mapping[str, tuple[float, float]] = {
    "sample_rate": (1_000, 1_000_000),
    "hop": (1, 1_000_000),
    "bins": (1, 4_096),
    "lowest_hz": (0.1, 100_000),
    "bins_per_octave": (1, 1_200),
    "floor": (1e-30, 1),
    "offset": (-1e6, 1e6),
    "scale": (-1e6, 1e6),
    "decay_db_s": (0, 1e6),
}
_WHOLE = {"sample_rate", "hop", "bins"}


@dataclass(frozen=True)
class Model:
    """A front end and the network behind it.

    Attributes
    ----------
    front_end
        The native one.
    network
        Gives ``pitch``, (2, frames, bins), and ``unvoiced``, (2, frames, 1).
    numbers
        Of the front end's specification.
    voicing
        Offset and scale of the log-odds of voicing: what makes them a probability (`calibration`).
    """

    front_end: _native.FrontEnd
    network: Network
    numbers: Mapping[str, float]
    voicing: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def of(cls, pack: Pack) -> Model:
        """Return what a pack describes, or raise `ModelError`."""
        spec = pack.front_end
        numbers = {name: _number(spec, name, *bounds) for name, bounds in _NUMBERS.items()}
        try:
            analyses = [
                tuple(int(a[k]) for k in ("size", "centre", "rise", "fall")) for a in spec["analyses"]
            ]
            channels = [(int(source), float(multiple)) for source, multiple in spec["channels"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the pack's front end does not make sense ({type(error).__name__}: {error})"
            ) from None
        for size, centre, rise, fall in analyses:
            power = size & (size - 1) == 0 and 16 <= size <= 1 << 16
            if not power or rise < 1 or fall < 1 or rise + fall > size or abs(centre) > 1 << 20:
                raise ModelError(
                    f"the pack's front end has an analysis of size {size}, centre {centre}, {rise} + {fall}"
                )
        if not 1 <= len(analyses) <= 8 or not 1 <= len(channels) <= 256:
            raise ModelError(
                f"the pack's front end has {len(analyses)} analyses and {len(channels)} channels"
            )
        for source, multiple in channels:
            if not 0 <= source < len(analyses) or not 0 < multiple < 1e4:
                raise ModelError(f"the pack's front end has no channel ({source}, {multiple})")
        network = Network(pack)
        if not {"pitch", "unvoiced"} <= set(network.outputs):
            raise ModelError(f"a pitch network gives 'pitch' and 'unvoiced', not {list(network.outputs)}")
        front_end = _native.FrontEnd(
            numbers["sample_rate"], int(numbers["hop"]), int(numbers["bins"]), numbers["lowest_hz"],
            numbers["bins_per_octave"], cast(Any, analyses), channels, numbers["floor"], numbers["offset"],
            numbers["scale"], numbers["decay_db_s"],
        )  # fmt: skip
        return cls(front_end, network, numbers, _voicing(spec))

    def stream(self, rows: int, single: bool, grid: Grid) -> NativeStream:
        """Start a stream over rows of float32 samples, or float64 where `single` is false."""
        ratio = Fraction(grid.sample_rate).limit_denominator(1_000) / Fraction(self.numbers["sample_rate"])
        make: Any = _native.Neural32 if single else _native.Neural64
        names = list(self.network.outputs)
        try:
            made = make(
                self.front_end, self.network._native, rows, grid.sample_rate, ratio.numerator,
                ratio.denominator, self.numbers["sample_rate"], grid.hop_s, grid.fmin, grid.fmax,
                self.numbers["lowest_hz"], self.numbers["bins_per_octave"], *self.voicing,
                names.index("pitch"), names.index("unvoiced"), core_native.pool(),
            )  # fmt: skip
        except ValueError as error:
            raise ParameterError(f"{error}, at a sample rate of {grid.sample_rate:g} Hz") from None
        return cast("NativeStream", made)


def _number(spec: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = spec.get(name)
    good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not good or (name in _WHOLE and not float(cast(float, value)).is_integer()):
        raise ModelError(f"the pack's front end needs {name} from {low:g} to {high:g}, got {value!r}")
    return float(cast(float, value))


def _voicing(spec: Mapping[str, Any]) -> tuple[float, float]:
    """Return what a pack says of the log-odds of voicing; one that says nothing means them as they are."""
    value = spec.get("voicing", (0.0, 1.0))
    good = isinstance(value, list | tuple) and len(value) == 2
    if not good or not all(isinstance(v, int | float) and abs(v) < 1e3 for v in value) or value[1] <= 0:
        raise ModelError(f"the pack's voicing is an offset and a scale above 0, got {value!r}")
    return float(value[0]), float(value[1])


@cache
def load(name: str) -> Model:
    """Return one of the models that come with the package, made once."""
    file = resources.files("luthier.pitch").joinpath("packs", f"{name}.pack")
    if not file.is_file():
        raise ModelError(f"this installation of luthier-pitch holds no model {name!r}; install it anew")
    return Model.of(read_pack(file.read_bytes()))


def stream(rows: int, single: bool, grid: Grid, options: Mapping[str, Any]) -> NativeStream:
    """Start a stream of the method."""
    if options["low_latency"]:
        return load("pitch-quick").stream(rows, single, grid)
    return load("pitch-accurate").stream(rows, single, grid)
