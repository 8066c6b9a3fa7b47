// The short lists of all rows, to which several threads add at the same time.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "distance/screen.hpp"
#include "distance/shortlist.hpp"

namespace pyface::distance {

class SharedLists {
public:
    // Rows of one lock: a block of rows, or of columns, has a whole number of them.
    static constexpr index_t kRowsPerLock = 64;
    static constexpr double kLittle = 0x1p28;  // bytes that nobody misses
    static_assert(kRowBlock % kRowsPerLock == 0 && kColBlock % kRowsPerLock == 0);

    // Of n rows, the k nearest each; what is known of a row at first is published already.
    SharedLists(index_t n, index_t k)
        : most_(4.0 * bytes(n, k) <= kLittle ? 0 : Shortlist::room(static_cast<std::size_t>(k))),
          lists_(static_cast<std::size_t>(n)),
          thresholds_(static_cast<std::size_t>(n)),
          ends_(static_cast<std::size_t>(n)),
          locks_(static_cast<std::size_t>((n + kRowsPerLock - 1) / kRowsPerLock)) {
        for (index_t i = 0; i < n; ++i) {
            start(i, k);
            publish(i);
        }
    }
    // What the lists of n rows usually take, in bytes; up to three times that (four, of few rows) where there are many rows
    // that are hard to tell apart.
    static double bytes(index_t n, index_t k) {
        const double entries = static_cast<double>(sizeof(Shortlist::Entry) * Shortlist::room(static_cast<std::size_t>(k)));
        return static_cast<double>(n) * (entries + 16.0 * static_cast<double>(k) + 160.0);
    }

    // A list anew. Of many rows they are settled early, so that lists do not grow as long.
    void start(index_t i, index_t k) { (*this)[i].start(k, most_); }
    // To be changed by who holds the lock of the row, and published then.
    Shortlist& operator[](index_t i) { return lists_[static_cast<std::size_t>(i)]; }
    std::mutex& lock(index_t i) { return locks_[static_cast<std::size_t>(i / kRowsPerLock)]; }
    void publish(index_t i) {
        thresholds_[static_cast<std::size_t>(i)].store((*this)[i].threshold(), std::memory_order_relaxed);
        ends_[static_cast<std::size_t>(i)].store((*this)[i].end(), std::memory_order_relaxed);
    }

    // What was published last, for who looks at rows from number `first` on. It only ever rises: an older threshold rules
    // out less.
    double threshold(index_t i, index_t first) const {
        if (ends_[static_cast<std::size_t>(i)].load(std::memory_order_relaxed) <= first) return kBeyondAll;
        return thresholds_[static_cast<std::size_t>(i)].load(std::memory_order_relaxed);
    }

private:
    std::size_t most_;
    std::vector<Shortlist> lists_;
    std::vector<std::atomic<double>> thresholds_;
    std::vector<std::atomic<std::int32_t>> ends_;
    std::vector<std::mutex> locks_;
};

}  // namespace pyface::distance
