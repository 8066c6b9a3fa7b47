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
    static_assert(kRowBlock % kRowsPerLock == 0 && kColBlock % kRowsPerLock == 0);

    // Of n rows, the k nearest each; what is known of a row at first is published already.
    SharedLists(index_t n, index_t k)
        : lists_(static_cast<std::size_t>(n)),
          thresholds_(static_cast<std::size_t>(n)),
          ends_(static_cast<std::size_t>(n)),
          locks_(static_cast<std::size_t>((n + kRowsPerLock - 1) / kRowsPerLock)) {
        for (index_t i = 0; i < n; ++i) {
            (*this)[i].start(k);
            publish(i);
        }
    }
    // What the lists of n rows may take, in bytes.
    static double bytes(index_t n, index_t k) {
        const double entries = static_cast<double>(sizeof(Shortlist::Entry)) * static_cast<double>(4 * k + 32);
        return static_cast<double>(n) * (entries + static_cast<double>(8 * k) + 128.0);
    }

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
    std::vector<Shortlist> lists_;
    std::vector<std::atomic<double>> thresholds_;
    std::vector<std::atomic<std::int32_t>> ends_;
    std::vector<std::mutex> locks_;
};

}  // namespace pyface::distance
