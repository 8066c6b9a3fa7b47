// What the files of the kernel test share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "simd/kernels.hpp"

namespace kernel_test {

using namespace pyface;
using namespace pyface::simd;

// Numbers that are the same everywhere; the distributions of the library are not.
inline std::mt19937 g_engine(1);
inline int below(int n) { return static_cast<int>(g_engine() % static_cast<unsigned>(n)); }
inline double number(double to) { return to * (static_cast<double>(g_engine() % 20001u) - 10000.0) / 10000.0; }

template <class T>
std::vector<T> numbers(index_t count, double to) {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) value = static_cast<T>(number(to));
    return values;
}

// Says what went wrong, each kernel once in a row.
class Report {
public:
    explicit Report(std::string isa) : isa_(std::move(isa)) {}
    void check(bool holds, const char* kernel, index_t size) {
        if (holds) return;
        ok_ = false;
        if (failed_ == kernel) return;
        failed_ = kernel;
        std::printf("%-12s %s differs at size %lld\n", isa_.c_str(), kernel, static_cast<long long>(size));
    }
    template <class T>
    void same(const std::vector<T>& a, const std::vector<T>& b, const char* kernel, index_t size) {
        const bool is_empty = a.empty() && b.empty();
        const bool same_size = a.size() == b.size();
        check(is_empty || (same_size && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0), kernel, size);
    }
    bool ok() const { return ok_; }

private:
    std::string isa_, failed_;
    bool ok_ = true;
};

// Dense tiles, screens and scans of k against plain arithmetic: codes to the integer, float32 within its error.
void check_panels(const Kernels& k, Report& report);
// Neighbours, K-means and linkage on made rows by every instruction set: the bits of the portable one, and those of every
// other machine.
bool decisions_agree();

}  // namespace kernel_test
