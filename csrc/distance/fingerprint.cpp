#include "distance/fingerprint.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace pyface::distance {
namespace {

using Word = std::uint64_t;

constexpr index_t kBytesPerTask = index_t{1} << 20;
constexpr index_t kLanes = 8;  // side by side, since each step waits for the one before it
constexpr index_t kWordBytes = sizeof(Word);

// Different words give different results, and so do different hashes. The turn brings the highest bit down, where the next
// product spreads it: signs that change would otherwise change little.
Word mixed(Word hash, Word word) {
    return std::rotl(hash + word * 0x9e3779b97f4a7c15ull, 31) * 0xff51afd7ed558ccdull;
}

Word of_bytes(const char* bytes, index_t count) {
    Word lanes[kLanes];
    for (index_t l = 0; l < kLanes; ++l) lanes[l] = 0x9e3779b97f4a7c15ull * static_cast<Word>(l + 1);
    index_t done = 0;
    for (; done + kLanes * kWordBytes <= count; done += kLanes * kWordBytes) {
        Word words[kLanes];
        std::memcpy(words, bytes + done, sizeof words);
        for (index_t l = 0; l < kLanes; ++l) lanes[l] = mixed(lanes[l], words[l]);
    }
    Word hash = static_cast<Word>(count);
    for (const Word lane : lanes) hash = mixed(hash, lane);
    for (; done < count; done += kWordBytes) {
        Word word = 0;
        std::memcpy(&word, bytes + done, static_cast<std::size_t>(std::min(kWordBytes, count - done)));
        hash = mixed(hash, word);
    }
    return hash;
}

}  // namespace

std::uint64_t fingerprint(const simd::Rows& rows, int n_threads, const PollCallback& poll) {
    const char* bytes = rows.is_float32() ? reinterpret_cast<const char*>(rows.row<float>(0))
                                          : reinterpret_cast<const char*>(rows.row<double>(0));
    const auto item = static_cast<index_t>(rows.is_float32() ? sizeof(float) : sizeof(double));
    const index_t total = rows.size() * rows.dimension() * item;
    std::vector<Word> parts(static_cast<std::size_t>((total + kBytesPerTask - 1) / kBytesPerTask));
    parallel_for(
        static_cast<index_t>(parts.size()), parts.size() < 4 ? 1 : n_threads,
        [&](index_t task) {
            const index_t begin = task * kBytesPerTask;
            parts[static_cast<std::size_t>(task)] = of_bytes(bytes + begin, std::min(kBytesPerTask, total - begin));
        },
        poll);
    Word hash = static_cast<Word>(total);
    for (const Word part : parts) hash = mixed(hash, part);
    return hash;
}

}  // namespace pyface::distance
