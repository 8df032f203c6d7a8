"""Audio: what it says of itself, and what a notebook shows."""

import base64
import html
import io
import re
import wave
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from luthier.core import Audio, audio


def embedded_wav(page: str) -> wave.Wave_read:
    data = re.search(r'src="data:audio/wav;base64,([^"]+)"', page)
    assert data is not None
    return wave.open(io.BytesIO(base64.b64decode(data[1])))


def test_is_a_tuple_of_samples_and_rate() -> None:
    samples, sample_rate = Audio(np.zeros((2, 3), np.float32), 8_000)
    assert samples.shape == (2, 3)
    assert sample_rate == 8_000


@pytest.mark.parametrize(
    ("shape", "channels", "frames"),
    [((300,), 1, 300), ((1, 300), 1, 300), ((2, 300), 2, 300), ((7, 2, 300), 2, 300), ((2, 0), 2, 0)],
)
def test_counts(shape: tuple[int, ...], channels: int, frames: int) -> None:
    sound = Audio(np.zeros(shape, np.float32), 100.0)
    assert (sound.channels, sound.frames, sound.duration) == (channels, frames, frames / 100)


def test_repr_says_what_it_is_and_prints_no_samples() -> None:
    assert repr(Audio(np.ones((1, 66_150), np.float32), 44_100)) == (
        "Audio(1 channel, 66150 frames, float32, 44100 Hz, 1.5 s)"
    )
    assert repr(Audio(np.ones((3, 2, 4), np.float64), 8)) == (
        "Audio(3 items of 2 channels, 4 frames, float64, 8 Hz, 0.5 s)"
    )
    assert str(Audio(np.ones((1, 1)), 1)) == repr(Audio(np.ones((1, 1)), 1))


@pytest.mark.parametrize(
    ("samples", "rate"),
    [(3, "x"), (None, None), (np.zeros(()), 8_000), ([0.0], 8_000), ("<b>", 1), (np.zeros(4, object), 1)]
    + [(np.zeros(4), rate) for rate in (0, -1, float("nan"), float("inf"), "44100", 1j, 10**400)],
)
def test_what_is_no_audio_still_has_a_repr(samples: Any, rate: Any) -> None:
    sound = Audio(samples, rate)
    assert repr(sound).startswith("Audio(")
    assert sound._repr_html_() == f"<code>{html.escape(repr(sound))}</code>"


def test_the_page_stays_small_and_the_player_says_what_it_holds() -> None:
    page = Audio(np.zeros((2, 44_100 * 40), np.float32), 44_100)._repr_html_()
    assert len(page) < 3_000_000
    assert "the player holds the first 11.3 s" in page
    with embedded_wav(page) as player:
        assert player.getnframes() == 500_000


def test_a_not_a_number_hides_no_peak() -> None:
    samples = np.zeros((1, 80_000), np.float32)
    samples[0, 40_000:40_003] = [np.nan, 1.0, -np.inf]
    assert audio._waveform_svg(samples) == audio._waveform_svg(np.nan_to_num(samples, neginf=-1.0))
    assert audio._waveform_svg(samples) != audio._waveform_svg(np.zeros_like(samples))


def test_player_holds_the_samples_as_16_bit_wav() -> None:
    samples = np.array([[0.0, 0.5, -1.0, 1.0], [0.25, -0.25, 2.0, np.nan]], np.float32)
    with embedded_wav(Audio(samples, 48_000)._repr_html_()) as player:
        assert player.getframerate() == 48_000
        assert player.getnchannels() == 2
        assert player.getsampwidth() == 2
        frames = np.frombuffer(player.readframes(9), "<i2").reshape(-1, 2).T
    clipped = np.array([[0.0, 0.5, -1.0, 1.0], [0.25, -0.25, 1.0, 0.0]])
    np.testing.assert_array_equal(frames, np.rint(clipped * 32_767))


def test_long_audio_is_cut_in_the_player_with_a_note() -> None:
    page = Audio(np.zeros((1, 31 * 1_000), np.float32), 1_000)._repr_html_()
    with embedded_wav(page) as player:
        assert player.getnframes() == audio.PLAYER_SECONDS * 1_000
    assert "the player holds the first 30 s" in page
    assert "the player holds" not in Audio(np.zeros((1, 30_000), np.float32), 1_000)._repr_html_()


def test_more_channels_than_a_player_takes_are_noted() -> None:
    page = Audio(np.zeros((6, 10), np.float32), 1_000)._repr_html_()
    with embedded_wav(page) as player:
        assert player.getnchannels() == 2
    assert "channels 1 to 2 of 6" in page
    assert page.count("<path") == 6


def test_waveform_reaches_the_peaks() -> None:
    samples = np.zeros((1, 10_000), np.float32)
    samples[0, 5_000] = 1.0
    page = Audio(samples, 1_000)._repr_html_()
    svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    path = svg[0].attrib["d"].strip("MZ")
    points = np.array([point.split(",") for point in path.split("L")], float)
    highest = points[points[:, 1].argmin()]
    assert highest[1] < 1.0
    assert abs(highest[0] - 400.0) < 2.0  # the middle of 800 units
    assert points[:, 1].max() < 32.0  # nothing below the middle line


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (4, 2, 10)])
def test_what_has_no_player_still_shows_itself(shape: tuple[int, ...]) -> None:
    sound = Audio(np.zeros(shape, np.float32), 1_000)
    assert sound._repr_html_() == f"<code>{sound!r}</code>"


@pytest.mark.parametrize("frames", [1, 2, 799, 801])
def test_short_audio_has_a_waveform(frames: int) -> None:
    assert "<path" in Audio(np.ones((1, frames)), 1_000)._repr_html_()
