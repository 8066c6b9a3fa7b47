#include "linkage/from_vectors.hpp"

#include <utility>

#include "linkage/equal_rows.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kWorthAThread = index_t{1} << 18;  // numbers

}  // namespace

void merge_given(Clusters& clusters, VectorView<const std::int64_t> must_link) {
    for (const auto& [first, i] : given_pairs(must_link)) clusters.merge_at_zero(first, i);
}

void merge_equal(Clusters& clusters, int n_threads, const PollCallback& poll) {
    Poller look(poll);
    for (auto& equal : equal_rows(clusters.rows(), n_threads, poll)) {
        // The mean of a cluster of must-links may equal a row that is not at distance 0 from it, but in Ward's linkage.
        std::erase_if(equal, [&](std::int32_t i) {
            return !clusters.is_alive(i) || (!clusters.is_ward() && clusters.spread(i) != 0.0);
        });
        // What may not go with the first one is tried with the next one that is left.
        while (equal.size() > 1) {
            std::vector<std::int32_t> left;
            for (std::size_t i = 1; i < equal.size(); ++i) {
                if (clusters.forbids(equal[0], equal[i])) {
                    left.push_back(equal[i]);
                } else {
                    clusters.merge_at_zero(equal[0], equal[i]);
                }
            }
            equal = std::move(left);
            look();
        }
    }
}

std::vector<Joint> from_vectors(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, Groups groups,
                                double height_limit, int n_threads, const PollCallback& poll,
                                VectorView<const double> origin, index_t few) {
    // A thread does not pay to copy what a cache holds.
    const int n_copying = x.dimension() * (rows.size > 0 ? rows.size : x.size()) < kWorthAThread ? 1 : n_threads;
    Clusters clusters(x, rows, method, origin, groups.cannot_link, n_copying, poll);
    merge_given(clusters, groups.must_link);
    if (height_limit > 0.0) merge_equal(clusters, n_copying, poll);
    merge_all(clusters, height_limit, few, n_threads, poll);
    return clusters.take_joints();
}

}  // namespace pyface::linkage
