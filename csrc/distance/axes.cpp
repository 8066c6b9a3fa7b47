#include "distance/axes.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "distance/axis_sample.hpp"

namespace pyface::distance {
namespace {

// What things cost, in products of codes, measured with AVX2 and with VNNI: products of other kinds; what a pair of a tile
// costs beside its products, whole and along axes; a pair by itself, beside two for each of its codes.
constexpr double kFloat64Product = 16.0, kFloatProduct = 5.0, kWideProduct = 1.5;
constexpr double kWholePair = 32.0, kAxisPair = 28.0, kListedPair = 1500.0;
// While thresholds are being found, so many times more pairs are left than at the end, weighed by what pairs cost.
constexpr double kSearching = 6.0, kSearchingWide = 4.0;
constexpr double kLeastGain = 0.8;  // of the time without a first stage, or it is not worth the memory

constexpr index_t kTestRows = 128;  // of x and of y: all pairs of them are looked at
// Of all work, what that may cost, and finding axes, where thresholds are known and where they have to be guessed, which is
// in vain more often; and finding out how near the nearest are.
constexpr double kTestShare = 1.0 / 100.0, kSearchShare = 1.0 / 30.0, kUnsureShare = 1.0 / 100.0;
constexpr double kReachShare = 1.0 / 200.0;
constexpr double kSearchAlone = 2.5e8;  // what finding axes costs beside its products
constexpr index_t kMostOthers = 4096;   // rows among which the nearest are sought
// How much the squares of cosines must exceed those of rows that point everywhere alike.
constexpr double kFlat = 1.25;
constexpr double kBetween = 0.37;  // so that few rows find the axes on which they are tested
constexpr int kIterations = 2;
constexpr index_t kMostTried = 192;
// The largest coordinate of a row, beside what all would be if they were alike; used before axes have been chosen.
constexpr double kLargestShare = 4.0;
constexpr double kRoom = 1.1;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::atomic<Use> g_use{Use::where_they_pay};

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

class AxisSearch {
public:
    AxisSearch(const simd::Kernels& kernels, Precision precision, const Frame& frame, const Rows& x, const Rows* y,
               Reach reach, double n_pairs, int n_threads, const PollCallback& poll)
        : kernels_(kernels),
          frame_(frame),
          x_(x),
          y_(y == nullptr ? x : *y),
          to_itself_(y == nullptr),
          reach_(reach),
          n_pairs_(n_pairs),
          n_threads_(n_threads),
          poll_(poll),
          d_(x.dimension()),
          stride_(frame.stride()),
          is_wide_(precision == Precision::wide_codes && kernels.coding.group == 4),
          whole_(static_cast<double>(d_) * (is_wide_ ? kWideProduct : 1.0) + kWholePair),
          is_forced_(g_use == Use::always) {}

    std::unique_ptr<const Axes> run() {
        n_tried_ = std::min({d_ * 3 / 4, kMostTried, kMostAxes}) / simd::kLanes * simd::kLanes;
        n_sample_ = std::clamp<index_t>(4 * d_, 256, std::max<index_t>(512, d_ + d_ / 2));
        if (g_use == Use::never || n_tried_ == 0 || x_.size() == 0 || y_.size() == 0) return nullptr;
        if (!is_forced_ && !is_worth_looking()) return nullptr;
        const Sample rows(frame_, x_, sampled(x_.size(), kTestRows, 0.0));
        const Sample cols(frame_, y_, sampled(y_.size(), kTestRows, to_itself_ ? 0.5 : 0.0));
        if (!is_forced_ && is_flat(rows, cols)) return nullptr;
        const Sample xs(frame_, x_, sampled(x_.size(), to_itself_ ? n_sample_ : n_sample_ / 2, kBetween));
        const Sample ys(frame_, y_, to_itself_ ? std::vector<index_t>{} : sampled(y_.size(), n_sample_ / 2, kBetween));
        find(xs, ys);
        set_reaches(rows);
        return choose(rows, cols);
    }

private:
    double listed_pair() const { return kListedPair + 2.0 * static_cast<double>(d_); }
    double most_that_pays() const { return is_forced_ ? kInfinity : kLeastGain * reach_.otherwise * whole_; }
    // Of a pair, with so many axes that leave this share of all pairs.
    double cost(index_t count, double left) const {
        const double n_rows = static_cast<double>(x_.size() + (to_itself_ ? 0 : y_.size()));
        const double projection = n_rows / n_pairs_ * static_cast<double>(count * d_) * kFloatProduct;
        const double growth = reach_.is_known ? 1.0 : is_wide_ ? kSearchingWide : kSearching;
        return static_cast<double>(count) + kAxisPair + left * listed_pair() * growth + projection;
    }

    // Looking costs little beside the pairs.
    bool is_worth_looking() const {
        const double work = n_pairs_ * whole_;
        const auto d = static_cast<double>(d_);
        const auto n_sample = static_cast<double>(n_sample_);
        const auto n_tried = static_cast<double>(n_tried_);
        const double on_all_threads = d * d * (n_sample / 2.0 + kIterations * n_tried) * kFloat64Product;
        const double on_one = (kIterations + 2) * n_tried * n_tried * d * kFloat64Product + kSearchAlone;
        const double share = reach_.is_known ? kSearchShare : kUnsureShare;
        return d_ >= 4 * simd::kLanes && kTestRows * kTestRows * d * kFloat64Product <= kTestShare * work &&
               on_all_threads + on_one * n_threads_ <= share * work;
    }

    // out[i * b.size() + j] = <row i of a, row j of b>.
    std::vector<double> products_of(const Sample& a, const Sample& b) const {
        std::vector<double> products(at(a.size() * b.size()));
        multiply(a.rows.get(), a.size(), b.rows.get(), b.size(), stride_, products.data(), b.size());
        return products;
    }

    // Rows that differ along many directions alike: no few of them tell more than others.
    bool is_flat(const Sample& rows, const Sample& cols) const {
        const std::vector<double> products = products_of(rows, cols);
        double total = 0.0, expected = 0.0;
        for (index_t i = 0; i < rows.size(); ++i) {
            for (index_t j = 0; j < cols.size(); ++j) {
                if (is_same(rows, i, cols, j)) continue;
                const double product = products[at(i * cols.size() + j)];
                total += product * product;
                expected += rows.squares[at(i)] * cols.squares[at(j)] / static_cast<double>(d_);
            }
        }
        return !(total > kFlat * expected);
    }

    bool is_same(const Sample& rows, index_t i, const Sample& cols, index_t j) const {
        return to_itself_ && rows.numbers[at(i)] == cols.numbers[at(j)];
    }

    // Which squared distances from the rows of the test matter.
    void set_reaches(const Sample& rows) {
        reaches_.assign(at(rows.size()), reach_.square);
        if (!std::isnan(reach_.square)) return;
        const double affordable =
            kReachShare * n_pairs_ * whole_ / (kFloat64Product * static_cast<double>(kTestRows * d_));
        const auto n_others = static_cast<index_t>(std::clamp(affordable, 512.0, static_cast<double>(kMostOthers)));
        const Sample others(frame_, y_, sampled(y_.size(), n_others, kBetween));
        const std::vector<double> products = products_of(rows, others);
        std::vector<double> squares;
        for (index_t i = 0; i < rows.size(); ++i) {
            squares.clear();
            for (index_t j = 0; j < others.size(); ++j) {
                if (is_same(rows, i, others, j)) continue;
                squares.push_back(rows.squares[at(i)] + others.squares[at(j)] - 2.0 * products[at(i * others.size() + j)]);
            }
            if (squares.empty()) continue;  // NaN: nothing is ruled out
            const auto rank = static_cast<index_t>(reach_.share * static_cast<double>(squares.size()));
            const auto nth = squares.begin() + std::min(rank, static_cast<index_t>(squares.size()) - 1);
            std::nth_element(squares.begin(), nth, squares.end());
            reaches_[at(i)] = std::max(0.0, *nth);
        }
    }

    // Orthogonal iteration on the second moment of a sample: the first axes settle first.
    void find(const Sample& xs, const Sample& ys) {
        const index_t n = xs.size() + ys.size();
        const index_t length = simd::padded(n);
        const AlignedBuffer columns(d_ * length);  // the sample, turned
        std::fill_n(columns.get(), d_ * length, 0.0);
        for (index_t s = 0; s < n; ++s) {
            const double* row = s < xs.size() ? xs.rows.get() + s * stride_ : ys.rows.get() + (s - xs.size()) * stride_;
            for (index_t k = 0; k < d_; ++k) columns[k * length + s] = row[k];
        }
        const AlignedBuffer moments(stride_ * stride_);
        std::fill_n(moments.get(), stride_ * stride_, 0.0);
        multiply(columns.get(), d_, columns.get(), d_, length, moments.get(), stride_, true);

        axes_ = AlignedBuffer(n_tried_ * stride_);
        AlignedBuffer next(n_tried_ * stride_);
        // Rows of the moments are a start as good as any, and need no random numbers.
        for (index_t a = 0; a < n_tried_; ++a) {
            std::copy_n(moments.get() + a * d_ / n_tried_ * stride_, stride_, axes_.get() + a * stride_);
        }
        for (int iteration = 0; iteration < kIterations; ++iteration) {
            orthonormalize(axes_.get(), 1);
            std::fill_n(next.get(), n_tried_ * stride_, 0.0);
            multiply(axes_.get(), n_tried_, moments.get(), d_, stride_, next.get(), stride_);
            std::swap(axes_, next);
        }
        orthonormalize(axes_.get(), 2);
    }

    // out[i * out_stride + j] = <row i of a, row j of b>, on all threads. With `mirrored` b is a: each pair once.
    void multiply(const double* a, index_t n_a, const double* b, index_t n_b, index_t stride, double* out,
                  index_t out_stride, bool mirrored = false) const {
        constexpr index_t kRows = 16, kCols = 64;
        parallel_for(
            (n_a + kRows - 1) / kRows, n_threads_,
            [&](index_t task) {
                const index_t i = task * kRows;
                for (index_t j = mirrored ? i / kCols * kCols : 0; j < n_b; j += kCols) {
                    kernels_.dots(a + i * stride, std::min(kRows, n_a - i), b + j * stride, std::min(kCols, n_b - j), stride,
                                  out + i * out_stride + j, out_stride);
                }
            },
            poll_);
        if (!mirrored) return;
        for (index_t i = 0; i < n_a; ++i) {
            for (index_t j = 0; j < i; ++j) out[i * out_stride + j] = out[j * out_stride + i];
        }
    }

    // Gram and Schmidt; twice leaves nothing but rounding. What is left of an axis that others span is zeros.
    void orthonormalize(double* axes, int n_passes) const {
        std::vector<const double*> before;
        std::vector<double> shares(at(n_tried_));
        const std::vector<double> origin(at(stride_), 0.0);
        for (index_t a = 0; a < n_tried_; ++a) {
            double* axis = axes + a * stride_;
            const double first = simd::squared_norm(axis, stride_);
            for (int pass = 0; pass < n_passes; ++pass) {
                const auto count = static_cast<index_t>(before.size());
                kernels_.pair_dots(axis, before.data(), count, stride_, shares.data());
                for (index_t b = 0; b < count; ++b) shares[at(b)] = -shares[at(b)];
                kernels_.add_differences(before.data(), shares.data(), count, origin.data(), stride_, axis);
            }
            const double square = simd::squared_norm(axis, stride_);
            if (!(square > first * 1e-20) || square < 1e-200) {
                std::fill_n(axis, stride_, 0.0);
                continue;
            }
            const double inverse = 1.0 / std::sqrt(square);
            for (index_t k = 0; k < stride_; ++k) axis[k] *= inverse;
            before.push_back(axis);
        }
    }

    // Axes that are orthonormal to what AxisCodes counts on, but for those that are zeros.
    bool is_orthonormal(index_t count) const {
        std::vector<double> products(at(count * count));
        kernels_.dots(axes_.get(), count, axes_.get(), count, stride_, products.data(), count);
        double most = 0.0;
        for (index_t a = 0; a < count; ++a) {
            double sum = 0.0;
            for (index_t b = 0; b < count; ++b) {
                const double product = products[at(a * count + b)];
                sum += std::fabs(a == b && product != 0.0 ? product - 1.0 : product);
            }
            if (!(sum <= most)) most = sum;
        }
        return most < 1e-9;  // not so if it is NaN
    }

    // The number of axes that costs least, by the pairs of the sample that they leave.
    std::unique_ptr<const Axes> choose(const Sample& rows, const Sample& cols) const {
        const std::vector<double> row_heads = project(rows, axes_.get(), n_tried_);
        const std::vector<double> col_heads = project(cols, axes_.get(), n_tried_);
        double square = 0.0;
        for (const Sample* sample : {&rows, &cols}) {
            for (const double of_row : sample->squares) square += of_row;
        }
        square /= static_cast<double>(rows.size() + cols.size());
        // What rounding leaves of two rows, in squared distance.
        const double slack = 4.0 * square * kLargestShare / std::sqrt(12.0) / largest_axis_code(kernels_);

        const index_t n_steps = n_tried_ / simd::kLanes;
        std::vector<double> ruled_out(at(n_steps), 0.0);
        double n_pairs = 0.0;
        for (index_t i = 0; i < rows.size(); ++i) {
            const double* a = row_heads.data() + i * n_tried_;
            const double most = reaches_[at(i)] + slack;
            for (index_t j = 0; j < cols.size(); ++j) {
                if (is_same(rows, i, cols, j)) continue;
                n_pairs += 1.0;
                const double* b = col_heads.data() + j * n_tried_;
                double distance = 0.0;
                for (index_t k = 0; k < n_tried_; ++k) {
                    distance += (a[k] - b[k]) * (a[k] - b[k]);
                    if (!(distance > most)) continue;
                    ruled_out[at(k / simd::kLanes)] += 1.0;
                    break;
                }
            }
        }
        double least = most_that_pays(), left = n_pairs;
        index_t best = 0;
        for (index_t s = 0; s < n_steps; ++s) {
            left -= ruled_out[at(s)];
            const double of_step = cost((s + 1) * simd::kLanes, left / std::max(1.0, n_pairs));
            if (of_step < least) {
                least = of_step;
                best = s + 1;
            }
        }
        if (best == 0 || !is_orthonormal(best * simd::kLanes)) return nullptr;
        return finished(best * simd::kLanes, rows, cols);
    }

    // The same space by axes along which rows are equally long, and no row stands out: sums and differences of those that
    // were found (a discrete cosine transform).
    std::unique_ptr<const Axes> finished(index_t count, const Sample& rows, const Sample& cols) const {
        auto axes = std::make_unique<Axes>();
        axes->count_ = count;
        axes->dimension_ = d_;
        const AlignedBuffer turned(count * stride_);
        std::fill_n(turned.get(), count * stride_, 0.0);
        const auto n = static_cast<double>(count);
        for (index_t a = 0; a < count; ++a) {
            double* axis = turned.get() + a * stride_;
            for (index_t b = 0; b < count; ++b) {
                const double turn = (static_cast<double>(a) + 0.5) * (static_cast<double>(b) + 0.5) / n;
                const double share = std::sqrt(2.0 / n) * std::cos(std::numbers::pi * turn);
                const double* from = axes_.get() + b * stride_;
                for (index_t k = 0; k < stride_; ++k) axis[k] += share * from[k];
            }
        }
        const std::vector<double> row_heads = project(rows, turned.get(), count);
        const std::vector<double> col_heads = project(cols, turned.get(), count);
        std::vector<double> largest, lengths;
        for (const auto* heads : {&row_heads, &col_heads}) {
            for (auto head = heads->begin(); head != heads->end(); head += count) {
                double most = 0.0, square = 0.0;
                std::for_each(head, head + count, [&](double h) {
                    most = std::max(most, std::fabs(h));
                    square += h * h;
                });
                largest.push_back(most);
                lengths.push_back(std::sqrt(square));
            }
        }
        // Some room for the rows that are not in the sample; the few that are out of the ordinary are never ruled out.
        axes->longest_ = kRoom * usual(lengths);
        axes->scale_ = kRoom * usual(largest) / largest_axis_code(kernels_);
        axes->most_left_ = is_forced_ ? 1.0 : (whole_ - kWholePair - n) / listed_pair();
        const auto is_ordinary = [&](index_t i) {
            return lengths[at(i)] <= axes->longest_ && largest[at(i)] <= axes->scale_ * largest_axis_code(kernels_);
        };
        const double slack = 4.0 * axes->longest_ * axes->scale_ * std::sqrt(n / 12.0);
        double left = 0.0, n_pairs = 0.0;
        for (index_t i = 0; i < rows.size(); ++i) {
            for (index_t j = 0; j < cols.size(); ++j) {
                if (is_same(rows, i, cols, j)) continue;
                double distance = 0.0;
                for (index_t k = 0; k < count; ++k) {
                    const double difference = row_heads[at(i * count + k)] - col_heads[at(j * count + k)];
                    distance += difference * difference;
                }
                const bool is_out = is_ordinary(i) && is_ordinary(rows.size() + j) && distance > reaches_[at(i)] + slack;
                left += is_out ? 0.0 : 1.0;
                n_pairs += 1.0;
            }
        }
        // With the scale that there is, not the one that was expected.
        if (!(cost(count, left / std::max(1.0, n_pairs)) < most_that_pays())) return nullptr;
        if (!(axes->scale_ > kShortest)) return nullptr;
        const index_t width = kernels_.tile_cols;
        const index_t n_words = (count + width - 1) / width * width * d_;
        axes->panels_ = AlignedArray<simd::word_t>(n_words);
        std::fill_n(axes->panels_.get(), n_words, simd::word_t{0});
        for (index_t a = 0; a < count; ++a) {
            simd::word_t* panel = axes->panels_.get() + a / width * width * d_ + a % width;
            for (index_t k = 0; k < d_; ++k) {
                panel[k * width] = std::bit_cast<simd::word_t>(static_cast<float>(turned[a * stride_ + k]));
            }
        }
        return axes;
    }

    std::vector<double> project(const Sample& sample, const double* axes, index_t count) const {
        std::vector<double> heads(at(sample.size() * count));
        multiply(sample.rows.get(), sample.size(), axes, count, stride_, heads.data(), count);
        return heads;
    }

    const simd::Kernels& kernels_;
    const Frame& frame_;
    Rows x_, y_;
    bool to_itself_;
    Reach reach_;
    double n_pairs_;
    int n_threads_;
    const PollCallback& poll_;
    index_t d_, stride_;
    bool is_wide_;  // codes of 16 bits, where others have less
    double whole_;  // what a pair costs without axes
    bool is_forced_;
    index_t n_tried_ = 0, n_sample_ = 0;
    std::vector<double> reaches_;  // per row of the sample
    AlignedBuffer axes_;           // n_tried_ of them
};

Reach Reach::nearest(index_t count, index_t of, bool is_known) {
    const double share = static_cast<double>(count) / static_cast<double>(std::max<index_t>(of, 1));
    return {std::numeric_limits<double>::quiet_NaN(), share, is_known};
}

void use_axes(Use use) { g_use = use; }
Use axes_used() { return g_use; }

std::unique_ptr<const Axes> Axes::find(const simd::Kernels& kernels, Precision precision, const Frame& frame,
                                       const Rows& x, const Rows* y, Reach reach, double n_pairs, int n_threads,
                                       const PollCallback& poll) {
    return AxisSearch(kernels, precision, frame, x, y, reach, n_pairs, n_threads, poll).run();
}

}  // namespace pyface::distance
