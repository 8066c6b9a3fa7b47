#include "linkage/advice.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/require.hpp"
#include "linkage/dendrogram.hpp"

namespace pyface::linkage {
namespace {

using Children = std::vector<std::pair<index_t, index_t>>;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

// Calls body(i) for i in [begin, end), and looks for Ctrl-C now and then.
template <class Body>
void for_each(index_t begin, index_t end, Poller& look, Body&& body) {
    constexpr index_t kSteps = 1 << 14;
    for (index_t first = begin; first < end; first += kSteps) {
        for (index_t i = first; i < std::min(end, first + kSteps); ++i) body(i);
        look();
    }
}

// A sum of doubles and quotients in twice the digits: the order of additions does not show in the rounded result.
class LongSum {
public:
    void add(double x) {  // Knuth's two-sum
        const double sum = high_ + x;
        const double part = sum - high_;
        low_ += (high_ - (sum - part)) + (x - part);
        high_ = sum;
    }
    void add(const LongSum& other) {
        add(other.high_);
        low_ += other.low_;
    }
    // Both are whole numbers below 2^53, so that the remainder is exact.
    void add_quotient(std::int64_t numerator, std::int64_t denominator) {
        const auto a = static_cast<double>(numerator), b = static_cast<double>(denominator);
        const double quotient = a / b;
        add(quotient);
        low_ += std::fma(-quotient, b, a) / b;
    }
    double rounded() const { return high_ + low_; }

private:
    double high_ = 0.0, low_ = 0.0;
};

// What a merge adds to the BCubed sums: pairs of one class that it brings together, and 2 / (size of the class) for
// each of them.
struct Gain {
    std::int64_t pairs = 0;
    LongSum recall;
};

// Rows in the order of a drawing without crossings: cluster(n + i) is an interval, cut by merge i at one border.
// row[p] is at place p; merge[p] is the one that brings the rows at p - 1 and p together (merge[0] is not used).
struct Drawing {
    std::vector<index_t> row, merge;
};

Drawing draw(const Children& children, index_t n, Poller& look) {
    std::vector<index_t> size(at(2 * n - 1), 1), begin(at(2 * n - 1), 0);
    for_each(0, n - 1, look, [&](index_t i) {
        size[at(n + i)] = size[at(children[at(i)].first)] + size[at(children[at(i)].second)];
    });
    Drawing drawing{std::vector<index_t>(at(n)), std::vector<index_t>(at(n))};
    for_each(0, n - 1, look, [&](index_t k) {
        const index_t i = n - 2 - k;
        const auto [left, right] = children[at(i)];
        begin[at(left)] = begin[at(n + i)];
        begin[at(right)] = begin[at(n + i)] + size[at(left)];
        drawing.merge[at(begin[at(right)])] = i;
    });
    for_each(0, n, look, [&](index_t row) { drawing.row[at(begin[at(row)])] = row; });
    return drawing;
}

// The rows of one class, in the order of the drawing, are brought together by the merges between neighbours, each of
// which joins all to its left up to a later merge with all to its right up to a later one.
void gains_of_class(const index_t* merges, index_t n_rows, std::vector<index_t>& open, std::vector<Gain>& gains) {
    open.clear();  // merges whose right side is not complete yet, the later ones first
    const auto close = [&](index_t end) {
        const index_t i = open.back();
        open.pop_back();
        const index_t begin = open.empty() ? 0 : open.back() + 1;
        const index_t pairs = (i + 1 - begin) * (end - i);
        Gain& gain = gains[at(merges[i])];
        gain.pairs += pairs;
        gain.recall.add_quotient(2 * pairs, n_rows);
    };
    for (index_t i = 0; i + 1 < n_rows; ++i) {
        while (!open.empty() && merges[open.back()] < merges[i]) close(i);
        open.push_back(i);
    }
    while (!open.empty()) close(n_rows - 1);
}

std::vector<Gain> gains_of_merges(const Children& children, VectorView<const std::int64_t> classes,
                                  const std::vector<index_t>& class_begin, Poller& look) {
    const index_t n = classes.size;
    const Drawing drawing = draw(children, n, look);
    // The merge that brings two rows together is the last one of those between them. Merges that are later than all to
    // their right so far are kept with their places: the first of them behind a place is the last merge behind it.
    std::vector<index_t> places;
    std::vector<index_t> last(class_begin.size() - 1, -1), filled(class_begin.begin(), class_begin.end() - 1);
    std::vector<index_t> between(at(class_begin.back()));
    for_each(0, n, look, [&](index_t p) {
        if (p > 0) {
            while (!places.empty() && drawing.merge[at(places.back())] < drawing.merge[at(p)]) places.pop_back();
            places.push_back(p);
        }
        const std::int64_t own = classes[drawing.row[at(p)]];
        if (own < 0) return;
        if (last[at(own)] >= 0) {
            const auto first = std::upper_bound(places.begin(), places.end(), last[at(own)]);
            between[at(filled[at(own)]++)] = drawing.merge[at(*first)];
        }
        last[at(own)] = p;
    });
    std::vector<Gain> gains(at(n - 1));
    std::vector<index_t> open;
    for_each(0, static_cast<index_t>(last.size()), look, [&](index_t own) {
        const index_t begin = class_begin[at(own)], n_rows = class_begin[at(own + 1)] - begin;
        if (n_rows > 1) gains_of_class(between.data() + begin, n_rows, open, gains);
    });
    return gains;
}

}  // namespace

void describe(MatrixView<const double> z, VectorView<double> heights, VectorView<std::int64_t> sizes,
              VectorView<std::int64_t> first_rows, const PollCallback& poll) {
    const index_t n = z.rows + 1;
    require(heights.size == n - 1 && sizes.size == n - 1 && first_rows.size == n - 1,
            "heights, sizes and first_rows must have one entry per merge");
    const auto children = checked_children(z, n);
    Poller look(poll);
    for_each(0, n - 1, look, [&](index_t i) {
        heights[i] = z(i, 2);
        sizes[i] = 0;
        first_rows[i] = n;
        for (const index_t child : {children[at(i)].first, children[at(i)].second}) {
            const index_t below = child - n;
            if (below >= 0) heights[i] = std::max(heights[i], heights[below]);
            sizes[i] += below >= 0 ? sizes[below] : 1;
            first_rows[i] = std::min<std::int64_t>(first_rows[i], below >= 0 ? first_rows[below] : child);
        }
    });
}

void bcubed_by_merge(MatrixView<const double> z, VectorView<const std::int64_t> classes, index_t n_classes,
                     VectorView<const std::int64_t> order, bool others_count, VectorView<double> precision,
                     VectorView<double> recall, const PollCallback& poll) {
    const index_t n = z.rows + 1;
    require(classes.size == n, "classes must have one entry per row");
    require(order.size == n - 1, "order must have one entry per merge");
    require(precision.size == n && recall.size == n, "precision and recall must have one entry per row");
    require(n_classes >= 1, "n_classes must be at least 1");
    const auto children = checked_children(z, n);
    Poller look(poll);

    std::vector<index_t> class_begin(at(n_classes + 1), 0);
    for (const std::int64_t own : classes) {
        require(own >= -1 && own < n_classes, "classes must be -1 or below n_classes");
        if (own >= 0) ++class_begin[at(own + 1)];
    }
    std::int64_t n_present = 0;
    for (index_t own = 0; own < n_classes; ++own) {
        n_present += class_begin[at(own + 1)] > 0;
        class_begin[at(own + 1)] += class_begin[at(own)];
    }
    const index_t n_known = class_begin.back();
    require(n_known >= 1, "one row at least must have a class");
    const auto gains = gains_of_merges(children, classes, class_begin, look);

    // Of each node: rows that count, and the sum of the squares of their numbers by class; 0 rows until it is made.
    std::vector<std::int64_t> counted(at(2 * n - 1), 0), squares(at(2 * n - 1), 0);
    std::vector<bool> is_made(at(2 * n - 1), false);
    for (index_t row = 0; row < n; ++row) {
        squares[at(row)] = classes[row] >= 0;
        counted[at(row)] = classes[row] >= 0 || others_count;
        is_made[at(row)] = true;
    }
    LongSum precisions, recalls;
    precisions.add(static_cast<double>(n_known));
    recalls.add(static_cast<double>(n_present));
    const auto write = [&](index_t k) {
        precision[k] = precisions.rounded() / static_cast<double>(n_known);
        recall[k] = recalls.rounded() / static_cast<double>(n_known);
    };
    write(0);
    for_each(0, n - 1, look, [&](index_t k) {
        const std::int64_t i = order[k];
        require(i >= 0 && i < n - 1, "order must hold the merges");
        const auto [left, right] = children[at(i)];
        require(is_made[at(left)] && is_made[at(right)] && !is_made[at(n + i)],
                "order must hold each merge once, after those below it");
        is_made[at(n + i)] = true;
        const Gain& gain = gains[at(i)];
        counted[at(n + i)] = counted[at(left)] + counted[at(right)];
        squares[at(n + i)] = squares[at(left)] + squares[at(right)] + 2 * gain.pairs;
        if (counted[at(left)] > 0 && counted[at(right)] > 0) {  // otherwise nothing changes
            precisions.add_quotient(squares[at(n + i)], counted[at(n + i)]);
            precisions.add_quotient(-squares[at(left)], counted[at(left)]);
            precisions.add_quotient(-squares[at(right)], counted[at(right)]);
            recalls.add(gain.recall);
        }
        write(k + 1);
    });
}

}  // namespace pyface::linkage
