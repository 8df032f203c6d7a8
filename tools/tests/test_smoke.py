"""The smoke check passes here, and fails when something is wrong."""

import numpy as np
import pytest

import luthier.core
import luthier.effects as fx
from luthier_tools import smoke
from luthier_tools.__main__ import main


def test_all_is_well_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "--expect-isa", luthier.core.cpu().chosen]) == 0
    out = capsys.readouterr().out
    assert "ok     effects: Gain float32" in out
    assert "ok     effects: Reverb float64" in out
    assert "ok     pitch: yin" in out
    assert "0 failed" in out


def test_another_path_than_expected_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "--expect-isa", "v9"]) == 1
    assert "FAILED dispatch to v9" in capsys.readouterr().out


@pytest.mark.parametrize(
    "spoil", [lambda wet: wet[:, :-1], lambda wet: wet.astype(np.float64), lambda wet: wet * np.nan]
)
def test_an_effect_that_gives_nonsense_fails(spoil) -> None:
    class Broken:
        def __call__(self, samples, sample_rate):
            return spoil(fx.Gain()(samples, sample_rate))

    with pytest.raises(AssertionError):
        smoke.effect(Broken, np.zeros((1, 32), np.float32))
