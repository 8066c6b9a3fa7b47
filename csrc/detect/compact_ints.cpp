#include "detect/compact_ints.hpp"

#include <limits>
#include <stdexcept>
#include <string>

namespace pyface::detect {
namespace {

[[noreturn]] void fail(index_t position, const char* what) {
    throw std::invalid_argument("byte " + std::to_string(position) + ": " + what);
}

}  // namespace

index_t scan_compact_ints(VectorView<const std::uint8_t> bytes, index_t begin, VectorView<std::int64_t> out) {
    index_t at = begin;
    if (at < 0 || at > bytes.size) fail(at, "outside the file");
    for (std::int64_t& value : out) {
        if (at >= bytes.size) fail(at, "the file ends where a number should begin");
        const unsigned control = bytes[at];
        const unsigned length = control & 0x0f;
        if (length < 1 || length > 8 || (control & 0x70) != 0) fail(at, "not a compact integer");
        if (bytes.size - at <= static_cast<index_t>(length)) fail(at, "the file ends inside a number");
        std::uint64_t magnitude = 0;
        for (unsigned i = 0; i < length; ++i) magnitude |= static_cast<std::uint64_t>(bytes[at + 1 + i]) << (8 * i);
        if (magnitude > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            fail(at, "a number does not fit 64 bits");
        }
        value = static_cast<std::int64_t>(magnitude);
        if (control & 0x80) value = -value;
        at += 1 + static_cast<index_t>(length);
    }
    return at;
}

}  // namespace pyface::detect
