#include "simd/isa.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#if defined(PYFACE_X86) && defined(_MSC_VER)
#include <intrin.h>
#elif defined(PYFACE_AVX2VNNI)
#include <cpuid.h>
#elif defined(PYFACE_ARM64) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(PYFACE_ARM64) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace pyface::simd {

namespace portable {
extern const Kernels kTable;
}
#ifdef PYFACE_X86
namespace avx2 {
extern const Kernels kTable;
}
namespace avx512 {
extern const Kernels kTable;
}
#ifdef PYFACE_AVX2VNNI
namespace avx2vnni {
extern const Kernels kTable;
}
#endif
#ifdef PYFACE_AVX512VNNI
namespace avx512vnni {
extern const Kernels kTable;
}
#endif
#endif
#ifdef PYFACE_ARM64
namespace neon {
extern const Kernels kTable;
}
#ifdef PYFACE_NEONDOT
namespace neondot {
extern const Kernels kTable;
}
#endif
#ifdef PYFACE_NEONI8MM
namespace neoni8mm {
extern const Kernels kTable;
}
#endif
#endif

namespace {

#if defined(PYFACE_X86) && defined(_MSC_VER)
bool has_bit(int value, int bit) { return (static_cast<unsigned>(value) >> bit & 1u) != 0; }

// What the operating system saves on a context switch: 6 = SSE and AVX state, 0xe0 = the AVX-512 state.
bool saves_state(unsigned long long mask) {
    int info[4];
    __cpuid(info, 1);
    return has_bit(info[2], 27) && (_xgetbv(0) & mask) == mask;
}

bool has_avx2() {
    int leaf1[4], leaf7[4];
    __cpuid(leaf1, 1);
    __cpuidex(leaf7, 7, 0);
    return saves_state(0x6) && has_bit(leaf1[2], 12) && has_bit(leaf7[1], 5);
}

bool has_avx512() {
    int leaf7[4];
    __cpuidex(leaf7, 7, 0);
    return has_avx2() && saves_state(0xe6) && has_bit(leaf7[1], 16) && has_bit(leaf7[1], 17) &&
           has_bit(leaf7[1], 30) && has_bit(leaf7[1], 31);
}

[[maybe_unused]] bool has_avx2vnni() {
    int leaf7[4];
    __cpuidex(leaf7, 7, 1);
    return has_avx2() && has_bit(leaf7[0], 4);
}

[[maybe_unused]] bool has_avx512vnni() {
    int leaf7[4];
    __cpuidex(leaf7, 7, 0);
    return has_avx512() && has_bit(leaf7[2], 11);
}
#elif defined(PYFACE_X86)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

[[maybe_unused]] bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

#ifdef PYFACE_AVX2VNNI
bool has_avx2vnni() {
#ifdef PYFACE_EMULATE_AVXVNNI
    return has_avx2();  // of which a test has made the instructions
#endif
    // Not __builtin_cpu_supports("avxvnni"): older compilers that know the instructions do not know the name.
    unsigned a = 0, b = 0, c = 0, d = 0;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1u) != 0;
}
#endif
#endif

#if defined(PYFACE_ARM64) && defined(__APPLE__)
bool has_feature(const char* name) {
    int value = 0;
    std::size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}

[[maybe_unused]] bool has_neondot() { return has_feature("hw.optional.arm.FEAT_DotProd"); }
[[maybe_unused]] bool has_neoni8mm() { return has_neondot() && has_feature("hw.optional.arm.FEAT_I8MM"); }
#elif defined(PYFACE_ARM64) && defined(__linux__)
// HWCAP_ASIMDDP and HWCAP2_I8MM, which headers of older systems do not name.
[[maybe_unused]] bool has_neondot() { return (getauxval(AT_HWCAP) >> 20 & 1u) != 0; }
[[maybe_unused]] bool has_neoni8mm() { return has_neondot() && (getauxval(AT_HWCAP2) >> 13 & 1u) != 0; }
#elif defined(PYFACE_ARM64)
[[maybe_unused]] bool has_neondot() { return false; }
[[maybe_unused]] bool has_neoni8mm() { return false; }
#endif

struct Entry {
    const Kernels* table;
    bool supported;
};

const std::vector<Entry>& entries() {
    static const std::vector<Entry> all = {
        {&portable::kTable, true},
#ifdef PYFACE_X86
        {&avx2::kTable, has_avx2()},
#ifdef PYFACE_AVX2VNNI
        {&avx2vnni::kTable, has_avx2vnni()},
#endif
        {&avx512::kTable, has_avx512()},
#ifdef PYFACE_AVX512VNNI
        {&avx512vnni::kTable, has_avx512vnni()},
#endif
#endif
#ifdef PYFACE_ARM64
        {&neon::kTable, true},
#ifdef PYFACE_NEONDOT
        {&neondot::kTable, has_neondot()},
#endif
#ifdef PYFACE_NEONI8MM
        {&neoni8mm::kTable, has_neoni8mm()},
#endif
#endif
    };
    return all;
}

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

const Kernels* find_supported(const std::string& name) {
    for (const auto& entry : entries()) {
        if (entry.supported && name == entry.table->name) return entry.table;
    }
    return nullptr;
}

std::string refusal(const std::string& name) {
    const auto all = compiled();
    const bool known = std::find(all.begin(), all.end(), name) != all.end();
    return "'" + name + "' " + (known ? "is not supported by this CPU" : "is not an instruction set of this build") +
           "; choose one of: " + listed(supported());
}

struct State {
    std::atomic<const Kernels*> active{nullptr};
    std::string error;  // why active is null

    State() {
        const char* wanted = std::getenv("PYFACE_ISA");
        if (wanted == nullptr || *wanted == '\0') {
            for (const auto& entry : entries()) {
                if (entry.supported) active = entry.table;
            }
            return;
        }
        active = find_supported(wanted);
        if (active == nullptr) error = "the environment variable PYFACE_ISA: " + refusal(wanted);
    }
};

State& state() {
    static State instance;
    return instance;
}

// Read while the library loads, so that a later change of the environment has no effect.
[[maybe_unused]] const State& g_at_load = state();

}  // namespace

std::vector<std::string> compiled() {
    std::vector<std::string> names;
    for (const auto& entry : entries()) names.emplace_back(entry.table->name);
    return names;
}

std::vector<std::string> supported() {
    std::vector<std::string> names;
    for (const auto& entry : entries()) {
        if (entry.supported) names.emplace_back(entry.table->name);
    }
    return names;
}

const Kernels& kernels() {
    const Kernels* table = state().active;
    if (table == nullptr) throw std::runtime_error(state().error);
    return *table;
}

std::string set_active(const std::string& name) {
    const Kernels* table = find_supported(name);
    if (table == nullptr) throw std::invalid_argument("isa: " + refusal(name));
    const Kernels* before = state().active.exchange(table);
    return before == nullptr ? "portable" : before->name;
}

}  // namespace pyface::simd
