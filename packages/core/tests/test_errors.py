"""One hierarchy: every error is a LuthierError and the builtin that callers expect."""

import inspect
import pickle

import pytest

import luthier.core
from luthier.core import errors

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]

BUILTINS = {
    "LayoutError": (ValueError,),
    "ParameterError": (ValueError,),
    "StreamError": (RuntimeError,),
    "DecodeError": (OSError, ValueError),
    "EncodeError": (OSError, ValueError),
    "UnsupportedFormat": (OSError, ValueError),
    "MissingDependencyError": (ImportError,),
    "LuthierError": (Exception,),
    "NonFiniteWarning": (UserWarning,),
    "ClippingWarning": (UserWarning,),
    "DamagedAudioWarning": (UserWarning,),
}


def test_every_error_is_public_and_listed_here() -> None:
    assert {kind.__name__ for kind in ERRORS} == set(BUILTINS)
    assert set(errors.__all__) == {*BUILTINS, "DamageReport"}
    assert set(errors.__all__) <= set(luthier.core.__all__)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_error_is_the_builtin_that_callers_expect(kind: type[Exception]) -> None:
    assert issubclass(kind, BUILTINS[kind.__name__])
    assert issubclass(kind, (luthier.core.LuthierError, Warning))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_error_keeps_its_message(kind: type[Exception]) -> None:
    error = kind("what was given, what is allowed, what to do")
    assert str(error) == "what was given, what is allowed, what to do"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)


def test_reports_of_damage_travel_between_processes() -> None:
    report = luthier.core.DamageReport("its audio is cut short", 7, 58, 10, 7)
    warning = luthier.core.DamagedAudioWarning("take.wav: cut", report)
    assert pickle.loads(pickle.dumps(warning)).report == report
    error = luthier.core.DecodeError("take.wav: cut")
    error.report = report
    assert pickle.loads(pickle.dumps(error)).report == report
