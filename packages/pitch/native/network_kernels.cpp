#include "network_kernels.h"

#include "luthier/math.h"
#include "luthier/simd.h"

namespace luthier::inline LUTHIER_ISA {
namespace {

constexpr int N = kLanes<float>;
using V = Vec<float, N>;
static_assert(kNetworkAlign % N == 0);

// Accumulators that fit the registers beside a tap's inputs and weight: 32 registers of AVX-512 and NEON, 16
// of the others.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kAccumulators = 24, kMostOutputs = 8;
#else
constexpr int kAccumulators = 12, kMostOutputs = 4;
#endif
constexpr int kMostVectors = 3;

// broadcast() without its addition to zero, and straight from memory.
template <int... Lane>
V spread(const float* from, IndexList<Lane...>) {
    const float value = *from;
    return V{((void)Lane, value)...};
}
V spread(const float* from) { return spread(from, IndexRange<N>::type{}); }

int tile(int outputs) {
    int size = kMostOutputs;
    while (size > outputs) size /= 2;
    return size;
}

template <Activation activation>
V activated(V x, float slope) {
    if constexpr (activation == Activation::relu) return maximum(x, V{});
    if constexpr (activation == Activation::leaky_relu) return x < 0.0f ? x * slope : x;
    if constexpr (activation == Activation::sigmoid) return 0.5f * tanh(0.5f * x) + 0.5f;
    if constexpr (activation == Activation::tanh) return tanh(x);
    return x;
}

V activated(V x, Activation activation, float slope) {
    switch (activation) {
        case Activation::relu: return activated<Activation::relu>(x, slope);
        case Activation::leaky_relu: return activated<Activation::leaky_relu>(x, slope);
        case Activation::sigmoid: return activated<Activation::sigmoid>(x, slope);
        case Activation::tanh: return activated<Activation::tanh>(x, slope);
        default: return x;
    }
}

// The first `count` lanes of x, zeros in the others.
V first_lanes(V x, int count) {
    if (count >= N) return x;
    alignas(64) static constexpr std::int32_t masks[2 * 16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                               -1, -1, -1, -1, -1, -1, -1, -1};
    using I = Vec<std::int32_t, N>;
    const I mask = load<I>(masks + 16 - (count < 0 ? 0 : count));
    return V(I(x) & mask);
}

// --- convolutions ------------------------------------------------------------------------------------------

// F frames x O outputs x K vectors of bins.
template <int F, int O, int K>
void convolve(const ConvolutionPlan& plan, const float* weights, const float* bias, const float* input,
              float* output, int bins) {
    V sums[F][O][K];
    for (int o = 0; o < O; ++o)
        for (int f = 0; f < F; ++f)
            for (int k = 0; k < K; ++k) sums[f][o][k] = broadcast<V>(bias[o]);
    const std::ptrdiff_t* offsets = plan.offsets;
    const std::ptrdiff_t step = plan.input_step;
    for (int tap = 0; tap < plan.taps; ++tap, weights += O) {
        const float* from = input + offsets[tap];
        V x[F][K];
        for (int f = 0; f < F; ++f)
            for (int k = 0; k < K; ++k) x[f][k] = load<V>(from + f * step + k * N);
        for (int o = 0; o < O; ++o) {
            const V weight = spread(weights + o);
            for (int f = 0; f < F; ++f)
                for (int k = 0; k < K; ++k) sums[f][o][k] += weight * x[f][k];
        }
    }
    for (int f = 0; f < F; ++f)
        for (int o = 0; o < O; ++o) {
            float* to = output + f * plan.output_row + o * plan.output_channel;
            for (int k = 0; k < K; ++k)
                store(to + k * N,
                      first_lanes(activated(sums[f][o][k], plan.activation, plan.slope), bins - k * N));
        }
}

template <int O, int K>
void convolve_frames(const ConvolutionPlan& plan, const float* weights, const float* bias, const float* input,
                     float* output, int bins, int frames) {
    constexpr int room = kAccumulators / (O * K), F = room < 1 ? 1 : room > 4 ? 4 : room;
    int f = 0;
    for (; f + F <= frames; f += F)
        convolve<F, O, K>(plan, weights, bias, input + f * plan.input_step, output + f * plan.output_row,
                          bins);
    if constexpr (F > 1)
        for (; f < frames; ++f)
            convolve<1, O, K>(plan, weights, bias, input + f * plan.input_step, output + f * plan.output_row,
                              bins);
}

template <int O>
void convolve_bins(const ConvolutionPlan& plan, const float* weights, const float* bias, const float* input,
                   float* output, int frames) {
    // Some frames at a time, so that a tile's rows are still near when the next bins want them.
    constexpr int kGroup = 4;
    for (int first = 0; first < frames; first += kGroup) {
        const int count = frames - first < kGroup ? frames - first : kGroup;
        const float* from = input + first * plan.input_step;
        float* to = output + first * plan.output_row;
        int b = 0;
        for (; b + (kMostVectors - 1) * N < plan.bins; b += kMostVectors * N)
            convolve_frames<O, kMostVectors>(plan, weights, bias, from + b, to + b, plan.bins - b, count);
        if (b + N < plan.bins)
            convolve_frames<O, 2>(plan, weights, bias, from + b, to + b, plan.bins - b, count);
        else if (b < plan.bins)
            convolve_frames<O, 1>(plan, weights, bias, from + b, to + b, plan.bins - b, count);
    }
}

void bins(const ConvolutionPlan& plan, const float* input, float* output, int frames) {
    const float* weights = plan.weights;
    for (int o = 0; o < plan.outputs;) {
        const int size = tile(plan.outputs - o);
        float* to = output + o * plan.output_channel;
        switch (size) {
            case 1: convolve_bins<1>(plan, weights, plan.bias + o, input, to, frames); break;
            case 2: convolve_bins<2>(plan, weights, plan.bias + o, input, to, frames); break;
            case 4: convolve_bins<4>(plan, weights, plan.bias + o, input, to, frames); break;
            default: convolve_bins<kMostOutputs>(plan, weights, plan.bias + o, input, to, frames); break;
        }
        weights += std::size_t(size) * plan.taps;
        o += size;
    }
}

template <int F, int K>
void dense_tile(const ConvolutionPlan& plan, std::ptrdiff_t pitch, int first, const float* input,
                float* output) {
    V sums[F][K];
    for (int k = 0; k < K; ++k)
        for (int f = 0; f < F; ++f) sums[f][k] = load<V>(plan.bias + first + k * N);
    const float* weights = plan.weights + first;
    for (int tap = 0; tap < plan.taps; ++tap, weights += pitch) {
        const float* from = input + plan.offsets[tap];
        V w[K];
        for (int k = 0; k < K; ++k) w[k] = load<V>(weights + k * N);
        for (int f = 0; f < F; ++f) {
            const V x = spread(from + f * plan.input_step);
            for (int k = 0; k < K; ++k) sums[f][k] += w[k] * x;
        }
    }
    for (int f = 0; f < F; ++f)
        for (int k = 0; k < K; ++k) {
            const int o = first + k * N, left = plan.outputs - o;
            const V y = first_lanes(activated(sums[f][k], plan.activation, plan.slope), left);
            float* to = output + f * plan.output_row;
            if (plan.output_channel == 1) {
                store(to + o, y);
            } else {
                for (int lane = 0; lane < N && lane < left; ++lane)
                    to[(o + lane) * plan.output_channel] = y[lane];
            }
        }
}

template <int K>
void dense_frames(const ConvolutionPlan& plan, std::ptrdiff_t pitch, int first, const float* input,
                  float* output, int frames) {
    constexpr int F = kAccumulators / K > 8 ? 8 : kAccumulators / K;
    int f = 0;
    for (; f + F <= frames; f += F)
        dense_tile<F, K>(plan, pitch, first, input + f * plan.input_step, output + f * plan.output_row);
    for (; f < frames; ++f)
        dense_tile<1, K>(plan, pitch, first, input + f * plan.input_step, output + f * plan.output_row);
}

void dense(const ConvolutionPlan& plan, const float* input, float* output, int frames) {
    const std::ptrdiff_t pitch = (plan.outputs + kNetworkAlign - 1) / kNetworkAlign * kNetworkAlign;
    int o = 0;
    for (; o + (kMostVectors - 1) * N < plan.outputs; o += kMostVectors * N)
        dense_frames<kMostVectors>(plan, pitch, o, input, output, frames);
    if (o + N < plan.outputs)
        dense_frames<2>(plan, pitch, o, input, output, frames);
    else if (o < plan.outputs)
        dense_frames<1>(plan, pitch, o, input, output, frames);
}

// K vectors of successive frames.
template <int K>
void signal_tile(const ConvolutionPlan& plan, const float* phases, std::ptrdiff_t pitch, float* output,
                 int frames) {
    V sums[K];
    for (int k = 0; k < K; ++k) sums[k] = broadcast<V>(plan.bias[0]);
    const std::ptrdiff_t step = plan.input_step;
    for (int tap = 0; tap < plan.taps; ++tap) {
        const std::ptrdiff_t offset = plan.offsets[tap];
        const float* from = phases + offset % step * pitch + offset / step;
        const V weight = spread(plan.weights + tap);
        for (int k = 0; k < K; ++k) sums[k] += weight * load<V>(from + k * N);
    }
    for (int k = 0; k < K && k * N < frames; ++k) {
        const V y = activated(sums[k], plan.activation, plan.slope);
        if (frames - k * N >= N) {
            store(output + k * N, y);
        } else {
            for (int lane = 0; lane < frames - k * N; ++lane) output[k * N + lane] = y[lane];
        }
    }
}

void signal(const ConvolutionPlan& plan, const float* input, float* output, int frames, float* scratch) {
    constexpr int K = 8;
    const std::ptrdiff_t step = plan.input_step, reach = plan.offsets[plan.taps - 1];
    const std::ptrdiff_t have = (frames - 1) * step + reach + 1;  // samples that may be read
    const std::ptrdiff_t used = frames + reach / step + 1;
    const std::ptrdiff_t pitch = used + 16 * kNetworkAlign;
    for (std::ptrdiff_t p = 0; p < step; ++p)
        for (std::ptrdiff_t i = 0; i < pitch; ++i) {
            const std::ptrdiff_t at = i * step + p;
            scratch[p * pitch + i] = at < have ? input[at] : 0.0f;
        }
    for (int f = 0; f < frames; f += K * N) signal_tile<K>(plan, scratch + f, pitch, output + f, frames - f);
}

// --- rows --------------------------------------------------------------------------------------------------

// to[f][c][...] = compute(f, c, b) in vectors of bins, zero beyond the last bin.
template <class Compute>
void for_rows(RowShape shape, float* to, int frames, Compute compute) {
    for (int f = 0; f < frames; ++f)
        for (int c = 0; c < shape.channels; ++c) {
            float* row = to + f * shape.row + c * shape.channel;
            int b = 0;
            for (; b + N <= shape.bins; b += N) store(row + b, compute(f, c, b));
            if (b < shape.bins) store(row + b, first_lanes(compute(f, c, b), shape.bins - b));
        }
}

const float* at(const float* from, RowShape shape, int f, int c) {
    return from + f * shape.row + c * shape.channel;
}

void phases(RowShape input, const float* from, RowShape output, float* to, int frames, int step, int left) {
    for (int f = 0; f < frames; ++f)
        for (int c = 0; c < input.channels; ++c) {
            const float* x = from + f * input.row + c * input.channel;
            for (int p = 0; p < step; ++p) {
                float* y = to + f * output.row + (c * step + p) * output.channel;
                // bins i with 0 <= step * i + p - left < input.bins
                int first = left - p > 0 ? (left - p + step - 1) / step : 0;
                int last = input.bins + left - p > 0 ? (input.bins + left - p + step - 1) / step : 0;
                if (last > output.bins) last = output.bins;
                if (first > last) first = last;
                for (int i = 0; i < first; ++i) y[i] = 0;
                const float* source = x + p - left;
                for (int i = first; i < last; ++i) y[i] = source[step * i];
                for (int i = last; i < output.bins; ++i) y[i] = 0;
            }
        }
}

template <Activation activation>
void activate_rows(RowShape shape, const float* from, std::ptrdiff_t from_row, std::ptrdiff_t from_channel,
                   float* to, int frames, float slope) {
    for_rows(shape, to, frames, [=](int f, int c, int b) {
        return activated<activation>(load<V>(from + f * from_row + c * from_channel + b), slope);
    });
}

void activate(RowShape shape, const float* from, std::ptrdiff_t from_row, std::ptrdiff_t from_channel,
              float* to, int frames, Activation activation, float slope) {
    switch (activation) {
        case Activation::relu:
            activate_rows<Activation::relu>(shape, from, from_row, from_channel, to, frames, slope);
            break;
        case Activation::leaky_relu:
            activate_rows<Activation::leaky_relu>(shape, from, from_row, from_channel, to, frames, slope);
            break;
        case Activation::sigmoid:
            activate_rows<Activation::sigmoid>(shape, from, from_row, from_channel, to, frames, slope);
            break;
        case Activation::tanh:
            activate_rows<Activation::tanh>(shape, from, from_row, from_channel, to, frames, slope);
            break;
        default:
            activate_rows<Activation::none>(shape, from, from_row, from_channel, to, frames, slope);
            break;
    }
}

void add(RowShape shape, const float* a, RowShape a_shape, const float* b, RowShape b_shape, float* to,
         int frames) {
    for_rows(shape, to, frames, [=](int f, int c, int i) {
        return load<V>(at(a, a_shape, f, c) + i) + load<V>(at(b, b_shape, f, c) + i);
    });
}

void multiply(RowShape shape, const float* a, RowShape a_shape, const float* b, RowShape b_shape, float* to,
              int frames) {
    for_rows(shape, to, frames, [=](int f, int c, int i) {
        return load<V>(at(a, a_shape, f, c) + i) * load<V>(at(b, b_shape, f, c) + i);
    });
}

void affine(RowShape shape, const float* from, RowShape from_shape, const float* scale, const float* offset,
            float* to, int frames) {
    const std::ptrdiff_t pitch = (shape.bins + kNetworkAlign - 1) / kNetworkAlign * kNetworkAlign;
    for_rows(shape, to, frames, [=](int f, int c, int b) {
        return load<V>(at(from, from_shape, f, c) + b) * load<V>(scale + c * pitch + b) +
               load<V>(offset + c * pitch + b);
    });
}

void square_root(RowShape shape, const float* from, RowShape from_shape, float* to, int frames) {
    for_rows(shape, to, frames, [=](int f, int c, int b) {
        V x = load<V>(at(from, from_shape, f, c) + b);
        for (int lane = 0; lane < N; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
        return x;
    });
}

void logarithm(RowShape shape, const float* from, RowShape from_shape, float* to, int frames) {
    for_rows(shape, to, frames, [=](int f, int c, int b) {
        return log2(load<V>(at(from, from_shape, f, c) + b)) * 0.69314718055994530942f;
    });
}

void sum(RowShape shape, const float* from, RowShape from_shape, float* to, int frames) {
    for_rows(shape, to, frames, [=](int f, int, int b) {
        V total = load<V>(at(from, from_shape, f, 0) + b);
        for (int c = 1; c < from_shape.channels; ++c) total += load<V>(at(from, from_shape, f, c) + b);
        return total;
    });
}

void extent(RowShape shape, const float* from, int frames, float* least, float* most) {
    float low = *least, high = *most;
    for (int f = 0; f < frames; ++f)
        for (int c = 0; c < shape.channels; ++c) {
            const float* row = at(from, shape, f, c);
            for (int b = 0; b < shape.bins; ++b) {
                low = row[b] < low ? row[b] : low;
                high = row[b] > high ? row[b] : high;
            }
        }
    *least = low;
    *most = high;
}

void normalise(RowShape shape, const float* from, RowShape from_shape, float* to, int frames, float least,
               float range) {
    for_rows(shape, to, frames, [=](int f, int c, int b) {
        const V x = load<V>(at(from, from_shape, f, c) + b) - least;
        return range != 0 ? x / range : V{};
    });
}

}  // namespace

extern const NetworkKernels network_kernels;
const NetworkKernels network_kernels = {tile,      bins, dense,    signal,   phases,
                                        activate,  add,  multiply, affine,   square_root,
                                        logarithm, sum,  extent,   normalise};

}  // namespace luthier::inline LUTHIER_ISA
