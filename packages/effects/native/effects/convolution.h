// Convolution with an impulse response: (1 - mix) x + mix h * x.
//
// convolver.h says how. It is the one effect with two plans: a stream has no latency, and a call on a whole
// signal takes long blocks, whose latency the engine compensates.
#pragma once

#include "impulse_response.h"
#include "luthier/convolver.h"
#include "luthier/effect.h"
#include "luthier/smooth.h"

namespace luthier::inline LUTHIER_ISA {

template <class T>
struct Convolution : EffectDefaults {
    struct Params {
        double mix;
    };
    static constexpr const char* parameters[] = {"mix"};

    struct Options {
        double sample_rate;  // of the response; 0: the stream's
        double normalize;
    };
    static constexpr const char* options[] = {"sample_rate", "normalize"};

    Convolution() = default;
    Convolution(const Convolution&) = delete;
    Convolution& operator=(const Convolution&) = delete;
    ~Convolution() { ImpulseResponse<T>::release(response_); }

    void prepare(const Spec& spec, const Options& given) {
        ImpulseResponse<T>::release(response_);
        const double rate = given.sample_rate > 0 ? given.sample_rate : spec.sample_rate;
        response_ = ImpulseResponse<T>::acquire({spec.data, spec.rows, std::int64_t(spec.frames), rate,
                                                 spec.sample_rate, given.normalize != 0, spec.offline});
        convolver_.prepare(response_->plan(), spec.channels);
        rise_ = int(Way::kSeconds * spec.sample_rate);
    }

    void set(const Params& from, const Params& to) {
        wet_ = glide<T>(from.mix, to.mix);
        dry_ = glide<T>(1 - from.mix, 1 - to.mix);
    }

    void process(Block<T> x) LUTHIER_REALTIME { convolver_.process(x, wet_, dry_); }

    void reset() { convolver_.reset(); }
    void join() { convolver_.rise(rise_); }

    template <class Visit>
    void state(Visit&& visit) {
        convolver_.state(visit);
    }

    int latency() const { return response_->plan().latency(); }
    double tail(const Params& p, double silence) const {
        return p.mix > 0 ? double(response_->last(silence / p.mix)) : 0;
    }
    double gain(const Params& p) const { return 1 - p.mix + p.mix * response_->gain(); }

  private:
    ImpulseResponse<T>* response_ = nullptr;
    Convolver<T> convolver_;
    Group<T> wet_{}, dry_{};
    int rise_ = 0;
};

}  // namespace luthier::inline LUTHIER_ISA
