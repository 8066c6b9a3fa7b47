#include "linkage/from_vectors.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

namespace pyface::linkage {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

// Of the bits of a row; rows that differ may share it.
std::uint64_t digest(const double* row, index_t count) {
    std::uint64_t hash = 0x9e3779b97f4a7c15ull;
    for (index_t k = 0; k < count; ++k) {
        std::uint64_t bits;
        std::memcpy(&bits, row + k, sizeof bits);
        hash = (hash ^ bits) * 0xff51afd7ed558ccdull;
        hash ^= hash >> 32;
    }
    return hash;
}

}  // namespace

void merge_given(Clusters& clusters, VectorView<const std::int64_t> must_link) {
    std::unordered_map<std::int64_t, index_t> first;
    for (index_t i = 0; i < must_link.size; ++i) {
        if (must_link[i] < 0) continue;
        const auto [place, is_new] = first.emplace(must_link[i], i);
        if (!is_new) clusters.merge_at_zero(place->second, i);
    }
}

void merge_equal(Clusters& clusters, int n_threads, const PollCallback& poll) {
    constexpr index_t kRowsPerTask = 256;
    const index_t n = clusters.n_slots();
    const simd::Rows means = clusters.means();
    struct Digest {
        std::uint64_t hash;
        std::int32_t slot;
    };
    std::vector<Digest> digests(at(n));
    parallel_for(
        (n + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
                digests[at(i)] = {digest(means.row<double>(i), clusters.stride()), static_cast<std::int32_t>(i)};
            }
        },
        poll);
    // Clusters of must-links are left to the rounds: their mean may equal a row, but they are not at distance 0 from it.
    std::erase_if(digests, [&](const Digest& d) { return !clusters.is_alive(d.slot) || clusters.size(d.slot) != 1.0; });
    std::sort(digests.begin(), digests.end(), [](const Digest& a, const Digest& b) {
        return a.hash < b.hash || (a.hash == b.hash && a.slot < b.slot);
    });
    const auto is_equal = [&](std::int32_t a, std::int32_t b) {
        return std::memcmp(means.row<double>(a), means.row<double>(b),
                           at(clusters.stride()) * sizeof(double)) == 0;
    };
    std::vector<std::int32_t> equal, left;
    Poller look(poll);
    for (std::size_t begin = 0, end = 0; begin < digests.size(); begin = end) {
        for (end = begin + 1; end < digests.size() && digests[end].hash == digests[begin].hash;) ++end;
        equal.clear();
        for (std::size_t i = begin; i < end; ++i) equal.push_back(digests[i].slot);
        // What does not go with the first one, because it differs or must not, is tried with the next one that is left.
        while (equal.size() > 1) {
            left.clear();
            for (std::size_t i = 1; i < equal.size(); ++i) {
                if (is_equal(equal[0], equal[i]) && !clusters.forbids(equal[0], equal[i])) {
                    clusters.merge_at_zero(equal[0], equal[i]);
                } else {
                    left.push_back(equal[i]);
                }
            }
            std::swap(equal, left);
            look();
        }
    }
}

std::vector<Merge> from_vectors(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, Groups groups,
                                double height_limit, int n_threads, const PollCallback& poll) {
    Clusters clusters(x, rows, method, CannotLink(groups.cannot_link), n_threads, poll);
    merge_given(clusters, groups.must_link);
    if (height_limit > 0.0) merge_equal(clusters, n_threads, poll);
    merge_all(clusters, height_limit, n_threads, poll);
    return clusters.take_merges();
}

}  // namespace pyface::linkage
