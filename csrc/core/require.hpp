// The second gate: bindings re-check what memory safety rests on, whatever the Python side has checked.
#pragma once

#include <stdexcept>

namespace pyface {

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

}  // namespace pyface
