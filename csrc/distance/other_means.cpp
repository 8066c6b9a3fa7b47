#include "distance/other_means.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/counters.hpp"
#include "distance/screen.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding = 1e-9;  // as in nearest.cpp
constexpr index_t kTaskWork = index_t{1} << 28;  // multiplications: some milliseconds, 60 with the slowest kernels
constexpr index_t kPairWork = 32;  // what a pair costs beside its products, in multiplications
constexpr index_t kBlocksPerThread = 32;  // so many are at work before threads wait for each other
constexpr std::size_t kCrowd = 64;  // means that bounds cannot tell apart must not pile up
constexpr double kLeastSquare = 1e-250, kMostSquare = 1e250;  // whose roots and quotients are as exact as any

double square_in_eight(const double* row, index_t d) {
    double sums[8] = {};
    const index_t whole = d / 8 * 8;
    for (index_t k = 0; k < whole; k += 8) {
        for (index_t l = 0; l < 8; ++l) sums[l] += row[k + l] * row[k + l];
    }
    for (index_t k = whole; k < d; ++k) sums[0] += row[k] * row[k];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// The bits of pyface/_numba/clustered.py, which the means are made of: a mean of equal rows is at a distance of 0.
void to_unit_length(double* row, index_t d) {
    double square = square_in_eight(row, d);
    if (!(kLeastSquare < square && square < kMostSquare)) {
        double largest = 0.0;
        for (index_t k = 0; k < d; ++k) largest = std::max(largest, std::fabs(row[k]));
        for (index_t k = 0; k < d; ++k) row[k] /= largest;
        square = square_in_eight(row, d);
    }
    const double length = std::sqrt(square);
    for (index_t k = 0; k < d; ++k) row[k] /= length;
}

// What is known of a row after some means.
struct Nearest {
    struct Entry {
        double high;
        std::int32_t index;
    };
    double value = kInfinity;  // the least in float64 so far
    double floor = -kInfinity;  // no mean of a score below this can be the nearest
    std::vector<Entry> entries;  // what may be, not in `value` yet
};

class Search {
public:
    Search(const Rows& x, const Clusters& clusters, VectorView<const std::int64_t> own, int n_threads,
           const PollCallback& poll)
        : x_(x),
          clusters_(clusters),
          own_(own),
          n_threads_(n_threads),
          poll_(poll),
          kernels_(simd::kernels()),
          frame_(x, &clusters.means, clusters.unit ? Metric::cosine : Metric::sqeuclidean, n_threads, poll),
          mean_frame_(frame_, Frame::AsTheyAre{}) {
        require(clusters_.means.size() < INT32_MAX, "at most 2^31 - 2 clusters can be searched");
        if (!clusters_.unit) {
            for (const double variance : clusters_.variances) {
                scaled_variances_.push_back(variance * frame_.scale() * frame_.scale());
            }
            mean_frame_.adjust(scaled_variances_.data(), nullptr);
        }
        mean_codes_.load(kernels_, fine_codes(kernels_), mean_frame_, clusters_.means, 0, clusters_.means.size(),
                         n_threads, poll);
    }

    void run(VectorView<double> out) {
        const index_t n = x_.size(), k = clusters_.means.size();
        const index_t n_blocks = (n + kRowBlock - 1) / kRowBlock;
        const index_t at_once = kBlocksPerThread * n_threads_;
        const index_t n_tiles =
            std::max<index_t>(1, kTaskWork / (kRowBlock * kColBlock * (x_.dimension() + kPairWork)));
        for (index_t first = 0; first < n_blocks; first += at_once) {
            const index_t count = std::min(at_once, n_blocks - first);
            found_.assign(static_cast<std::size_t>(std::min(count * kRowBlock, n - first * kRowBlock)), Nearest());
            for (index_t col = 0; col < k; col += n_tiles * kColBlock) {
                const index_t col_end = std::min(col + n_tiles * kColBlock, k);
                parallel_for(
                    count, n_threads_,
                    [&](index_t t) {
                        const index_t row = (first + t) * kRowBlock;
                        const index_t row_end = std::min(row + kRowBlock, n);
                        Nearest* found = found_.data() + t * kRowBlock;
                        const auto worker = workers_.lease([&] { return std::make_unique<Worker>(*this); });
                        search(*worker, row, row_end, col, col_end, found);
                        if (col_end < k) return;
                        for (index_t i = row; i < row_end; ++i) out[i] = settled(*worker, i, found[i - row]);
                    },
                    poll_);
            }
        }
    }

private:
    struct Worker {
        explicit Worker(const Search& search)
            : rows(search.x_),
              screen(search.kernels_, search.frame_, Side{&rows, &codes},
                     Side{&search.clusters_.means, &search.mean_codes_, &search.mean_frame_}),
              row(search.frame_.stride()) {}
        Worker(const Worker&) = delete;  // it points into itself
        Worker& operator=(const Worker&) = delete;

        Rows rows;  // those of the task
        CodedRows codes;
        Screen screen;
        AlignedBuffer row;
        std::vector<const double*> means;
        std::vector<double> variances, squares;
    };

    // Means [begin, end) for rows [row, row_end), of which `found` knows what came before.
    void search(Worker& worker, index_t row, index_t row_end, index_t begin, index_t end, Nearest* found) const {
        worker.rows = x_.part(row, row_end);
        Screen& screen = worker.screen;
        worker.codes.load(kernels_, fine_codes(kernels_), frame_, worker.rows, 0, row_end - row);
        screen.set_rows(0, row_end - row);
        for (index_t i = 0; i < screen.n_rows(); ++i) screen.set_threshold(i, found[i].floor);
        Screen::Codes codes(x_.dimension());
        std::vector<char> touched(static_cast<std::size_t>(screen.n_rows()));
        // Without thresholds everything is a candidate, so the first tiles are narrow.
        index_t width = begin == 0 ? kernels_.tile_cols : kColBlock;
        for (index_t col = begin, col_end = 0; col < end; col = col_end, width = std::min(2 * width, kColBlock)) {
            col_end = std::min(col + width, end);
            const index_t n_pairs = screen.n_rows() * (col_end - col);
            // Of means in no particular order, the j-th one is the nearest so far with probability 1 / j.
            screen.run(codes, 4 * (n_pairs / (col + 1) + screen.n_rows()) + n_pairs / kManyCandidates, col, col_end,
                       false);
            std::fill(touched.begin(), touched.end(), 0);
            for (index_t c = 0; c < screen.n_found(); ++c) {
                const simd::Candidate& candidate = screen.candidate(c);
                const index_t i = candidate.row, j = col + candidate.col;
                if (own_[row + i] == j) continue;
                const auto [low, high] = screen.bounds(candidate);
                Nearest& nearest = found[i];
                if (high < nearest.floor) continue;
                if (low > nearest.floor) {
                    nearest.floor = low;
                    touched[static_cast<std::size_t>(i)] = 1;
                }
                nearest.entries.push_back({high, static_cast<std::int32_t>(j)});
                if (nearest.entries.size() < kCrowd) continue;
                settled(worker, row + i, nearest);
                touched[static_cast<std::size_t>(i)] = 1;
            }
            for (index_t i = 0; i < screen.n_rows(); ++i) {
                if (touched[static_cast<std::size_t>(i)]) screen.set_threshold(i, found[i].floor);
            }
        }
    }

    // Decides in float64 what bounds leave open, and raises the floor to what comes out.
    double settled(Worker& worker, index_t i, Nearest& nearest) const {
        const index_t d = x_.dimension();
        worker.means.clear();
        worker.variances.clear();
        for (const auto& entry : nearest.entries) {
            if (entry.high < nearest.floor) continue;
            worker.means.push_back(clusters_.means.row<double>(entry.index));
            worker.variances.push_back(clusters_.variances[entry.index]);
        }
        nearest.entries.clear();
        if (worker.means.empty()) return nearest.value;
        const auto count = static_cast<index_t>(worker.means.size());
        double* row = worker.row.get();
        x_.copy_row(i, row);
        if (clusters_.unit) to_unit_length(row, d);
        worker.squares.resize(worker.means.size());
        kernels_.pair_squares(row, worker.means.data(), count, d, worker.squares.data());
        pyface::distance::count(Counter::pairs_in_float64, count);
        for (std::size_t c = 0; c < worker.squares.size(); ++c) {
            nearest.value = std::min(nearest.value, worker.squares[c] + worker.variances[c]);
        }
        if (clusters_.unit) {
            // 2 (1 - <x, mean>), as the mean of |y|^2 over unit rows y is 1.
            nearest.floor = std::max(nearest.floor, 1.0 - nearest.value / 2.0 - 4.0 * kRounding);
        } else {
            const double half_square = frame_.read(x_, i, row);
            const double score = frame_.least_score(nearest.value, half_square);
            nearest.floor =
                std::max(nearest.floor, score - kRounding * (half_square + std::fabs(score)) - 1e-30);
        }
        return nearest.value;
    }

    Rows x_;
    Clusters clusters_;
    VectorView<const std::int64_t> own_;
    int n_threads_;
    const PollCallback& poll_;
    const simd::Kernels& kernels_;
    Frame frame_, mean_frame_;
    std::vector<double> scaled_variances_;
    CodedRows mean_codes_;
    Pool<Worker> workers_;
    std::vector<Nearest> found_;
};

}  // namespace

void nearest_other_means(const Rows& x, const Clusters& clusters, VectorView<const std::int64_t> own,
                         VectorView<double> out, int n_threads, const PollCallback& poll) {
    require(clusters.means.dimension() == x.dimension(), "x and means must have the same number of columns");
    require(clusters.variances.size == clusters.means.size(), "variances must have one entry per mean");
    require(own.size == x.size() && out.size == x.size(), "own and out must have one entry per row of x");
    Search(x, clusters, own, n_threads, poll).run(out);
}

}  // namespace pyface::distance
