"""Time the real FFT against FFTW and SciPy: ``python benchmarks/fft.py [--dtype float64] [--sizes 256 ...]``.

One thread. All three transform the same rows in one call, enough rows that calling from Python costs
nothing. FFTW is planned with ``FFTW_MEASURE`` twice: for all rows in one plan, and for one row, executed
once a row on the first row's memory; the faster of the two counts, which favours it, since one row stays
in the cache. Runs alternate and the fastest of each counts. Accuracy is the root-mean-square error against
NumPy in float64, in dB below the signal. ``LUTHIER_ISA`` chooses the instruction set.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyfftw
import scipy.fft

from luthier.core import _native

PLANS = {"float32": _native.RealFft32, "float64": _native.RealFft64}


def fastest(calls: list[Callable[[], object]], seconds: float) -> list[float]:
    """Nanoseconds of the fastest run of each call, run in turn."""
    best = [float("inf")] * len(calls)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, call in enumerate(calls):
            start = time.perf_counter_ns()
            call()
            best[i] = min(best[i], time.perf_counter_ns() - start)
    return best


def error_db(got: npt.NDArray[np.number], wanted: npt.NDArray[np.number]) -> float:
    """Energy of the error relative to the signal, in dB."""
    return float(10 * np.log10(np.mean(np.abs(got - wanted) ** 2) / np.mean(np.abs(wanted) ** 2)))


def row(n: int, dtype: str, samples: int, seconds: float) -> str:
    """One line of the table."""
    count = max(1, samples // n)
    complex_dtype = "complex64" if dtype == "float32" else "complex128"
    x = pyfftw.empty_aligned((count, n), dtype, n=64)
    y = pyfftw.empty_aligned((count, n), dtype, n=64)
    spectrum = pyfftw.empty_aligned((count, n // 2 + 1), complex_dtype, n=64)
    fftw_spectrum = pyfftw.empty_aligned((count, n // 2 + 1), complex_dtype, n=64)
    fftw_y = pyfftw.empty_aligned((count, n), dtype, n=64)
    planned = {"axes": (1,), "flags": ("FFTW_MEASURE",), "threads": 1}
    fftw_forward = pyfftw.FFTW(x, fftw_spectrum, direction="FFTW_FORWARD", **planned)
    fftw_inverse = pyfftw.FFTW(fftw_spectrum, fftw_y, direction="FFTW_BACKWARD", **planned)
    one = (x[:1], fftw_spectrum[:1]), (fftw_spectrum[:1], fftw_y[:1])
    one_forward = pyfftw.FFTW(*one[0], direction="FFTW_FORWARD", **planned).execute
    one_inverse = pyfftw.FFTW(*one[1], direction="FFTW_BACKWARD", **planned).execute
    x[:] = np.random.default_rng(1).standard_normal((count, n))

    plan = PLANS[dtype](n)
    flat = spectrum.view(dtype)
    plan.forward(x, flat)
    plan.inverse(flat, y)
    fftw_forward.execute()
    exact = np.fft.rfft(x.astype(np.float64))
    errors = [error_db(spectrum, exact), error_db(fftw_spectrum, exact)]
    fftw_inverse.execute()
    back = [error_db(y, x), error_db(fftw_y / n, x)]

    def repeat(execute: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            for _ in range(count):
                execute()

        return run

    times = fastest(
        [
            lambda: plan.forward(x, flat),
            fftw_forward.execute,
            repeat(one_forward),
            lambda: scipy.fft.rfft(x, workers=1),
        ],
        seconds,
    )
    spectrum[:] = exact
    fftw_spectrum[:] = exact
    times += fastest(
        [
            lambda: plan.inverse(flat, y),
            fftw_inverse.execute,
            repeat(one_inverse),
            lambda: scipy.fft.irfft(spectrum, workers=1),
        ],
        seconds,
    )
    a, b, b1, c, d, e, e1, f = (t / count for t in times)
    b, e = min(b, b1), min(e, e1)
    return (
        f"| {n} | {a:.0f} | {b:.0f} | {b / a:.2f} | {c:.0f} | {d:.0f} | {e:.0f} | {e / d:.2f} | {f:.0f} "
        f"| {errors[0]:.1f} | {errors[1]:.1f} | {back[0]:.1f} | {back[1]:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", choices=list(PLANS), default="float32")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1 << k for k in range(8, 17)])
    parser.add_argument("--samples", type=int, default=1 << 16, help="samples a call, at least one row")
    parser.add_argument("--seconds", type=float, default=1.0, help="of measuring, a size and direction")
    args = parser.parse_args()
    print(f"Real FFT, {args.dtype}, one thread, {_native.isa}, pyFFTW {pyfftw.__version__}; ns a transform\n")
    print(
        "| n | forward | FFTW | FFTW/ours | SciPy | inverse | FFTW | FFTW/ours | SciPy "
        "| error dB | FFTW dB | round trip dB | FFTW dB |"
    )
    print("|--:" * 13 + "|")
    for n in args.sizes:
        print(row(n, args.dtype, args.samples, args.seconds), flush=True)


if __name__ == "__main__":
    main()
