// Components whose linkage needs the distances of all pairs.
#include <algorithm>

#include "distance/distances.hpp"
#include "linkage/component_tasks.hpp"
#include "linkage/matrix.hpp"

namespace pyface::linkage {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

MatrixMethod matrix_method(Linkage linkage) {
    switch (linkage) {
        case Linkage::single: return MatrixMethod::single;
        case Linkage::complete: return MatrixMethod::complete;
        case Linkage::average: return MatrixMethod::average;
        default: return MatrixMethod::weighted;
    }
}

// Merges of nodes as merges of rows.
std::vector<Joint> as_joints(const std::vector<Merge>& merges, VectorView<const std::int32_t> rows) {
    std::vector<std::int32_t> row(rows.begin(), rows.end());
    std::vector<Joint> joints;
    for (const Merge& merge : merges) {
        const auto [a, b] = std::minmax({row[at(merge.left)], row[at(merge.right)]});
        joints.push_back({a, b, merge.height});
        row.push_back(a);
    }
    return joints;
}

template <class T>
MatrixView<const T> gathered(const simd::Rows& x, VectorView<const std::int32_t> rows, AlignedArray<T>& memory) {
    const index_t d = x.dimension();
    memory = AlignedArray<T>(rows.size * d);
    for (index_t i = 0; i < rows.size; ++i) std::copy_n(x.row<T>(rows[i]), d, memory.get() + i * d);
    return {memory.get(), rows.size, d};
}

template <class T>
std::vector<Merge> link(const simd::Rows& rows, distance::Metric metric, MatrixMethod method,
                        const MatrixOptions& options, int n_threads, const PollCallback& poll) {
    const index_t n = rows.size();
    AlignedArray<T> memory(n * (n - 1) / 2);
    const VectorView<T> distances{memory.get(), n * (n - 1) / 2};
    distance::condensed(rows, metric, distances, n_threads, poll);
    return from_condensed(distances, n, method, options, n_threads, poll);
}

}  // namespace

MatrixTooLarge::MatrixTooLarge(index_t n_rows, index_t memory_limit) {
    constexpr double kMiB = 1024.0 * 1024.0;
    const double bytes = 2.0 * static_cast<double>(n_rows) * static_cast<double>(n_rows - 1);
    message_ = "a component of " + std::to_string(n_rows) +
               " rows, held together by distances below the threshold, needs a matrix of " +
               std::to_string(static_cast<std::int64_t>(bytes / kMiB)) + " MiB even in float32, and " +
               std::to_string(static_cast<std::int64_t>(static_cast<double>(memory_limit) / kMiB)) +
               " MiB are free. Choose a smaller distance_threshold, or average linkage by 'cosine' or 'sqeuclidean', "
               "which needs no matrix.";
}

std::vector<Joint> ComponentSolver::by_matrix(const Problem& problem, int n_threads, const PollCallback& poll) const {
    const index_t n = problem.size();
    MatrixOptions options;
    options.stop = below_.threshold;
    options.must_link = problem.must();
    options.cannot_link = problem.cannot();
    AlignedArray<float> floats;
    AlignedArray<double> doubles;
    const simd::Rows rows = x_.is_float32() ? simd::Rows(gathered(x_, problem.rows, floats))
                                            : simd::Rows(gathered(x_, problem.rows, doubles));
    const MatrixMethod method = matrix_method(below_.linkage);
    // float64 where it fits, half of that where it does not.
    const index_t n_pairs = n * (n - 1) / 2;
    if (below_.memory_limit >= 0 && n_pairs * 4 > below_.memory_limit) throw MatrixTooLarge(n, below_.memory_limit);
    const bool in_float64 = below_.memory_limit < 0 || n_pairs * 8 <= below_.memory_limit;
    return as_joints(in_float64 ? link<double>(rows, below_.metric, method, options, n_threads, poll)
                                : link<float>(rows, below_.metric, method, options, n_threads, poll),
                     problem.rows);
}

}  // namespace pyface::linkage
