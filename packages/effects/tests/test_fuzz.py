"""Any effect, with any values, at any rate, on any shape, cut anywhere, with any samples.

No crash, no hang, and the same finite sound however it is cut.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import LuthierError
from luthier.effects._strategies import effects_of, parameter_values

LEAVES = [
    cls
    for cls in (getattr(fx, name) for name in fx.__all__)
    if isinstance(cls, type) and issubclass(cls, fx.Effect) and cls is not fx.Effect and cls._kind == "effect"
]
#: Each block of these goes through a codec's encoder and back.
CODECS = [cls for cls in LEAVES if cls.__name__ in ("GsmFullRate", "Mp3", "Opus", "Vorbis")]
NATIVE = [cls for cls in LEAVES if cls not in CODECS]

RATES = st.one_of(
    st.sampled_from([1.0, 7.0, 100.0, 999.5, 8_000.0, 44_100.0, 384_000.0, 10_000_000.0]),
    st.floats(1, 200_000),
)
SAMPLES = [0.0, -0.0, 1.0, -1.0, 1e-40, 1e-310, 3e38, -3e38, 1e20, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("cls", NATIVE, ids=lambda cls: cls.__name__)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_anything_goes(cls: type[fx.Effect], data: st.DataObject) -> None:
    effect = data.draw(effects_of(cls))
    rate, channels = data.draw(RATES), data.draw(st.integers(0, 5))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    frames = data.draw(st.integers(0, 700))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x = (10 ** rng.uniform(-4, 1) * rng.standard_normal((channels, frames))).astype(dtype)
    if x.size:
        for _ in range(data.draw(st.integers(0, 4))):
            value = data.draw(st.sampled_from(SAMPLES))
            with np.errstate(over="ignore"):
                x[rng.integers(channels), rng.integers(frames)] = value
    loud = not np.isfinite(x).all() or np.abs(x).max(initial=0) > 1e6
    cuts = sorted(data.draw(st.lists(st.integers(0, frames), max_size=8)))
    move = None
    if cls.parameters:
        field = data.draw(st.sampled_from(cls.parameters))
        move = field.name, data.draw(parameter_values(field)), data.draw(st.sampled_from([0, *cuts, frames]))

    def run(edges: list[int]) -> np.ndarray:
        stream = effect.stream(rate, channels, dtype=dtype)
        assert 0 <= stream.latency < 100_000_000
        parts = [np.zeros((channels, 0), dtype)]
        for a, b in itertools.pairwise(edges):
            if move and a == move[2]:
                setattr(stream.effect, *move[:2])
            parts.append(stream.process(x[:, a:b]))
        return np.concatenate(parts, axis=1)

    fixed = {0, frames} | ({move[2]} if move else set())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            whole = run(sorted(fixed))
        except LuthierError:
            return  # some effects need a certain rate or number of channels, and say so
        cut = run(sorted(fixed | set(cuts)))
    assert np.isfinite(whole).all()
    # How long an overflow is silenced depends on the blocks.
    if not loud:
        np.testing.assert_array_equal(cut, whole)
