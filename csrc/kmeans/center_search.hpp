// The nearest centre of rows: a screen rules out most centres, the others are compared in float64.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/crew.hpp"
#include "distance/blocks.hpp"
#include "distance/exact.hpp"
#include "kmeans/data.hpp"

namespace pyface::kmeans {

// Of a row whose centre is not known: any centre is better, at any distance.
inline constexpr std::int32_t kUnknown = -1;

// Some of the centres, in increasing order, side by side and coded.
template <class T>
class CenterSet {
public:
    // All centres. They are borrowed.
    void take_all(const Data& data, MatrixView<const T> centers, int n_threads, const PollCallback& poll);
    // The centres listed, in increasing order. They are copied.
    void take(const Data& data, MatrixView<const T> centers, std::vector<std::int32_t> numbers, int n_threads,
              const PollCallback& poll);

    index_t size() const { return rows_.size(); }
    const Rows& rows() const { return rows_; }
    const distance::CodedRows& coded() const { return side_.codes(); }
    distance::Side side() const { return side_.side(rows_); }
    // The number of the centre in column j.
    std::int32_t number(index_t j) const {
        return numbers_.empty() ? static_cast<std::int32_t>(j) : numbers_[static_cast<std::size_t>(j)];
    }

private:
    void code(const Data& data, int n_threads, const PollCallback& poll);

    std::vector<T> copies_;
    std::vector<std::int32_t> numbers_;
    Rows rows_{MatrixView<const T>{}};
    distance::CodedSide side_;
};

// What is known of each row: its nearest centre so far, ties by lower number, and the squared distance to it in
// float64, infinite where the centre is kUnknown.
struct Assignment {
    VectorView<std::int32_t> labels;
    VectorView<double> distances;
};

// Whether float64 for all pairs of a row and some centres takes less time than a screen's own work.
bool is_small(index_t n_centers, index_t dimension);

// Compares the rows listed, in increasing order, with all centres of the set. Where one is nearer, or as near and of a
// lower number, it takes the place of what was known. Returns whether that happened to any row.
//
// Rows that are known already rule out most centres at once. Time: rows x centres x d operations on codes, and
// whatever is left in doubt in float64. The data must be prepared, for these centres, unless they are few (is_small).
template <class T>
bool search(const Data& data, const CenterSet<T>& set, VectorView<const std::int32_t> rows, Assignment known,
            Crew& crew);

}  // namespace pyface::kmeans
