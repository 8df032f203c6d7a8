"""The text form of a chain: what it means, that it goes both ways, and what errors say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier.effects as fx
import luthier.io as lio
from luthier.cli.chain_syntax import (
    ChainSyntaxError,
    effect_name,
    effects_by_name,
    format_chain,
    parse_chain,
)
from luthier.core import ParameterError
from luthier.effects._strategies import effects_of

EFFECTS = effects_by_name()


leaves = st.sampled_from(list(EFFECTS.values())).flatmap(effects_of)
items = st.recursive(
    leaves,
    lambda inner: st.lists(
        inner | st.lists(inner, max_size=3).filter(lambda c: len(c) != 1).map(fx.Chain),
        min_size=1,
        max_size=3,
    ).map(fx.Mix),
    max_leaves=6,
)


@given(st.lists(items, max_size=4).map(fx.Chain))
def test_every_chain_goes_through_text(chain: fx.Chain) -> None:
    assert parse_chain(format_chain(chain)) == chain


def test_every_effect_of_the_library_has_a_name() -> None:
    public = {getattr(fx, name) for name in fx.__all__}
    classes = {x for x in public if isinstance(x, type) and issubclass(x, fx.Effect)}
    held = {fx.Equalizer, fx.WaveShaper}  # by what a text cannot hold
    assert set(EFFECTS.values()) == classes - {fx.Effect, fx.Chain, fx.Mix, fx.Random} - held
    assert not {"mix", "dry"} & set(EFFECTS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HighpassFilter", "highpass"),
        ("LowShelfFilter", "low_shelf"),
        ("PeakFilter", "peak"),
        ("Compressor", "compressor"),
        ("MP3Compressor", "mp3_compressor"),
        ("GSMFullRate", "gsm_full_rate"),
    ],
)
def test_names_are_the_classes_in_snake_case(name: str, text: str) -> None:
    assert effect_name(type(name, (), {})) == text  # type: ignore[arg-type]


def test_a_chain_in_words() -> None:
    assert parse_chain("gain(gain_db=-3) | compressor(threshold_db=-18, ratio=3) | reverb") == fx.Chain(
        [fx.Gain(gain_db=-3), fx.Compressor(threshold_db=-18, ratio=3), fx.Reverb()]
    )


@pytest.mark.parametrize(
    "text",
    [
        "gain(-3.5)",
        "Gain(-3.5)",
        " gain ( -3.5 ) ",
        "gain(gain_db=-3.5)",
        "gain(gain_db = -35e-1)",
        "gain\n(-3.5)",
    ],
)
def test_spellings_of_the_same(text: str) -> None:
    assert parse_chain(text) == fx.Chain([fx.Gain(-3.5)])


def test_options_are_words_and_numbers() -> None:
    assert parse_chain("mp3(variable, quality=2) | opus(24)") == fx.Chain(
        [fx.Mp3(mode="variable", quality=2), fx.Opus(24)]
    )
    assert parse_chain('mp3("constant", 64)') == fx.Chain([fx.Mp3("constant", 64)])
    assert parse_chain("convolution(normalize=TRUE)") == fx.Chain([fx.Convolution(normalize=True)])
    assert format_chain(fx.Mp3("variable", 64)) == "mp3(mode=variable, bitrate_kbps=64)"
    assert format_chain(fx.Convolution(normalize=True)) == "convolution(normalize=true)"
    with pytest.raises(ParameterError, match=r"an array, which only Effect\.to_json can write"):
        format_chain(fx.Convolution([1.0, 0.5]))


def test_an_impulse_response_is_named_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "hall, 2.wav"
    lio.write(file, np.array([[1.0, 0.5, 0.25]], np.float32), 22_050, subtype="FLOAT")
    wanted = fx.Chain([fx.Convolution(file, mix=0.3), fx.Gain(1)])
    assert parse_chain(f'convolution("{file}", mix=0.3) | gain(1)') == wanted
    assert parse_chain(f'convolution(impulse_response="{file}", mix=0.3) | gain(1)') == wanted


def test_an_equalizer_is_written_as_its_filters() -> None:
    bands = [fx.LowShelfFilter(100, 3), fx.PeakFilter(900, -6, 2)]
    assert parse_chain(format_chain(fx.Equalizer(bands))) == fx.Chain(bands)


def test_values_in_order_come_before_named_ones() -> None:
    assert parse_chain("compressor(-18, 3, release_ms=50)")[0] == fx.Compressor(-18, 3, release_ms=50)


def test_the_full_name_of_a_filter_is_its_name_too() -> None:
    for name, effect in EFFECTS.items():
        assert parse_chain(effect.__name__)[0] == effect()
        if effect.__name__.endswith("Filter"):
            assert parse_chain(f"{name}_filter")[0] == effect()
    with pytest.raises(ChainSyntaxError, match="no effect is called 'gain_filter'; did you mean 'gain'"):
        parse_chain("gain_filter")


def test_mixes_nest() -> None:
    mix = parse_chain("mix(dry, gain(1) | mix(gain(2), gain(3) | gain(4)))")[0]
    assert mix == fx.Mix(
        [
            fx.Chain([]),
            fx.Chain([fx.Gain(1), fx.Mix([fx.Gain(2), fx.Chain([fx.Gain(3), fx.Gain(4)])])]),
        ]
    )


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the chain is empty"),
        ("   ", 1, "the chain is empty"),
        ("gain(1) |", 10, "expected the name of an effect, got the end"),
        ("| gain(1)", 1, "expected the name of an effect, got '|'"),
        ("gain(1) gain(2)", 9, "expected '|' or the end, got 'gain'"),
        ("gain(1", 7, "expected ',' or ')', got the end"),
        ("gain(1;", 7, "';' cannot stand here"),
        ("gain(1) -> reverb", 9, "'-' cannot stand here"),
        ("gain(1,)", 8, "gain has no more parameters: it takes 1 parameter"),
        ("gain(gain_db=)", 14, "expected a number for gain_db, got ')'"),
        ("gain(gain_db=loud)", 14, "expected a number for gain_db, got 'loud'"),
        ("gain(3dB)", 6, "'3' cannot stand here"),
        ("gain(nan)", 6, "expected a number for gain_db, got 'nan'"),
        ("gain(1e999)", 6, "gain.gain_db must be a number from -120 to 60 dB, got inf"),
        ("gain(1) | gain(61)", 16, "gain.gain_db must be a number from -120 to 60 dB, got 61.0"),
        ("mp3(fast)", 5, "mp3.mode must be one of 'constant', 'variable', got 'fast'"),
        ("mp3(bitrate_kbps=100)", 18, "mp3.bitrate_kbps must be one of 8, 16, "),
        ("mp3(mode=)", 10, "expected one of its values for mode, got ')'"),
        ("convolution(normalize=1)", 23, "expected true or false for normalize, got '1'"),
        ("convolution(normalize=", 23, "expected true or false for normalize, got the end"),
        (
            "convolution(1)",
            13,
            "expected the name of a file in quotation marks for impulse_response, got '1'",
        ),
        ('gain(1) | convolution("no.wav")', 11, "no.wav"),
        (
            "compressor(sidechain=voice)",
            22,
            "compressor.sidechain is another signal to listen to, which has no",
        ),
        ("gain(1) | wave_shaper", 11, "a wave_shaper's curve has no text form"),
        ("equalizer()", 1, "an equalizer is written as its filters"),
        ("compresor", 1, "no effect is called 'compresor'; did you mean 'compressor'?"),
        ("gain(1) | zzz(1)", 11, "no effect is called 'zzz'; known: "),
        ("gain(gain=1)", 6, "gain has no parameter 'gain'; did you mean 'gain_db'?"),
        ("compressor(treshold_db=1)", 12, "no parameter 'treshold_db'; did you mean 'threshold_db'?"),
        ("gain(gain_db=1, gain_db=2)", 17, "gain got gain_db twice"),
        ("gain(1, gain_db=2)", 9, "gain got gain_db twice"),
        ("compressor(ratio=3, -18)", 21, "expected 'parameter='"),
        ("mix", 4, "expected '(' and the branches of the mix"),
        ("mix()", 5, "a mix of nothing is silence: give it branches, such as mix(dry, reverb)"),
        ("mix(dry, mix( ))", 15, "a mix of nothing is silence"),
        ("chain", 1, "a chain has no name: write its effects with '|' between them"),
        ("gain | Chain(gain)", 8, "a chain has no name"),
        ("mix(" * 3_000, 125, "nested too deeply: at most 31 mixes within one another"),
        ("mix(gain(1)", 12, "expected ',' or ')', got the end"),
        ("mix(gain(1),)", 13, "expected the name of an effect, got ')'"),
        ("dry(1)", 4, "expected '|' or the end, got '('"),
    ],
)
def test_errors_say_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ChainSyntaxError) as caught:
        parse_chain(text)
    told = str(caught.value)
    assert message in told
    assert told.startswith(f"chain, column {column}: ")
    assert caught.value.column == column
    here = told[told.index("(here: ") + 7 : -1]
    before, _, after = here.partition("-->")
    assert text[: column - 1].endswith(before)
    assert text[column - 1 :].startswith(after) or after == "(end)"


def test_the_deepest_chain_that_can_be_written_runs() -> None:
    depth = 31
    chain = parse_chain("mix(dry, gain | " * depth + "gain" + ")" * depth)
    assert chain.stream(44_100, 1).latency == 0
    assert parse_chain(format_chain(chain)) == chain


def test_a_mix_of_nothing_has_no_text() -> None:
    with pytest.raises(ParameterError, match="a mix of nothing"):
        format_chain(fx.Chain([fx.Mix([])]))


@given(st.text(max_size=30) | st.text("gain(1)|,=mxry. -+e_ ", max_size=30))
def test_no_text_does_worse_than_an_error(text: str) -> None:
    try:
        chain: Any = parse_chain(text)
    except ChainSyntaxError as failed:
        column = failed.column
    else:
        column = 1
        assert parse_chain(format_chain(chain)) == chain
    assert 1 <= column <= len(text) + 1
