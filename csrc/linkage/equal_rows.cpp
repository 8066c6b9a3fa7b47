#include "linkage/equal_rows.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace pyface::linkage {
namespace {

constexpr index_t kRowsPerTask = 256;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

const char* bytes(const simd::Rows& rows, index_t i) {
    return rows.is_float32() ? reinterpret_cast<const char*>(rows.row<float>(i))
                             : reinterpret_cast<const char*>(rows.row<double>(i));
}

std::size_t n_bytes(const simd::Rows& rows) {
    return at(rows.dimension()) * (rows.is_float32() ? sizeof(float) : sizeof(double));
}

// Rows that differ may share it. Four at a time, since each multiplication waits for the one before.
std::uint64_t digest(const char* row, std::size_t count) {
    constexpr std::size_t kSideBySide = 4;
    std::uint64_t hashes[kSideBySide];
    std::fill_n(hashes, kSideBySide, 0x9e3779b97f4a7c15ull);
    const auto mix = [](std::uint64_t& hash, std::uint64_t word) {
        hash = (hash ^ word) * 0xff51afd7ed558ccdull;
        hash ^= hash >> 32;
    };
    std::size_t k = 0;
    for (; k + kSideBySide * sizeof *hashes <= count; k += kSideBySide * sizeof *hashes) {
        std::uint64_t words[kSideBySide];
        std::memcpy(words, row + k, sizeof words);
        for (std::size_t s = 0; s < kSideBySide; ++s) mix(hashes[s], words[s]);
    }
    for (; k < count; k += sizeof *hashes) {
        std::uint64_t word = 0;
        std::memcpy(&word, row + k, std::min(sizeof word, count - k));
        mix(hashes[0], word);
    }
    for (std::size_t s = 1; s < kSideBySide; ++s) mix(hashes[0], hashes[s]);
    return hashes[0];
}

}  // namespace

std::vector<std::vector<std::int32_t>> equal_rows(const simd::Rows& rows, int n_threads, const PollCallback& poll) {
    struct Digest {
        std::uint64_t hash;
        std::int32_t row;
    };
    const index_t n = rows.size();
    std::vector<Digest> digests(at(n));
    parallel_for(
        (n + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
                digests[at(i)] = {digest(bytes(rows, i), n_bytes(rows)), static_cast<std::int32_t>(i)};
            }
        },
        poll);
    std::sort(digests.begin(), digests.end(), [](const Digest& a, const Digest& b) {
        return a.hash < b.hash || (a.hash == b.hash && a.row < b.row);
    });
    std::vector<std::vector<std::int32_t>> groups;
    std::vector<std::int32_t> open, left;
    Poller look(poll);
    for (std::size_t begin = 0, end = 0; begin < digests.size(); begin = end) {
        open.clear();
        for (end = begin; end < digests.size() && digests[end].hash == digests[begin].hash; ++end) {
            open.push_back(digests[end].row);
        }
        // Nearly always all are equal. Those that differ from the first one are looked at among themselves.
        while (open.size() > 1) {
            std::vector<std::int32_t> group{open[0]};
            left.clear();
            for (std::size_t i = 1; i < open.size(); ++i) {
                const bool is_equal = std::memcmp(bytes(rows, open[0]), bytes(rows, open[i]), n_bytes(rows)) == 0;
                (is_equal ? group : left).push_back(open[i]);
            }
            if (group.size() > 1) groups.push_back(std::move(group));
            std::swap(open, left);
            look();
        }
    }
    std::sort(groups.begin(), groups.end());
    return groups;
}

}  // namespace pyface::linkage
