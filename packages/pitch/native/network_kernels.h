// The arithmetic of a network's nodes, for one instruction set. network.h says what a node means and owns the
// memory; here are rows of floats.
//
// A tensor is a run of rows, one a frame; a row holds its channels `channel` floats apart, a channel its bins
// one after the other. Whatever lies between the bins of two channels is zero, up to whole vectors of
// kNetworkAlign bins and as far beyond them as a convolution reads: padding in frequency is thus there to be
// read, and no tap asks where the border is.
//
// Convolutions are direct. A tap is an offset from the output's own place into the input's rows, so that
// kernels, dilations, channels, groups and the phases of a stride are all the same list. Sixteen (eight,
// four) bins go side by side through the lanes, and a tile of outputs x bins x frames stays in the registers
// while all taps pass. Where a kernel leaves one bin, the outputs go through the lanes instead; and a signal
// (one channel of one bin) sends its own frames through them. An output's sum always starts at its bias and
// takes its taps in the list's order: it does not depend on the tile, and so not on how a stream was cut.
#pragma once

#include <cstddef>
#include <cstdint>

#include "luthier/isa.h"

namespace luthier::inline LUTHIER_ISA {

// Bins are stored in multiples of this many.
inline constexpr int kNetworkAlign = 16;

enum class Activation : int { none, relu, leaky_relu, sigmoid, tanh };

// One group of a convolution: `outputs` channels from the same taps.
struct ConvolutionPlan {
    int outputs;
    int bins;  // of the output
    int taps;
    const std::ptrdiff_t* offsets;  // (taps), from the input of bin 0, in floats
    // (tiles, taps, tile outputs), the tiles as convolution_tile() cuts them; for `dense` (taps, outputs)
    // with the outputs filled up to whole vectors of kNetworkAlign; for `signal` (taps).
    const float* weights;
    const float* bias;              // (outputs), for `dense` filled up
    std::ptrdiff_t input_step;      // floats from one output frame's input to the next one's
    std::ptrdiff_t output_row;      // floats from one output frame to the next
    std::ptrdiff_t output_channel;  // floats from one output to the next
    Activation activation;
    float slope;  // of leaky_relu below zero
};

// How an elementwise operator walks its rows.
struct RowShape {
    int channels, bins;
    std::ptrdiff_t row, channel;  // strides in floats
};

struct NetworkKernels {
    // How many of `outputs` channels, counted from the first that is left, the next tile takes.
    int (*convolution_tile)(int outputs);
    // bins through the lanes; writes up to whole vectors of kNetworkAlign bins, zero beyond `bins`.
    void (*bins)(const ConvolutionPlan& plan, const float* input, float* output, int frames);
    // outputs through the lanes, one bin each; with output_channel 1 they become the bins of one channel.
    void (*dense)(const ConvolutionPlan& plan, const float* input, float* output, int frames);
    // One output of a signal, `step` input samples a frame; offsets[k] is k * dilation. `scratch` holds
    // signal_scratch() floats.
    void (*signal)(const ConvolutionPlan& plan, const float* input, float* output, int frames,
                   float* scratch);
    // phases[c * step + p][i] = input[c][step * i + p - left], zero outside the input's bins.
    void (*phases)(RowShape input, const float* from, RowShape output, float* to, int frames, int step,
                   int left);
    void (*activate)(RowShape shape, const float* from, std::ptrdiff_t from_row, std::ptrdiff_t from_channel,
                     float* to, int frames, Activation activation, float slope);
    // to = a + b, or a * b
    void (*add)(RowShape shape, const float* a, RowShape a_shape, const float* b, RowShape b_shape, float* to,
                int frames);
    void (*multiply)(RowShape shape, const float* a, RowShape a_shape, const float* b, RowShape b_shape,
                     float* to, int frames);
    // to = from * scale + offset, both (channels, bins filled up)
    void (*affine)(RowShape shape, const float* from, RowShape from_shape, const float* scale,
                   const float* offset, float* to, int frames);
    void (*square_root)(RowShape shape, const float* from, RowShape from_shape, float* to, int frames);
    // the natural logarithm; of what is below 1.2e-38, -87.3
    void (*logarithm)(RowShape shape, const float* from, RowShape from_shape, float* to, int frames);
    // (1, frames, bins) from (channels, frames, bins), channel after channel
    void (*sum)(RowShape shape, const float* from, RowShape from_shape, float* to, int frames);
    // Lowers *least and raises *most to what the rows hold.
    void (*extent)(RowShape shape, const float* from, int frames, float* least, float* most);
    // to = (from - least) / range, or zero where range is zero
    void (*normalise)(RowShape shape, const float* from, RowShape from_shape, float* to, int frames,
                      float least, float range);
};

// Floats that `signal` needs for `frames` outputs.
inline std::size_t signal_scratch(int frames, std::ptrdiff_t reach, std::ptrdiff_t step) {
    const std::size_t phase = std::size_t(frames) + std::size_t(reach / step) + 1 + 16 * kNetworkAlign;
    return phase * std::size_t(step);
}

}  // namespace luthier::inline LUTHIER_ISA
