// Clusters as means, spreads and sizes, and the one distance between two of them that decides.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "core/parallel.hpp"
#include "linkage/cannot_link.hpp"
#include "linkage/dendrogram.hpp"
#include "simd/rows.hpp"

namespace pyface::linkage {

// What a distance is made of: q = |mean_a - mean_b|^2, the spreads V = mean |x - mean|^2, and the sizes. In weighted
// linkage every merge counts both sides half in means and spreads, whatever their sizes.
enum class Method {
    average_cosine,        // (q + V_a + V_b) / 2 over rows scaled to unit length: the mean cosine distance of all pairs
    average_sqeuclidean,   // q + V_a + V_b: the mean squared distance of all pairs
    weighted_cosine,       // the same two with the means of the tree
    weighted_sqeuclidean,
    ward,                  // 2 |a| |b| / (|a| + |b|) q; the height is its square root
};

// Clusters are called by their slots, which are in the order of their smallest rows. Inside, distances are "raw": twice the
// height under cosine, its square in Ward's linkage.
class Clusters {
public:
    // Cluster i is row rows[i] of x; an empty view means all rows. Throws std::invalid_argument for a row of zeros under
    // cosine.
    Clusters(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, CannotLink cannot_link,
             int n_threads, const PollCallback& poll);

    index_t n_slots() const { return static_cast<index_t>(entries_.size()); }
    index_t n_alive() const { return n_alive_; }
    bool is_alive(index_t a) const { return entry(a).size > 0.0; }
    double size(index_t a) const { return entry(a).size; }
    double spread(index_t a) const { return entry(a).spread; }
    bool forbids(index_t a, index_t b) const { return cannot_link_.forbids(a, b); }

    Method method() const { return method_; }
    bool is_ward() const { return method_ == Method::ward; }
    // Rows as they are kept: float64, padded to `stride`.
    index_t stride() const { return stride_; }
    simd::Rows means() const { return simd::Rows(MatrixView<const double>{means_.get(), n_slots(), stride_}); }
    // The largest squared length of a mean: what rounding is relative to.
    double largest_square() const { return largest_square_; }

    double height(double raw) const;
    // A raw distance that is not below any whose height is below this.
    double raw_limit(double height) const;

    // out[c] = raw distance of a and bs[c], infinite or NaN where squares overflow. The same bits in either order, from
    // any instruction set.
    void distances(index_t a, const std::int32_t* bs, index_t count, double* out) const;
    double distance(index_t a, index_t b) const;

    // Raw distance of a merge of a and b, `between` apart, and a cluster of size n_y at d_a and d_b from them: Lance and
    // Williams' formula. Increasing in d_a and d_b, so that it takes bounds.
    double combined(index_t a, index_t b, double between, double d_a, double d_b, double n_y) const;
    // A lower bound of that for clusters of any size that are at least low_a and low_b away.
    double combined_low(index_t a, index_t b, double between, double low_a, double low_b) const;
    // What float64 may have rounded in a raw distance of about this size.
    double rounding(double raw) const;

    struct Pair {
        std::int32_t a, b;
        double raw;
    };
    // Merges pairs, a < b, no cluster in two of them; the slot of a keeps the result. Heights are those of `raw`, or 0.
    void merge(const std::vector<Pair>& pairs, int n_threads, const PollCallback& poll);
    void merge_at_zero(index_t a, index_t b);

    // Closes the gaps that merged clusters left, keeping the order, and says which slots were kept.
    std::vector<std::int32_t> compact();

    // Nodes n, n + 1, ... in the order of the merges; nodes below n are places in `rows`.
    const std::vector<Merge>& merges() const { return merges_; }
    std::vector<Merge> take_merges() { return std::move(merges_); }

private:
    struct Entry {
        index_t node;
        double size;    // 0: merged into another one
        double spread;
    };
    Entry& entry(index_t a) { return entries_[static_cast<std::size_t>(a)]; }
    const Entry& entry(index_t a) const { return entries_[static_cast<std::size_t>(a)]; }
    double* mean(index_t a) const { return means_.get() + a * stride_; }
    bool is_weighted() const { return method_ == Method::weighted_cosine || method_ == Method::weighted_sqeuclidean; }
    bool is_cosine() const { return method_ == Method::average_cosine || method_ == Method::weighted_cosine; }
    double share(index_t a, index_t b) const { return is_weighted() ? 0.5 : size(b) / (size(a) + size(b)); }
    void unite(index_t a, index_t b);
    void record(index_t a, index_t b, double height);

    Method method_;
    index_t n_, stride_, n_alive_;
    double largest_square_ = 0.0;
    AlignedBuffer means_;
    std::vector<Entry> entries_;
    CannotLink cannot_link_;
    std::vector<Merge> merges_;
};

}  // namespace pyface::linkage
