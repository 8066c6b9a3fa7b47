// How all pairs are cut into tasks: one block of rows against some blocks of columns.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/views.hpp"
#include "distance/screen.hpp"

namespace pyface::distance {

// Tasks come by rows, then by columns. The cut depends on the sizes only, never on the number of threads.
class Blocks {
public:
    struct Task {
        index_t row_begin, row_end, col_begin, col_end;
    };

    // upper: rows against themselves, pairs on and above the diagonal only; beyond_squares: but those within a square of
    // kSquare rows and columns about the diagonal.
    enum class Part { all, upper, beyond_squares };
    static constexpr index_t kSquare = 768;
    static_assert(kSquare % kRowBlock == 0 && kSquare % kColBlock == 0);

    Blocks(index_t n_rows, index_t n_cols, index_t dimension, Part part) : n_rows_(n_rows), n_cols_(n_cols), part_(part) {
        // Multiplications per task: some milliseconds with the fastest kernels, 60 ms with the slowest.
        constexpr index_t kTaskWork = index_t{1} << 28;
        constexpr index_t kPairWork = 32;  // what a pair costs beside its products, in multiplications
        constexpr index_t kMostTiles = 32;  // all pairs of a task may be kept: 1.6 million
        const index_t n_tiles = kTaskWork / (kRowBlock * kColBlock * (dimension + kPairWork));
        chunk_ = std::clamp<index_t>(n_tiles, 1, kMostTiles) * kColBlock;
        const index_t n_chunks = (n_cols + chunk_ - 1) / chunk_;
        index_t total = 0;
        for (index_t row = 0; row < n_rows; row += kRowBlock) {
            first_task_.push_back(total);
            if (first_col(row) < n_cols) total += n_chunks - first_col(row) / chunk_;
        }
        first_task_.push_back(total);
    }

    index_t size() const { return first_task_.back(); }

    Task operator[](index_t task) const {
        const auto block = std::upper_bound(first_task_.begin(), first_task_.end(), task) - first_task_.begin() - 1;
        const index_t row = block * kRowBlock;
        const index_t chunk = first_col(row) / chunk_ + task - first_task_[static_cast<std::size_t>(block)];
        const index_t col = std::max(chunk * chunk_, first_col(row));
        return {row, std::min(row + kRowBlock, n_rows_), col, std::min((chunk + 1) * chunk_, n_cols_)};
    }

private:
    index_t first_col(index_t row) const {
        return part_ == Part::all     ? 0
               : part_ == Part::upper ? row / kColBlock * kColBlock
                                      : (row / kSquare + 1) * kSquare;
    }

    index_t n_rows_, n_cols_, chunk_;
    Part part_;
    std::vector<index_t> first_task_;  // per block of rows
};

// Things that are costly to make, one per thread at work. Lend one with lease(); it comes back by itself.
template <class T>
class Pool {
public:
    template <class Make>
    auto lease(Make make) {
        std::unique_ptr<T> thing;
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                thing = std::move(idle_.back());
                idle_.pop_back();
            }
        }
        if (!thing) thing = make();
        const auto give_back = [this](T* used) {
            std::unique_ptr<T> owned(used);
            const std::lock_guard lock(mutex_);
            idle_.push_back(std::move(owned));
        };
        return std::unique_ptr<T, decltype(give_back)>(thing.release(), give_back);
    }

    // All that came back, in no particular order. Not while any is lent.
    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& thing : idle_) visit(*thing);
    }

private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace pyface::distance
