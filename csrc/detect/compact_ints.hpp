// The integer code of dlib's weight files: one control byte (low nibble = number of bytes, high bit = negative), then
// the magnitude, least significant byte first.
#pragma once

#include <cstdint>

#include "core/views.hpp"

namespace pyface::detect {

// Reads out.size integers from bytes[begin...] and returns the position behind the last one.
// Throws std::invalid_argument, naming the position, where the bytes end early or are not this code.
index_t scan_compact_ints(VectorView<const std::uint8_t> bytes, index_t begin, VectorView<std::int64_t> out);

}  // namespace pyface::detect
