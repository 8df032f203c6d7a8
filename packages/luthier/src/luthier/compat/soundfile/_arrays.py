"""What arrays are taken."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.compat.soundfile._exact import levels_to_user
from luthier.core import NonFiniteWarning

__all__ = ["check_dtype", "check_dtype_name", "finite"]

_DTYPES = ("float32", "float64", "int16", "int32")


def check_dtype(dtype: npt.DTypeLike) -> str:
    return check_dtype_name("float64" if dtype is None else np.dtype(dtype).name)


def check_dtype_name(name: object) -> str:
    if name not in _DTYPES:
        raise ValueError(f"dtype must be one of {list(_DTYPES)!r} and not {name!r}")
    return str(name)


def finite(data: npt.NDArray[Any], name: object) -> npt.NDArray[Any]:
    """`data` without what an encoder cannot take: infinities become full scale, NaN silence."""
    # Both are not-a-number where one sample is; neither makes a temporary array.
    if data.size == 0 or (np.isfinite(data.min()) and np.isfinite(data.max())):
        return data
    warnings.warn(
        NonFiniteWarning(
            f"{name}: samples that are infinite were written as full scale, those that are not a number as "
            "silence"
        ),
        stacklevel=levels_to_user(),
    )
    fixed: npt.NDArray[Any] = np.nan_to_num(data, nan=0.0, posinf=1.0, neginf=-1.0)
    return fixed
