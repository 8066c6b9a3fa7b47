// The rows that may be among the k nearest of one row, by bounds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "core/views.hpp"

namespace pyface::distance {

// With more rows than this that bounds cannot tell apart, it is float64's turn.
inline constexpr std::size_t crowd(std::size_t k) { return 8 * k + 64; }

// The index from which on no row can be among the k nearest, of which these are the distances, in order, and the last is of
// row `last`: no distance is below 0, and ties go to the lower index.
inline std::int32_t end_of(double farthest, std::int32_t last) {
    return farthest > 0.0 ? std::numeric_limits<std::int32_t>::max() : last;
}

// By bounds on their scores, of which the highest is the nearest: all rows whose upper bound reaches the k-th highest
// lower bound.
class Shortlist {
public:
    // To be settled once bounds leave more than `most` rows in doubt; 0: than crowd(k). There are twice as many entries, or
    // room(k), at most.
    static constexpr std::size_t room(std::size_t k) { return 4 * k + 32; }
    void start(index_t k, std::size_t most = 0) {
        k_ = static_cast<std::size_t>(k);
        most_ = most == 0 ? crowd(k_) : most;
        lows_.clear();
        entries_.clear();
        entries_.reserve(room(k_));
        floor_ = -std::numeric_limits<double>::infinity();
        end_ = std::numeric_limits<std::int32_t>::max();
        compact_at_ = room(k_);
    }

    // -infinity while there are fewer than k.
    double threshold() const {
        return lows_.size() < k_ ? floor_ : std::max(floor_, lows_.front());
    }

    // From this index on no row can be among the nearest: those that are known are at distance 0.
    std::int32_t end() const { return end_; }

    // Returns whether so many rows are left that bounds cannot tell apart that they should be settled.
    bool offer(double low, double high, std::int32_t index) {
        if (high < threshold() || index >= end_) return false;
        entries_.push_back({low, high, index});
        if (lows_.size() < k_) {
            lows_.push_back(low);
            std::push_heap(lows_.begin(), lows_.end(), std::greater<>());
        } else if (low > lows_.front()) {
            std::pop_heap(lows_.begin(), lows_.end(), std::greater<>());
            lows_.back() = low;
            std::push_heap(lows_.begin(), lows_.end(), std::greater<>());
        }
        if (entries_.size() >= compact_at_) {
            compact();
            if (entries_.size() > most_) return true;
            compact_at_ = std::max(room(k_), 2 * entries_.size());
        }
        return false;
    }

    struct Entry {
        double low, high;
        std::int32_t index;
    };
    const std::vector<Entry>& entries() const { return entries_; }

    // Only these are kept: the k nearest of the rows so far, in whatever order; no row of a score below `floor` is nearer,
    // nor any from index `end` on.
    void settle(const std::vector<Entry>& nearest, double floor,
                std::int32_t end = std::numeric_limits<std::int32_t>::max()) {
        entries_.assign(nearest.begin(), nearest.end());  // in the memory that there is
        floor_ = std::max(floor_, floor);
        end_ = std::min(end_, end);
        compact_at_ = room(k_);
    }

    // From the start it is known that k rows have a score of at least this.
    void raise(double floor) { floor_ = std::max(floor_, floor); }

    void compact() {
        const double limit = threshold();
        std::erase_if(entries_, [limit](const Entry& e) { return e.high < limit; });
    }

private:
    std::size_t k_ = 0, most_ = 0, compact_at_ = 0;
    double floor_ = 0.0;
    std::int32_t end_ = std::numeric_limits<std::int32_t>::max();
    std::vector<double> lows_;  // a heap, the lowest first
    std::vector<Entry> entries_;
};

}  // namespace pyface::distance
