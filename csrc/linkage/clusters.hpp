// Clusters as means, spreads and sizes, and the one distance between two of them that decides.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "core/parallel.hpp"
#include "linkage/forest.hpp"
#include "linkage/space.hpp"
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
class Clusters final : public Space {
public:
    // Cluster i is row rows[i] of x; an empty view means all rows. Sets belong to clusters. `origin` is subtracted from
    // all rows, so that means of rows far away from 0 lose no digits; an empty view means 0. Throws
    // std::invalid_argument for a row of zeros under cosine, and where distances would not be finite.
    Clusters(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, VectorView<const double> origin,
             const NumberSets& cannot_link, int n_threads, const PollCallback& poll);

    index_t n_slots() const override { return forest_.n_slots(); }
    index_t n_alive() const { return forest_.n_alive(); }
    bool is_alive(index_t a) const override { return forest_.is_alive(a); }
    double size(index_t a) const override { return forest_.size(a); }
    double spread(index_t a) const override { return spreads_[static_cast<std::size_t>(a)]; }
    bool forbids(index_t a, index_t b) const override { return forest_.forbids(a, b); }
    // Whether any pair may be forbidden.
    bool has_forbidden() const { return forest_.has_forbidden(); }

    Method method() const { return method_; }
    bool is_ward() const override { return method_ == Method::ward; }
    bool is_weighted() const { return method_ == Method::weighted_cosine || method_ == Method::weighted_sqeuclidean; }
    // Rows as they are kept: float64, padded to `stride`.
    index_t stride() const { return stride_; }
    simd::Rows rows() const override { return simd::Rows(MatrixView<const double>{means_.get(), n_slots(), stride_}); }
    // The largest squared length of a mean: what rounding is relative to.
    double largest_square() const { return largest_square_; }

    double height(double raw) const;
    // A raw distance that is not below any whose height is below this.
    double raw_limit(double height) const;

    // out[c] = raw distance of a and bs[c], infinite or NaN where squares overflow. The same bits in either order, from
    // any instruction set.
    void distances(index_t a, const std::int32_t* bs, index_t count, double* out) const override;
    double distance(index_t a, index_t b) const;

    // Raw distance of a merge of a and b, `between` apart, and a cluster of size n_y at d_a and d_b from them: Lance and
    // Williams' formula. Increasing in d_a and d_b, so that it takes bounds.
    double combined(index_t a, index_t b, double between, double d_a, double d_b, double n_y) const;
    // A lower bound of that for clusters of any size that are at least low_a and low_b away.
    double combined_low(index_t a, index_t b, double between, double low_a, double low_b) const;
    // What float64 may have rounded in a raw distance of about this size.
    double rounding(double raw) const override;

    struct Pair {
        std::int32_t a, b;
        double raw;
    };
    // Merges pairs, a < b, no cluster in two of them; the slot of a keeps the result. Heights are those of `raw`, or 0.
    void merge(const std::vector<Pair>& pairs, int n_threads, const PollCallback& poll);
    void merge_at_zero(index_t a, index_t b);
    void merge(index_t a, index_t b, double raw);

    // Closes the gaps that merged clusters left, keeping the order, and says which slots were kept.
    std::vector<std::int32_t> compact();

    // In the order of the merges, by rows of x.
    std::vector<Joint> take_joints() { return forest_.take_joints(); }

private:
    double* mean(index_t a) const { return means_.get() + a * stride_; }
    bool is_cosine() const { return method_ == Method::average_cosine || method_ == Method::weighted_cosine; }
    double share(index_t a, index_t b) const { return is_weighted() ? 0.5 : size(b) / (size(a) + size(b)); }
    void unite(index_t a, index_t b);

    Method method_;
    index_t stride_;
    double largest_square_ = 0.0;
    AlignedBuffer means_;
    std::vector<double> spreads_;
    Forest forest_;
};

}  // namespace pyface::linkage
