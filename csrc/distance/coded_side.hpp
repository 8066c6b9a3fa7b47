// A side of a screen with all its codes: those of its rows, and those of a first stage.
#pragma once

#include <optional>

#include "distance/code_choice.hpp"
#include "distance/screen.hpp"

namespace pyface::distance {

class CodedSide {
public:
    // Before rows are loaded: how, and along these axes first, which are borrowed; nullptr: not along any.
    void begin(const simd::Kernels& kernels, CodeChoice choice, const Axes* axes);

    // All rows, anew.
    void load(const Frame& frame, const Rows& rows, int n_threads, const PollCallback& poll);
    // Those that have changed.
    void renew(const Frame& frame, const Rows& rows, const std::int32_t* changed, index_t count, int n_threads,
               const PollCallback& poll);

    const CodedRows& codes() const { return codes_; }
    Side side(const Rows& rows) const {
        return {&rows, &codes_, nullptr, axis_codes_ ? &*axis_codes_ : nullptr, few_bits_ ? &*few_bits_ : nullptr};
    }

private:
    const simd::Kernels* kernels_ = nullptr;
    CodeChoice choice_;
    CodedRows codes_;
    std::optional<AxisCodes> axis_codes_;
    std::optional<CodedRows> few_bits_;
};

}  // namespace pyface::distance
