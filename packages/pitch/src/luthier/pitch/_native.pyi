from typing import Annotated, overload

import numpy
from numpy.typing import NDArray
from typing_extensions import CapsuleType


isa: str

@overload
def yin(samples: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], sample_rate: float, hop: float, f_min: float, f_max: float, window_s: float, threshold: float, voicing: float, f0: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], confidence: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], pool: CapsuleType) -> None: ...

@overload
def yin(samples: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], sample_rate: float, hop: float, f_min: float, f_max: float, window_s: float, threshold: float, voicing: float, f0: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], confidence: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], pool: CapsuleType) -> None: ...

@overload
def finite(samples: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> bool: ...

@overload
def finite(samples: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> bool: ...
