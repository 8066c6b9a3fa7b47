#include "kmeans/plus_plus.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/aligned.hpp"
#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/counters.hpp"
#include "distance/exact.hpp"

namespace pyface::kmeans {
namespace {

// Rows of one task: a multiple of every tile_cols; some tens of microseconds on codes.
constexpr index_t kBlock = 1024;
constexpr index_t kMostTrials = 1000;  // a tile of candidates is kept per thread
// What float32 and float64 may move in a threshold, relative to what it is made of.
constexpr double kRelative = 1e-6;
constexpr double kAbsolute = 1e-30;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

index_t whole_panels(index_t n_rows, index_t height) { return (n_rows + height - 1) / height * height; }

template <class T>
class Seeding {
public:
    Seeding(const Data& data, index_t n_trials, VectorView<std::int32_t> nearest, int n_threads,
            const PollCallback& poll)
        : data_(data),
          exact_(data.rows(), nullptr, distance::Metric::sqeuclidean, 1, {}),
          n_(data.size()),
          n_trials_(n_trials),
          n_panel_rows_(whole_panels(n_trials, data.kernels().tile_rows)),
          n_blocks_((n_ + kBlock - 1) / kBlock),
          crew_(static_cast<int>(std::min<index_t>(n_threads, n_blocks_)), poll),
          nearest_(nearest),
          closest_(at(n_)),
          sums_(at(n_)),
          col_stride_(n_blocks_ * kBlock),
          col_terms_(4 * col_stride_),
          row_words_(n_panel_rows_ * data.coded().depth()),
          offsets_(at(n_panel_rows_)),
          row_terms_(4 * n_panel_rows_),
          blocks_(at(n_blocks_)) {
        for (Block& block : blocks_) block.gains.resize(at(n_trials_));
    }

    void start(index_t first) {
        const distance::CodedRows& coded = data_.coded();
        each_block([&](index_t, index_t begin, index_t end) {
            std::vector<std::int32_t> rows(at(end - begin));
            std::vector<double> values(at(end - begin));
            for (index_t i = begin; i < end; ++i) rows[at(i - begin)] = static_cast<std::int32_t>(i);
            exact_.distances(first, rows.data(), end - begin, values.data());
            for (index_t i = begin; i < end; ++i) {
                closest_[at(i)] = static_cast<T>(values[at(i - begin)]);
                nearest_[i] = 0;
                for (int t = 0; t < 3; ++t) {
                    col_terms_[t * col_stride_ + i] = coded.terms(0)[t * coded.terms_stride() + i];
                }
                set_limit(i);
            }
        });
        for (index_t i = n_; i < col_stride_; ++i) {
            for (int t = 0; t < 4; ++t) {
                col_terms_[t * col_stride_ + i] = std::numeric_limits<float>::quiet_NaN();
            }
        }
        sum_up();
    }

    // The rows that the draws point to.
    void draw(const double* draws, std::vector<std::int32_t>& candidates) const {
        candidates.resize(at(n_trials_));
        for (index_t t = 0; t < n_trials_; ++t) {
            const double place = draws[t] * static_cast<double>(static_cast<T>(potential_));
            const auto found = std::partition_point(sums_.begin(), sums_.end(), [place](T sum) {
                return static_cast<double>(sum) < place;
            });
            // The running sum has roundings that the potential has not.
            candidates[at(t)] = static_cast<std::int32_t>(std::min<index_t>(found - sums_.begin(), n_ - 1));
        }
    }

    // Makes the best of the candidates the row chosen as number `number`, and returns it.
    index_t choose(const std::vector<std::int32_t>& candidates, std::int32_t number) {
        set_rows(candidates);
        each_block([&](index_t b, index_t begin, index_t end) { measure(blocks_[at(b)], candidates, begin, end); });
        std::vector<double> gains(at(n_trials_), 0.0);
        for (const Block& block : blocks_) {
            for (index_t t = 0; t < n_trials_; ++t) gains[at(t)] += block.gains[at(t)];
        }
        const auto best = static_cast<std::int32_t>(std::max_element(gains.begin(), gains.end()) - gains.begin());
        for (const Block& block : blocks_) {
            for (const Nearer& nearer : block.nearer) {
                if (nearer.trial != best) continue;
                closest_[at(nearer.row)] = nearer.value;
                nearest_[nearer.row] = number;
                set_limit(nearer.row);
            }
        }
        sum_up();
        return candidates[at(best)];
    }

private:
    struct Nearer {
        std::int32_t row, trial;
        T value;
    };
    struct Block {
        std::vector<Nearer> nearer;  // by trial, then by row
        std::vector<double> gains;   // per trial: by how much the potential would fall
    };
    struct Scratch {
        std::vector<simd::Candidate> found;
        std::vector<std::int32_t> rows;  // by trial
        std::vector<double> values;
    };

    template <class Body>
    void each_block(const Body& body) {
        crew_.run(n_blocks_, [&](index_t b) { body(b, b * kBlock, std::min(n_, (b + 1) * kBlock)); });
    }

    // A candidate is of interest to row i if its score, <x_i, c> - |c|^2 / 2, is above this limit: it is nearer then
    // than the closest chosen row.
    void set_limit(index_t i) {
        const double half_square = data_.half_square(i);
        const double least = data_.frame().least_score(static_cast<double>(closest_[at(i)]), half_square);
        const double limit = least - kRelative * (half_square + std::fabs(least)) - kAbsolute;
        const auto scale = static_cast<double>(data_.coded().facts(i).scale);
        col_terms_[3 * col_stride_ + i] = static_cast<float>(-limit / scale);
    }

    void set_rows(const std::vector<std::int32_t>& candidates) {
        const distance::CodedRows& coded = data_.coded();
        coded.gather_row_panels(candidates.data(), n_trials_, row_words_.get(), offsets_.data());
        for (index_t t = 0; t < n_panel_rows_; ++t) {
            if (t >= n_trials_) {
                for (int term = 0; term < 4; ++term) {
                    row_terms_[term * n_panel_rows_ + t] = std::numeric_limits<float>::quiet_NaN();
                }
                continue;
            }
            const distance::RowFacts& f = coded.facts(candidates[at(t)]);
            const auto scale = static_cast<double>(f.scale);
            row_terms_[t] = static_cast<float>(-f.half_square * (1.0 - kRelative) / scale);
            row_terms_[n_panel_rows_ + t] = f.coded_length / f.scale;
            row_terms_[2 * n_panel_rows_ + t] = f.residual / f.scale;
            row_terms_[3 * n_panel_rows_ + t] = 1.0f / f.scale;
        }
    }

    void measure(Block& block, const std::vector<std::int32_t>& candidates, index_t begin, index_t end) {
        const simd::Kernels& kernels = data_.kernels();
        const distance::CodedRows& coded = data_.coded();
        const auto scratch = pool_.lease([&] {
            return std::unique_ptr<Scratch>(
                new Scratch{std::vector<simd::Candidate>(at(n_panel_rows_ * kBlock)), {}, {}});
        });
        const simd::Panels panels{row_words_.get(),
                                  n_panel_rows_ / kernels.tile_rows,
                                  coded.panel(begin),
                                  (end - begin + kernels.tile_cols - 1) / kernels.tile_cols,
                                  coded.depth(),
                                  simd::kNoDiagonal};
        const simd::Terms terms{row_terms_.get(), n_panel_rows_, col_terms_.get() + begin, col_stride_, 4};
        const auto screen = distance::screen_of(kernels, coded.precision());
        const index_t n_found = screen(panels, offsets_.data(), terms, scratch->found.data());
        distance::count(coded.precision() == Precision::floats ? distance::Counter::pairs_in_float32
                                                               : distance::Counter::pairs_in_codes,
                        n_trials_ * (end - begin));
        distance::count(distance::Counter::pairs_in_float64, n_found);

        // By trial; within one, rows come in increasing order.
        std::vector<index_t> starts(at(n_trials_ + 1), 0);
        for (index_t f = 0; f < n_found; ++f) ++starts[at(scratch->found[at(f)].row + 1)];
        for (index_t t = 0; t < n_trials_; ++t) starts[at(t + 1)] += starts[at(t)];
        scratch->rows.resize(at(n_found));
        scratch->values.resize(at(n_found));
        std::vector<index_t> next(starts.begin(), starts.end() - 1);
        for (index_t f = 0; f < n_found; ++f) {
            const simd::Candidate& found = scratch->found[at(f)];
            scratch->rows[at(next[at(found.row)]++)] = static_cast<std::int32_t>(begin + found.col);
        }
        block.nearer.clear();
        for (index_t t = 0; t < n_trials_; ++t) {
            const index_t first = starts[at(t)];
            exact_.distances(candidates[at(t)], scratch->rows.data() + first, starts[at(t + 1)] - first,
                             scratch->values.data() + first);
            double gain = 0.0;
            for (index_t f = first; f < starts[at(t + 1)]; ++f) {
                const std::int32_t i = scratch->rows[at(f)];
                const T value = static_cast<T>(scratch->values[at(f)]);
                if (!(value < closest_[at(i)])) continue;
                block.nearer.push_back({i, static_cast<std::int32_t>(t), value});
                gain += data_.weight(i) * (static_cast<double>(closest_[at(i)]) - static_cast<double>(value));
            }
            block.gains[at(t)] = gain;
        }
    }

    // One sum in the type of the rows, one after the other, as numpy.cumsum has it; the other in float64.
    void sum_up() {
        constexpr index_t kSums = 8;
        T running = 0;
        double potentials[kSums] = {};
        for (index_t i = 0; i < n_; ++i) {
            const T share = static_cast<T>(data_.weight(i)) * closest_[at(i)];
            running += share;
            sums_[at(i)] = running;
            potentials[i % kSums] += static_cast<double>(share);
        }
        potential_ = 0.0;
        for (const double sum : potentials) potential_ += sum;
    }

    const Data& data_;
    distance::Exact exact_;
    index_t n_, n_trials_, n_panel_rows_, n_blocks_;
    Crew crew_;
    VectorView<std::int32_t> nearest_;
    std::vector<T> closest_;  // squared distance to the nearest chosen row
    std::vector<T> sums_;
    double potential_ = 0.0;
    index_t col_stride_;
    AlignedArray<float> col_terms_;
    AlignedArray<simd::word_t> row_words_;
    std::vector<std::int32_t> offsets_;
    AlignedArray<float> row_terms_;
    std::vector<Block> blocks_;
    distance::Pool<Scratch> pool_;
};

}  // namespace

template <class T>
void plus_plus(Data& data, index_t first, MatrixView<const double> draws, VectorView<std::int64_t> chosen,
               VectorView<std::int32_t> nearest, int n_threads, const PollCallback& poll) {
    require(first >= 0 && first < data.size(), "first must be a row of x");
    require(chosen.size >= 1 && chosen.size <= data.size(), "there must be from 1 to n rows to choose");
    require(draws.rows == chosen.size - 1, "draws must have one row less than there are rows to choose");
    const bool has_trials = draws.cols >= 1 && draws.cols <= kMostTrials;
    require(draws.rows == 0 || has_trials, "draws must have from 1 to 1000 columns");
    require(nearest.size == data.size(), "nearest must have one entry per row of x");
    data.prepare(nullptr, chosen.size, n_threads, poll);
    Seeding<T> seeding(data, std::max<index_t>(1, draws.cols), nearest, n_threads, poll);
    seeding.start(first);
    chosen[0] = first;
    std::vector<std::int32_t> candidates;
    for (index_t c = 1; c < chosen.size; ++c) {
        seeding.draw(draws.row(c - 1), candidates);
        chosen[c] = seeding.choose(candidates, static_cast<std::int32_t>(c));
    }
}

#define PYFACE_INSTANTIATE(T)                                                                               \
    template void plus_plus<T>(Data&, index_t, MatrixView<const double>, VectorView<std::int64_t>,    \
                               VectorView<std::int32_t>, int, const PollCallback&);
PYFACE_INSTANTIATE(float)
PYFACE_INSTANTIATE(double)
#undef PYFACE_INSTANTIATE

}  // namespace pyface::kmeans
