// The files that libsndfile is asked for, by their first bytes. With others it goes by whatever it finds
// elsewhere: it opens a file "._" of the working directory and falls over that one, or gives the bytes to
// mpg123, which writes to standard error.
#pragma once

#include <cstdint>
#include <cstring>

#include "bytes.h"
#include "source.h"

namespace luthier::io {

inline bool sndfile_knows(Source& source) {
    unsigned char head[12];
    if (source.read_at(0, head, sizeof head) != sizeof head) return false;
    const auto has = [&](int at, const char* bytes, std::size_t count) {
        return !std::memcmp(head + at, bytes, count);
    };
    if (has(0, "RIFF", 4) || has(0, "RIFX", 4) || has(0, "RF64", 4)) return has(8, "WAVE", 4);
    if (has(0, "FORM", 4))
        return has(8, "AIFF", 4) || has(8, "AIFC", 4) || has(8, "8SVX", 4) || has(8, "16SV", 4);
    if (has(0, "caff", 4)) return has(8, "desc", 4);
    if (has(0, "OggS", 4) || has(0, "fLaC", 4) || has(0, ".snd", 4) || has(0, "dns.", 4)) return true;
    // Sonic Foundry's W64; Ensoniq PARIS, Sphere, AVR, Portable Voice Format, MATLAB 5.
    if (has(0, "riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB", 12)) return true;
    if (has(0, " paf", 4) || has(0, "fap ", 4) || has(0, "NIST", 4) || has(0, "2BIT", 4) ||
        has(0, "PVF1", 4) || has(0, "MATLAB 5", 8))
        return true;
    // Creative Voice, Psion, FastTracker 2.
    if (has(0, "Creative", 8) || has(0, "ALawSoundFil", 12) || has(0, "Extended Ins", 12)) return true;
    // MATLAB 4: a matrix of one number, by byte order.
    if (has(0, "\0\0\0\0\1\0\0\0\1\0\0\0", 12) || has(0, "\0\0\3\xE8\0\0\0\1\0\0\0\1", 12)) return true;
    // IRCAM, by byte order and machine.
    if (has(0, "\x64\xA3", 2) && (head[2] & 0xF8) == 0 && head[3] == 0) return true;
    if (has(2, "\xA3\x64", 2) && (head[1] & 0xF8) == 0 && head[0] == 0) return true;
    if (has(0, "\x01\x04", 2)) return true;  // Akai MPC 2000
    if (has(0, "\xF0\x7E", 2) && head[3] == 1) {
        // MIDI Sample Dump: of anything else, the library prints what is wrong with it.
        unsigned char sds[24];
        return source.read_at(0, sds, sizeof sds) == sizeof sds && sds[20] == 0xF7 && sds[21] == 0xF0 &&
               sds[22] == 0x7E;
    }
    // HTK has no magic number: its length must fit the count of samples, of two bytes each, at its head.
    return has(8, "\0\2\0\0", 4) && 12 + 2 * std::int64_t(big32(head)) == source.size();
}

}  // namespace luthier::io
