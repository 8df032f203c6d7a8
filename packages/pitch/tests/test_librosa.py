"""pYIN against librosa's, whose definitions it takes. `nox -s oracles` has librosa."""

import warnings

import numpy as np
import numpy.typing as npt
import pytest

import luthier.pitch as lp

librosa = pytest.importorskip("librosa")


def notes(rate: int, snr_db: float | None, seed: int) -> npt.NDArray[np.float32]:
    """Gliding notes of some harmonics with pauses, in white noise."""
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(8):
        t = np.arange(int(random.uniform(0.2, 0.6) * rate)) / rate
        f0 = 2 ** random.uniform(np.log2(70), np.log2(900)) * 2 ** (random.uniform(-0.3, 0.3) * t)
        phase = np.cumsum(f0) / rate
        note = sum((np.cos(2 * np.pi * h * phase + random.uniform(0, 6)) / h for h in range(1, 7)), 0 * t)
        fade = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
        parts += [note * fade, np.zeros(int(random.uniform(0, 0.2) * rate))]
    x = np.concatenate(parts)
    noise = 10 ** (-snr_db / 20) if snr_db is not None else 1e-5
    return (x + noise * np.std(x) * random.standard_normal(len(x))).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "frame", "hop"),
    [(8_000, 512, 80), (16_000, 1_024, 160), (22_050, 2_048, 512), (44_100, 4_096, 441)],
)
@pytest.mark.parametrize("snr_db", [None, 10.0])
@pytest.mark.parametrize(
    "options", [{}, {"resolution": 0.2, "switch_prob": 0.02, "beta_parameters": (1, 18)}]
)
def test_pyin_is_librosas(
    rate: int, frame: int, hop: int, snr_db: float | None, options: dict[str, object]
) -> None:
    same = count = 0
    for seed in range(2):
        x = notes(rate, snr_db, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, voiced, _ = librosa.pyin(
                x, fmin=60, fmax=1_200, sr=rate, frame_length=frame, hop_length=hop, **options
            )
        pitch = lp.track(
            x, rate, method="pyin", fmin=60, fmax=1_200, hop_s=hop / rate, frame_s=frame / rate, **options
        )
        assert pitch.f0.shape == expected.shape
        # Half a bin is 5 cents with the default resolution, and f0 is the trough's own within the bin.
        limit = 50.0 * float(options.get("resolution", 0.1))  # type: ignore[arg-type]
        same += int(np.sum(np.abs(pitch.cents(np.where(voiced, expected, 1.0)))[voiced] <= limit))
        count += int(voiced.sum())
    assert count > 100
    assert same >= 0.99 * count
