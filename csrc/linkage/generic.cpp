#include "linkage/generic.hpp"

#include <algorithm>
#include <numeric>

#include "linkage/matrix_clusters.hpp"
#include "linkage/update.hpp"

namespace pyface::linkage {
namespace {

// Muellner's generic algorithm (arXiv:1109.2378): each row has a lower bound of the distances to the clusters above it,
// and the row with the lowest one is looked through again until its bound is true. He keeps bounds in a heap. Here they
// are looked through: that reads memory in order, and costs less than the update that follows each merge anyway.
template <class T, class Update>
class Closest {
public:
    Closest(Condensed<T> matrix, const Scale& scale) : matrix_(matrix), scale_(scale), n_(matrix.n) {
        size_.assign(at(n_), 1.0);
        node_.resize(at(n_));
        std::iota(node_.begin(), node_.end(), index_t{0});
        alive_ = node_;
        near_.assign(at(n_), kInfinite<T>);
        who_.assign(at(n_), kStale);
        penalties_.assign(at(n_), T{0});
        merges_.reserve(at(n_ - 1));
    }

    std::vector<Merge> run(const PollCallback& poll) {
        Poller look(poll);
        for (index_t a = 0; a < n_; ++a) {
            search(a);
            look();
        }
        while (static_cast<index_t>(merges_.size()) < n_ - 1) {
            index_t a = lowest();
            while (who_[at(a)] == kStale) {
                search(a);
                a = lowest();
                look();
            }
            merge(a, who_[at(a)]);
            look();
        }
        return std::move(merges_);
    }

private:
    static constexpr index_t kStale = -1;  // near_ is a lower bound only

    index_t lowest() const {
        return first_equal(near_.data(), penalties_.data(), n_, least(near_.data(), penalties_.data(), n_));
    }

    // The nearest cluster above slot a. The last one has none, and is infinitely far.
    void search(index_t a) {
        const T* penalties = penalties_.data() + a + 1;
        const T* row = matrix_.row(a);
        const T near = near_[at(a)] = least(row, penalties, n_ - a - 1);
        if (near < kInfinite<T>) who_[at(a)] = a + 1 + first_equal(row, penalties, n_ - a - 1, near);
    }

    void merge(index_t a, index_t b) {
        const double distance = static_cast<double>(matrix_.at(a, b));
        const Merging merging{distance, size_[at(a)], size_[at(b)]};
        const double size = size_[at(a)] + size_[at(b)];
        merges_.push_back({node_[at(a)], node_[at(b)], scale_.height(distance), static_cast<index_t>(size)});
        const auto joined = [&](index_t c, T own, T other) {
            return static_cast<T>(
                Update::update(merging, static_cast<double>(own), static_cast<double>(other), size_[at(c)]));
        };
        auto c = alive_.begin();
        for (; *c < a; ++c) {
            T* row = matrix_.row(*c) - (*c + 1);
            const T near = row[a] = joined(*c, row[a], row[b]);
            index_t& who = who_[at(*c)];
            if (near < near_[at(*c)] || (near == near_[at(*c)] && a <= who)) {
                near_[at(*c)] = near;
                who = a;
            } else if (who == a || who == b) {
                who = kStale;
            }
        }
        T* own = matrix_.row(a) - (a + 1);
        for (++c; *c < b; ++c) {
            own[*c] = joined(*c, own[*c], matrix_.at(*c, b));
            if (who_[at(*c)] == b) who_[at(*c)] = kStale;
        }
        alive_.erase(c);
        penalties_[at(b)] = kInfinite<T>;
        const T* other = matrix_.row(b) - (b + 1);
        for (index_t i = b + 1; i < n_; ++i) own[i] = joined(i, own[i], other[i]);
        size_[at(a)] = size;
        node_[at(a)] = n_ + static_cast<index_t>(merges_.size()) - 1;
        search(a);
    }

    Condensed<T> matrix_;
    Scale scale_;
    index_t n_;
    std::vector<double> size_;
    std::vector<index_t> node_, alive_, who_;
    std::vector<T> near_, penalties_;
    std::vector<Merge> merges_;
};

}  // namespace

template <class T, class Update>
std::vector<Merge> merge_closest(Condensed<T> matrix, const Scale& scale, const PollCallback& poll) {
    return Closest<T, Update>(matrix, scale).run(poll);
}

template std::vector<Merge> merge_closest<float, Centroid>(Condensed<float>, const Scale&, const PollCallback&);
template std::vector<Merge> merge_closest<double, Centroid>(Condensed<double>, const Scale&, const PollCallback&);
template std::vector<Merge> merge_closest<float, Median>(Condensed<float>, const Scale&, const PollCallback&);
template std::vector<Merge> merge_closest<double, Median>(Condensed<double>, const Scale&, const PollCallback&);

}  // namespace pyface::linkage
