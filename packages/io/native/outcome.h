// What a read gave.
#pragma once

#include <cstdint>
#include <optional>

#include "decoder.h"

namespace luthier::io {

// Frames are those of what comes out.
struct Outcome {
    std::int64_t frames = 0;       // written, silence in place of damage included
    std::int64_t decoded = 0;      // without that silence
    std::optional<Damage> damage;  // why these are fewer than were asked for
};

}  // namespace luthier::io
