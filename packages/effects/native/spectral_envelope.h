// The envelope of a spectrum: what a voice's formants are, without its harmonics.
//
// The "true envelope": A. Röbel and X. Rodet, "Efficient spectral envelope estimation and its application to
// pitch shifting and envelope preservation", Proc. DAFx 2005, after S. Imai and Y. Abe, 1979. The logarithm
// of the spectrum is smoothed by leaving out what varies faster than `kReach` allows (a low-pass in the
// cepstrum); where the spectrum falls below the smoothed one it is filled up to it; and again, until the
// smooth curve rests on the harmonics' peaks.
//
// It works on some 256 points, each the loudest of the bins near it: harmonics are what counts, and valleys
// would be filled up anyway.
#pragma once

#include "luthier/buffer.h"
#include "luthier/fft.h"
#include "luthier/math.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
class SpectralEnvelope {
  public:
    using Lane = Vec<T, kGroup>;

    // For spectra of size / 2 + 1 bins. Allocates.
    void prepare(int size, double sample_rate) {
        bins_ = size / 2 + 1;
        each_ = size > 512 ? size / 512 : 1;
        points_ = size / 2 / each_;  // and one more, at half the sample rate
        fft_.prepare(2 * points_);
        scratch_ = AlignedBuffer<T>(fft_.scratch());
        level_ = AlignedBuffer<T>(2 * points_);
        filled_ = AlignedBuffer<T>(2 * points_);
        smooth_ = AlignedBuffer<T>(2 * points_ + 2 * kGroup);
        cepstrum_ = AlignedBuffer<T>(2 * points_ + 2);
        lifter_ = AlignedBuffer<T>(points_ + 1);
        const double reach = kReach * sample_rate;
        for (int k = 0; k <= points_; ++k) {
            // Flat, and half a cosine from the middle to the end.
            const double x = 2 * k / reach - 1;
            lifter_[k] = T(x <= 0 ? 1 : x >= 1 ? 0 : 0.5 + 0.5 * cos_turns(0.5 * x));
        }
    }

    // Of these energies, one a bin.
    void run(const T* energies) LUTHIER_REALTIME {
        T* const level = level_.data();
        for (int m = 0; m <= points_; ++m) {
            int first = m * each_ - each_ / 2, last = m * each_ + each_ / 2;
            first = first < 0 ? 0 : first;
            last = last >= bins_ ? bins_ - 1 : last;
            T most = energies[first];
            for (int k = first + 1; k <= last; ++k) most = energies[k] > most ? energies[k] : most;
            smooth_[m] = most;
        }
        T loudest = T(1e-30);
        for (int m = 0; m <= points_; ++m) loudest = smooth_[m] > loudest ? smooth_[m] : loudest;
        const T floor = loudest * T(1e-10);
        for (int m = 0; m <= points_; m += kGroup) {
            Lane x = load<Lane>(&smooth_[m]);
            x = log2(x > floor ? x : Lane{} + floor);
            for (int i = 0; i < kGroup && m + i <= points_; ++i) {
                level[m + i] = x[i];
                if (m + i > 0 && m + i < points_) level[2 * points_ - m - i] = x[i];
            }
        }
        std::memcpy(filled_.data(), level, 2 * points_ * sizeof(T));
        for (int round = 0; round < kRounds; ++round) {
            fft_.forward(filled_.data(), cepstrum_.data(), scratch_.data());
            for (int k = 0; k <= points_; ++k) {
                cepstrum_[2 * k] *= lifter_[k];
                cepstrum_[2 * k + 1] = 0;
            }
            fft_.inverse(cepstrum_.data(), smooth_.data(), scratch_.data());
            T above = 0;
            for (int k = 0; k < 2 * points_; ++k) {
                const T over = level[k] - smooth_[k];
                above = over > above ? over : above;
                filled_[k] = over > 0 ? level[k] : smooth_[k];
            }
            if (above < kClose) break;
        }
        smooth_[points_ + 1] = smooth_[points_];
    }

    // By how much bin k has to be louder so that it has the envelope's level at bin k * ratio.
    T gain(int k, double ratio) const LUTHIER_REALTIME {
        const T change = (at(k * ratio) - at(k)) * T(0.5);
        return exp2(change < kMost ? change : kMost);
    }

    // The most that gain() gives.
    static constexpr double most() { return 16; }

  private:
    static constexpr double kReach = 3e-3;  // s
    static constexpr int kRounds = 12;
    static constexpr T kClose = T(0.3);  // 1 dB, in octaves of energy
    static constexpr T kMost = T(4);     // log2 of most()

    T at(double bin) const {
        double place = bin / each_;
        place = place < points_ ? place : points_;
        const int m = int(place);
        return smooth_[m] + T(place - m) * (smooth_[m + 1] - smooth_[m]);
    }

    int bins_ = 0, each_ = 1, points_ = 0;
    RealFft<T> fft_;
    AlignedBuffer<T> scratch_, level_, filled_, smooth_, cepstrum_, lifter_;
};

}  // namespace luthier::inline LUTHIER_ISA
