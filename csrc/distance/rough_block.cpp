#include "distance/rough_block.hpp"

#include <algorithm>

namespace pyface::distance {
namespace {

constexpr index_t kRows = 96;                      // a multiple of every tile_rows
constexpr index_t kLeastRows = 24;                 // as well
constexpr index_t kMostValues = index_t{1} << 20;  // so that they stay in a cache

}  // namespace

RoughBlock::RoughBlock(const simd::Kernels& kernels, const CodedRows& rows, const CodedRows& cols)
    : kernels_(kernels),
      rows_(rows),
      cols_(cols),
      bounds_(rows.depth(), std::max(rows.longest(), cols.longest())),
      n_panels_((cols.size() + kernels.tile_cols - 1) / kernels.tile_cols),
      stride_(n_panels_ * kernels.tile_cols + 16),  // seldom a power of two, which would share few lines of a cache
      most_rows_(std::clamp(kMostValues / stride_ / kLeastRows * kLeastRows, kLeastRows, kRows)),
      words_((most_rows_ + kernels.tile_rows) * rows.depth()),
      offsets_(static_cast<std::size_t>(most_rows_ + kernels.tile_rows)),
      values_((most_rows_ + kernels.tile_rows) * stride_) {}

void RoughBlock::run(const std::int32_t* rows, index_t count) {
    // Neighbours are copied faster than rows from here and there.
    if (rows[count - 1] - rows[0] == count - 1) {
        rows_.copy_row_panels(rows[0], rows[0] + count, words_.get(), offsets_.data());
    } else {
        rows_.gather_row_panels(rows, count, words_.get(), offsets_.data());
    }
    const simd::Panels panels{words_.get(),   (count + kernels_.tile_rows - 1) / kernels_.tile_rows,
                              cols_.panel(0), n_panels_,
                              rows_.depth(),  simd::kNoDiagonal};
    kernels_.dense(panels, simd::Finish::square, values_.get(), stride_);
}

}  // namespace pyface::distance
