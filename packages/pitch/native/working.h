// One thread at a time in a tracker: a second one would free what the first one reads.
#pragma once

#include <atomic>
#include <stdexcept>

namespace luthier::pitch {

class Working {
  public:
    explicit Working(std::atomic<bool>& busy) : busy_(busy) {
        if (busy_.exchange(true))
            throw std::runtime_error("a tracker is used by two threads at once: give each one of its own");
    }
    ~Working() { busy_ = false; }
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;

  private:
    std::atomic<bool>& busy_;
};

}  // namespace luthier::pitch
