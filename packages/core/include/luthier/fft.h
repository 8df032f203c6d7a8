// The discrete Fourier transform of real and complex signals, for powers of two from 2 to 2^24.
//
//     RealFft<float> fft;                              // or double
//     fft.prepare(1024);                               // allocates the tables; false: no such size
//     AlignedBuffer<float> scratch(fft.scratch());
//     fft.forward(in, out, scratch.data());            // n reals -> n/2 + 1 complex numbers: re im re im ...
//     fft.inverse(out, in, scratch.data());            // and back; 1/n is included
//
// forward() is X[k] = sum_j x[j] exp(-2 pi i j k / n), NumPy's and SciPy's rfft; inverse() is their
// irfft, and like them ignores the imaginary parts of X[0] and X[n/2]. Both are realtime-safe: no
// allocation, no lock, no libm. `in` may be `out`; nothing need be aligned, though cache-line
// alignment is faster. A plan does not change after prepare(), so threads may share one, each with
// a scratch of its own.
//
// For convolution there is a packed spectrum, of fft.packed() elements in an order that is nobody's
// business: forward_packed(), multiply_add() and inverse_packed() skip the sorting, and the product
// needs no shuffles.
//
// ComplexFft<T> is the same for n complex numbers, interleaved.
//
// How it works. With W lanes in a vector and M = n / W, lane l of vector j holds x[W j + l]. A real
// transform of length M over j, in all lanes at once, needs no shuffles:
//     F_l[k] = sum_j x[W j + l] exp(-2 pi i j k / M)
// and one pass across the lanes finishes it (the decimation in time of Cooley and Tukey, 1965):
//     X[k + M t] = sum_l exp(-2 pi i l t / W) exp(-2 pi i l k / n) F_l[k]
// The pass takes W/2 columns k at a time, transposes them in registers, and does the sum over l as a
// radix-2 step between the halves of a vector and W/2-point transforms down the vectors. Columns
// k = 0 and k = M/2, where F is real, are a W x W matrix each.
// Down the lanes, a first pass of radix 4 to 16 reads the input in digit-reversed order; passes of
// radix 8 and 4 follow in place on half-complex rows (Sorensen, Jones, Heideman, Burrus: "Real-valued fast
// Fourier transform algorithms", IEEE Trans. ASSP 35, 1987), sub-transform by sub-transform and depth
// first, so that what is combined is still in the nearest cache (Frigo and Johnson: "The design and
// implementation of FFTW3", Proc. IEEE 93, 2005, on the recursion).
// The inverse is the same graph transposed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/buffer.h"
#include "luthier/fft_passes.h"
#include "luthier/isa.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

namespace fft {

template <class T>
inline constexpr int kMinLanes = kMaxLanes<T> < 4 ? kMaxLanes<T> : 4;

// Calls f with the number of lanes as a constant.
template <class T, int W = kMaxLanes<T>, class F>
[[gnu::always_inline]] inline void with_lanes(int lanes, F&& f) {
    if constexpr (W > kMinLanes<T>) {
        if (lanes < W) return with_lanes<T, W / 2>(lanes, f);
    }
    f(Index<W>{});
}

// The widest vector of which a signal of n holds at least as many as it has lanes.
template <class T>
int choose_lanes(int n) {
    int w = kMaxLanes<T>;
    while (w * w > n) w /= 2;
    return w;
}

inline bool is_size(int n) { return n >= 2 && n <= (1 << 24) && (n & (n - 1)) == 0; }

// Below this the transforms follow the definition.
inline constexpr int kSmall = 16;

}  // namespace fft

template <class T>
class RealFft {
  public:
    // Makes the plan for transforms of `n` samples. Allocates. False when n is not a power of two
    // from 2 to 2^24.
    bool prepare(int n) {
        if (!fft::is_size(n)) return false;
        p_ = {};
        p_.n = n;
        lanes_ = 0;
        if (n < fft::kSmall) {
            memory_ = AlignedBuffer<T>(2 * std::size_t(n));
            for (int k = 0; k < n; ++k) fft::put(&memory_[2 * k], &memory_[2 * k + 1], k, n);
            return true;
        }
        const int w = lanes_ = fft::choose_lanes<T>(n);
        p_.rows = n / w;
        fft::factor(p_, w * int(sizeof(T)));
        memory_ = AlignedBuffer<T>(fft::twiddle_size(p_, true) + std::size_t(n) + 5 * std::size_t(w) * w);
        T* to = fft::fill_lanes(p_, p_.rows / 2, w, memory_.data());
        to = fft::fill_edges(p_, w, to);
        fft::fill_twiddles(p_, true, to);
        return true;
    }

    int size() const { return p_.n; }
    int bins() const { return p_.n / 2 + 1; }

    // Elements of T that the transforms need as scratch.
    std::size_t scratch() const { return std::size_t(p_.n); }

    void forward(const T* in, T* out, T* scratch) const LUTHIER_REALTIME {
        if (lanes_ == 0) return small(in, out, scratch);
        fft::with_lanes<T>(lanes_, [&](auto w) {
            fft::RealRows<T, w>::forward(p_, in, scratch);
            fft::RealLanes<T, w, false>::forward(p_, scratch, out);
        });
    }

    void inverse(const T* in, T* out, T* scratch) const LUTHIER_REALTIME {
        if (lanes_ == 0) return small_inverse(in, out, scratch);
        fft::with_lanes<T>(lanes_, [&](auto w) {
            fft::RealLanes<T, w, false>::inverse(p_, in, scratch);
            fft::RealRows<T, w>::inverse(p_, scratch, out);
        });
    }

    // Elements of T in a packed spectrum. All zeros is the spectrum of silence.
    std::size_t packed() const { return std::size_t(p_.n) + (lanes_ ? 2 * std::size_t(lanes_) : 2); }

    void forward_packed(const T* in, T* spectrum, T* scratch) const LUTHIER_REALTIME {
        if (lanes_ == 0) return small(in, spectrum, scratch);
        fft::with_lanes<T>(lanes_, [&](auto w) {
            fft::RealRows<T, w>::forward(p_, in, scratch);
            fft::RealLanes<T, w, true>::forward(p_, scratch, spectrum);
        });
    }

    void inverse_packed(const T* spectrum, T* out, T* scratch) const LUTHIER_REALTIME {
        if (lanes_ == 0) return small_inverse(spectrum, out, scratch);
        fft::with_lanes<T>(lanes_, [&](auto w) {
            fft::RealLanes<T, w, true>::inverse(p_, spectrum, scratch);
            fft::RealRows<T, w>::inverse(p_, scratch, out);
        });
    }

    // sum += a * b, bin by bin, for packed spectra.
    void multiply_add(const T* a, const T* b, T* sum) const LUTHIER_REALTIME {
        if (lanes_ == 0) {
            for (int k = 0; k <= p_.n; k += 2) {
                sum[k] += a[k] * b[k] - a[k + 1] * b[k + 1];
                sum[k + 1] += a[k] * b[k + 1] + a[k + 1] * b[k];
            }
            return;
        }
        fft::with_lanes<T>(lanes_, [&](auto w) { fft::RealLanes<T, w, true>::multiply_add(p_, a, b, sum); });
    }

    // Long sums of products go slice by slice, a slice being so many elements of a packed spectrum: spectra
    // that lie slice beside slice are read in one go. For n from 16.
    std::size_t slice() const { return 2 * std::size_t(lanes_); }
    int slices() const { return p_.n / (2 * lanes_) + 1; }

    // In slices `from` to `to`, sums = the sum of the products of all pairs: `count` rows of them, of
    // which each has slice s of its pair i at a and b + s * step + i * slice().
    void multiply_slices(const fft::Products<T>* products, int count, std::ptrdiff_t step, int from, int to,
                         T* sums) const LUTHIER_REALTIME {
        fft::with_lanes<T>(lanes_, [&](auto w) {
            fft::RealLanes<T, w, true>::multiply_slices(p_, products, count, step, from, to, sums);
        });
    }

  private:
    void small(const T* in, T* out, T* scratch) const {
        const int n = p_.n;
        const T* w = memory_.data();
        for (int j = 0; j < n; ++j) scratch[j] = in[j];
        for (int k = 0; k <= n / 2; ++k) {
            T re = 0, im = 0;
            for (int j = 0; j < n; ++j) {
                const int i = 2 * (j * k & (n - 1));
                re += scratch[j] * w[i];
                im -= scratch[j] * w[i + 1];
            }
            out[2 * k] = re;
            out[2 * k + 1] = im;
        }
    }
    void small_inverse(const T* in, T* out, T* scratch) const {
        const int n = p_.n;
        const T* w = memory_.data();
        for (int j = 0; j < n; ++j) {
            T sum = in[0] + (j % 2 ? -in[n] : in[n]);
            for (int k = 1; k < n / 2; ++k) {
                const int i = 2 * (j * k & (n - 1));
                sum += 2 * (in[2 * k] * w[i] - in[2 * k + 1] * w[i + 1]);
            }
            scratch[j] = sum / T(n);
        }
        for (int j = 0; j < n; ++j) out[j] = scratch[j];
    }

    fft::Tables<T> p_;
    int lanes_ = 0;
    AlignedBuffer<T> memory_;
};

template <class T>
class ComplexFft {
  public:
    // Makes the plan for transforms of `n` complex numbers. Allocates. False when n is not a power of
    // two from 2 to 2^24.
    bool prepare(int n) {
        if (!fft::is_size(n)) return false;
        p_ = {};
        p_.n = n;
        lanes_ = 0;
        if (n < fft::kSmall) {
            memory_ = AlignedBuffer<T>(2 * std::size_t(n));
            for (int k = 0; k < n; ++k) fft::put(&memory_[2 * k], &memory_[2 * k + 1], k, n);
            return true;
        }
        const int w = lanes_ = fft::choose_lanes<T>(n);
        p_.rows = n / w;
        fft::factor(p_, 2 * w * int(sizeof(T)));
        memory_ = AlignedBuffer<T>(fft::twiddle_size(p_, false) + 2 * std::size_t(n) + std::size_t(w) * w);
        fft::fill_twiddles(p_, false, fft::fill_lanes(p_, p_.rows, w, memory_.data()));
        return true;
    }

    int size() const { return p_.n; }

    // Elements of T that the transforms need as scratch.
    std::size_t scratch() const { return 2 * std::size_t(p_.n); }

    // X[k] = sum_j x[j] exp(-2 pi i j k / n).
    void forward(const T* in, T* out, T* scratch) const LUTHIER_REALTIME { run<false>(in, out, scratch); }

    // Its inverse, 1/n included.
    void inverse(const T* in, T* out, T* scratch) const LUTHIER_REALTIME { run<true>(in, out, scratch); }

  private:
    template <bool Inverse>
    void run(const T* in, T* out, T* scratch) const {
        if (lanes_ == 0) return small<Inverse>(in, out, scratch);
        fft::with_lanes<T>(lanes_,
                           [&](auto w) { fft::Complex<T, w, Inverse>::transform(p_, in, out, scratch); });
    }

    template <bool Inverse>
    void small(const T* in, T* out, T* scratch) const {
        const int n = p_.n;
        const T* w = memory_.data();
        for (int j = 0; j < 2 * n; ++j) scratch[j] = in[j];
        for (int k = 0; k < n; ++k) {
            T re = 0, im = 0;
            for (int j = 0; j < n; ++j) {
                const int i = 2 * (j * k & (n - 1));
                const T c = w[i], s = Inverse ? -w[i + 1] : w[i + 1];
                re += scratch[2 * j] * c + scratch[2 * j + 1] * s;
                im += scratch[2 * j + 1] * c - scratch[2 * j] * s;
            }
            out[2 * k] = Inverse ? re / T(n) : re;
            out[2 * k + 1] = Inverse ? im / T(n) : im;
        }
    }

    fft::Tables<T> p_;
    int lanes_ = 0;
    AlignedBuffer<T> memory_;
};

}  // namespace luthier::inline LUTHIER_ISA
