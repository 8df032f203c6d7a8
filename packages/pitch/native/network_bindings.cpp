#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "luthier/pool.h"
#include "luthier/python.h"
#include "network.h"
#include "registers.h"

namespace nb = nanobind;

namespace luthier::pitch {
namespace {

using Features = nb::ndarray<const float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Weights = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Multiply-adds of a round between two looks for Ctrl-C, some 30 ms.
constexpr double kRoundProducts = 6e8;

void make(Network* self, const std::string& name, int channels, int bins,
          nb::typed<nb::list, nb::object> nodes, std::vector<int> outputs) {
    NetworkSpec spec{name, channels, bins, {}, std::move(outputs)};
    for (nb::handle each : nodes) {
        const auto fields = nb::cast<nb::tuple>(each);
        if (fields.size() != 6) throw std::invalid_argument("a node has 6 fields");
        NodeSpec node;
        node.name = nb::cast<std::string>(fields[0]);
        node.op = nb::cast<std::string>(fields[1]);
        node.inputs = nb::cast<std::vector<int>>(fields[2]);
        node.numbers = nb::cast<std::vector<int>>(fields[3]);
        const auto weights = nb::cast<Weights>(fields[4]), bias = nb::cast<Weights>(fields[5]);
        node.weights.assign(weights.data(), weights.data() + weights.size());
        node.bias.assign(bias.data(), bias.data() + bias.size());
        spec.nodes.push_back(std::move(node));
    }
    ReleaseGil unlocked;
    new (self) Network(spec);
}

// The views of one row of a batch, checked against what will be written.
std::vector<OutputView> views(const Network& network, const std::vector<Result>& results, std::size_t batch,
                              const std::vector<std::int64_t>& frames) {
    if (results.size() != network.outputs())
        throw std::invalid_argument("an array is needed for each output");
    std::vector<OutputView> made;
    for (std::size_t i = 0; i < results.size(); ++i) {
        const Result& r = results[i];
        const TensorShape shape = network.output(i);
        if (r.shape(0) != batch || r.shape(1) != std::size_t(shape.channels) ||
            r.shape(2) != std::size_t(frames[i]) || r.shape(3) != std::size_t(shape.bins))
            throw std::invalid_argument("an output's array has a wrong shape");
        made.push_back({r.data(), shape.bins, std::ptrdiff_t(r.shape(2)) * shape.bins});
    }
    return made;
}

void check_features(const Network& network, const Features& features) {
    const TensorShape input = network.input();
    if (features.shape(1) != std::size_t(input.channels) || features.shape(3) != std::size_t(input.bins))
        throw std::invalid_argument("the features have a wrong number of channels or bins");
}

std::int64_t frames_of_a_round(const Network& network) {
    return std::max<std::int64_t>(64,
                                  std::int64_t(std::min(1e9, kRoundProducts / (network.products() + 64))));
}

void run(const Network& network, Features features, std::vector<Result> results, nb::capsule capsule) {
    check_features(network, features);
    const auto* pool = static_cast<const luthier_pool*>(capsule.data());
    const std::size_t batch = features.shape(0);
    const std::int64_t length = std::int64_t(features.shape(2));
    std::vector<std::int64_t> counts;
    for (std::size_t i = 0; i < network.outputs(); ++i) counts.push_back(network.frames(i, length, true));
    const std::vector<OutputView> first = views(network, results, batch, counts);

    const TensorShape input = network.input();
    const std::ptrdiff_t channel = std::ptrdiff_t(length) * input.bins;
    const std::int64_t round = frames_of_a_round(network);
    const std::size_t abreast = std::min(
        batch, std::size_t(pool && pool->version == kPoolVersion ? std::max(1, pool->threads()) : 1));
    std::vector<std::unique_ptr<NetworkStream>> streams;
    for (std::size_t i = 0; i < abreast; ++i) streams.push_back(network.borrow());
    for (std::size_t group = 0; group < batch; group += abreast) {
        const std::size_t rows = std::min(abreast, batch - group);
        std::vector<std::vector<OutputView>> to(rows, first);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t i = 0; i < to[r].size(); ++i)
                to[r][i].data += std::ptrdiff_t(group + r) * network.output(i).channels * to[r][i].channel;
        for (std::int64_t done = 0; done < length || (done == 0 && length == 0);) {
            const std::int64_t count = std::min(round, length - done);
            std::atomic<bool> starved{false};
            {
                ReleaseGil unlocked;
                parallel_for(pool, rows, [&](std::size_t r) {
                    try {
                        const float* from = features.data() +
                                            std::ptrdiff_t(group + r) * input.channels * channel +
                                            done * input.bins;
                        streams[r]->push(from, count, input.bins, channel, done + count == length,
                                         to[r].data());
                    } catch (const std::bad_alloc&) {
                        starved = true;
                    }
                });
            }
            if (starved) throw std::bad_alloc();
            if (PyErr_CheckSignals() != 0) throw nb::python_error();
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t i = 0; i < to[r].size(); ++i)
                    to[r][i].data += (network.frames(i, done + count, done + count == length) -
                                      (done ? network.frames(i, done, false) : 0)) *
                                     to[r][i].frame;
            done += count;
            if (length == 0) break;
        }
        for (std::size_t r = 0; r < rows; ++r) streams[r]->reset();
    }
    for (auto& stream : streams) network.give_back(std::move(stream));
}

// Frames of each output that a push of so many frames gives.
std::vector<std::int64_t> ready(const Network& network, const NetworkStream& stream, std::int64_t frames,
                                bool end) {
    std::vector<std::int64_t> counts;
    for (std::size_t i = 0; i < network.outputs(); ++i)
        counts.push_back(network.frames(i, stream.pushed() + frames, end) -
                         network.frames(i, stream.pushed(), false));
    return counts;
}

// A stream as Python holds it: one thread at a time, and none after an interruption but to begin anew.
struct HeldStream {
    HeldStream(const Network& network, bool settle) : stream(network, settle) {}

    NetworkStream stream;
    std::atomic<bool> busy{false};
    bool broken = false;
};

// Has a stream to itself while it lives.
class Hold {
  public:
    explicit Hold(HeldStream& held) : busy_(held.busy) {
        if (busy_.exchange(true))
            throw std::runtime_error("a stream is used by two threads at once: give each one of its own");
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { busy_ = false; }

  private:
    std::atomic<bool>& busy_;
};

void push(HeldStream& held, const Network& network, Features features, bool end,
          std::vector<Result> results) {
    check_features(network, features);
    if (features.shape(0) != 1) throw std::invalid_argument("a stream takes one signal");
    const Hold hold(held);
    NetworkStream& stream = held.stream;
    if (held.broken) throw std::runtime_error("a stream that was interrupted must be reset: call reset()");
    if (stream.ended()) throw std::invalid_argument("the stream has ended");
    const std::int64_t length = std::int64_t(features.shape(2));
    std::vector<OutputView> to = views(network, results, 1, ready(network, stream, length, end));
    const std::int64_t round = frames_of_a_round(network);
    held.broken = true;
    for (std::int64_t done = 0; done < length || done == 0;) {
        const std::int64_t count = std::min(round, length - done);
        const bool last = end && done + count == length;
        const std::vector<std::int64_t> counts = ready(network, stream, count, last);
        {
            ReleaseGil unlocked;
            stream.push(features.data() + done * network.input().bins, count, network.input().bins,
                        std::ptrdiff_t(length) * network.input().bins, last, to.data());
        }
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
        for (std::size_t i = 0; i < to.size(); ++i) to[i].data += counts[i] * to[i].frame;
        done += count;
        if (length == 0) break;
    }
    held.broken = false;
}

}  // namespace

void register_network(nb::module_& m) {
    nb::class_<Network>(m, "Network")
        .def("__init__", &make, nb::arg("name"), nb::arg("channels"), nb::arg("bins"), nb::arg("nodes"),
             nb::arg("outputs"))
        .def("frames", &Network::frames, nb::arg("output"), nb::arg("frames"), nb::arg("ended"))
        .def(
            "shape",
            [](const Network& n, std::size_t i) {
                if (i >= n.outputs()) throw std::out_of_range("no such output");
                return std::make_pair(n.output(i).channels, n.output(i).bins);
            },
            nb::arg("output"))
        .def("stride", &Network::stride, nb::arg("output"))
        .def("look_ahead", &Network::look_ahead, nb::arg("output"))
        .def("look_behind", &Network::look_behind, nb::arg("output"))
        .def_prop_ro("whole", &Network::needs_whole_signal)
        .def_prop_ro("products", &Network::products)
        .def("run", &run, nb::arg("features").noconvert(), nb::arg("results"), nb::arg("pool"));
    nb::class_<HeldStream>(m, "NetworkStream")
        .def(
            "__init__",
            [](HeldStream* self, const Network& network, bool settle) {
                ReleaseGil unlocked;
                new (self) HeldStream(network, settle);
            },
            nb::arg("network"), nb::arg("settle"), nb::keep_alive<1, 2>())
        .def(
            "ready",
            [](HeldStream& s, const Network& n, std::int64_t f, bool e) {
                const Hold hold(s);
                return ready(n, s.stream, f, e);
            },
            nb::arg("network"), nb::arg("frames"), nb::arg("end"))
        .def("push", &push, nb::arg("network"), nb::arg("features").noconvert(), nb::arg("end"),
             nb::arg("results"))
        .def("reset",
             [](HeldStream& s) {
                 const Hold hold(s);
                 s.stream.reset();
                 s.broken = false;
             })
        .def_prop_ro("bytes", [](HeldStream& s) {
            const Hold hold(s);
            return s.stream.bytes();
        });
}

}  // namespace luthier::pitch
