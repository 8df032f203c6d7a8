"""What the networks see: the specification of the front end, as plain data that a model pack can hold.

A frame of the network stands for `hop` samples at `sample_rate` and answers for two results, `hop / 2`
apart: frame j for the times ``j * hop`` and ``j * hop + hop / 2`` samples. Each *analysis* is a power
spectrum of the samples around ``j * hop + centre``; each *channel* reads one of them at a multiple of every
candidate f0, so that what belongs to one candidate lies in one column of the (channels, frames, bins)
array. A last channel tells how loud the frame is against the loudest of late.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Analysis:
    """One windowed spectrum a frame: a rising half of a Hann window, its peak at `centre`, a falling half.

    Attributes
    ----------
    size
        Length of the transform, a power of two, at least ``rise + fall``.
    centre
        Samples from the frame's first time to the window's peak.
    rise, fall
        Samples before and from the peak on.
    """

    size: int
    centre: int
    rise: int
    fall: int


@dataclass(frozen=True)
class FrontEndSpec:
    """The front end, complete: two that are equal give the same features.

    Attributes
    ----------
    sample_rate, hop
        In hertz and samples; signals of other rates are resampled first.
    bins, lowest_hz, bins_per_octave
        The candidates: bin i is ``lowest_hz * 2 ** (i / bins_per_octave)``.
    analyses
        The first one also sets the level that the others are taken against.
    channels
        (index of the analysis, multiple of the candidate) each.
    floor
        Power, relative to the frame's mean, that is added before the logarithm.
    offset, scale
        A feature is ``(ln(power / level + floor) + offset) * scale``.
    decay_db_s
        How fast the memory of the loudest frame fades for the last channel, in dB a second.
    """

    sample_rate: int = 16_000
    hop: int = 320
    bins: int = 120
    lowest_hz: float = 27.5
    bins_per_octave: int = 16
    analyses: tuple[Analysis, ...] = ()
    channels: tuple[tuple[int, float], ...] = ()
    floor: float = 1e-6
    offset: float = 4.0
    scale: float = 0.25
    decay_db_s: float = 10.0
    name: str = field(default="", compare=False)

    @property
    def features(self) -> int:
        """Channels that come out: those of `channels` and the level's."""
        return len(self.channels) + 1

    def frequencies(self) -> list[float]:
        """The candidates, in hertz."""
        return [self.lowest_hz * 2 ** (i / self.bins_per_octave) for i in range(self.bins)]

    def look_ahead(self) -> int:
        """Samples that the front end needs after the first of a frame's two times."""
        return max(a.centre + a.fall for a in self.analyses)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> FrontEndSpec:
        raw = json.loads(text)
        raw["analyses"] = tuple(Analysis(**a) for a in raw["analyses"])
        raw["channels"] = tuple((int(i), float(h)) for i, h in raw["channels"])
        return cls(**raw)


def _channels(short: tuple[int, ...]) -> tuple[tuple[int, float], ...]:
    # Multiples below one and halves show an octave error for what it is: partials between the candidate's.
    long = [(0, h) for h in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)]
    middle = [(a, h) for a in short[:2] for h in (1.0, 2.0, 3.0)]
    quick = [(a, h) for a in short[2:] for h in (1.0, 2.0, 4.0)]
    return (*long, *middle, *quick)


#: The default: 128 ms sees 30 Hz; 64 and 32 ms around each of the two results see movement and edges.
ACCURATE = FrontEndSpec(
    name="accurate",
    analyses=(
        Analysis(2048, 80, 1024, 1024),
        Analysis(1024, 0, 512, 512),
        Analysis(1024, 160, 512, 512),
        Analysis(512, 0, 256, 256),
        Analysis(512, 160, 256, 256),
    ),
    channels=_channels((1, 2, 3, 4)),
)

#: For low latency: windows that rise slowly and fall fast, none past 40 ms after the frame's first time.
QUICK = FrontEndSpec(
    name="quick",
    analyses=(
        Analysis(2048, 120, 1528, 520),
        Analysis(1024, 160, 544, 480),
        Analysis(512, 320, 256, 256),
        Analysis(512, 0, 256, 256),
        Analysis(512, 160, 256, 256),
    ),
    channels=_channels((1, 2, 3, 4)),
)

SPECS = {spec.name: spec for spec in (ACCURATE, QUICK)}
