#include "linkage/from_vectors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/aligned.hpp"
#include "core/require.hpp"
#include "simd/isa.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kBlock = 64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr index_t kNone = -1;
// Multiplications that are worth a thread, and those of one task (about 30 ms on slow kernels).
constexpr index_t kThreadWork = index_t{1} << 21;
constexpr index_t kTaskWork = index_t{1} << 26;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

// The best offer so far under the total order (distance, slot): slots are in the order of the clusters' smallest rows.
struct Nearest {
    double distance = kInfinity;
    index_t slot = kNone;

    void offer(double d, index_t s) {
        if (d < distance || (d == distance && s < slot)) *this = {d, s};
    }
};

class Agglomeration {
public:
    Agglomeration(const simd::Rows& x, Method method, int n_threads, const PollCallback& poll)
        : method_(method), n_threads_(n_threads), poll_(poll), n_(x.size()), stride_(simd::padded(x.dimension())) {
        means_ = AlignedBuffer(n_ * stride_);
        // In parallel because the first touch of so much memory takes long; by blocks so that Ctrl-C need not wait for it.
        parallel_for(
            (n_ + kBlock - 1) / kBlock, n_threads_,
            [&](index_t block) {
                for (index_t i = block * kBlock; i < std::min(n_, (block + 1) * kBlock); ++i) {
                    x.copy_row(i, mean(i));
                    if (method_ == Method::average_cosine) scale_to_unit(mean(i), x.is_float32());
                }
            },
            poll_);
        clusters_.resize(at(n_));
        for (index_t i = 0; i < n_; ++i) clusters_[at(i)].node = i;
        n_slots_ = n_alive_ = n_;
    }

    std::vector<Merge> run() {
        Poller look(poll_);  // rounds may be many and short, too short for parallel_for to look up
        merges_.reserve(at(std::max<index_t>(0, n_ - 1)));
        std::vector<index_t> searching(at(n_));
        for (index_t i = 0; i < n_; ++i) searching[at(i)] = i;
        while (n_alive_ > 1) {
            search(searching);
            const std::size_t before = merges_.size();
            for (index_t a = 0; a < n_slots_; ++a) {
                const index_t b = clusters_[at(a)].nearest.slot;
                if (is_alive(a) && b > a && clusters_[at(b)].nearest.slot == a) merge(a, b);
            }
            // The closest pair of all is reciprocal whenever distances can be ordered at all.
            require(merges_.size() > before, "X: distances are not finite numbers; scale the data");
            searching = orphans();
            if (4 * n_alive_ < 3 * n_slots_) compact(searching);
            look();
        }
        return std::move(merges_);
    }

private:
    struct Cluster {
        index_t node = kNone;
        double size = 1.0;    // 0: merged into another one
        double spread = 0.0;  // mean |x - mean|^2
        Nearest nearest;
        bool is_new = false;
    };

    double* mean(index_t slot) const { return means_.get() + slot * stride_; }
    bool is_alive(index_t slot) const { return clusters_[at(slot)].size > 0.0; }

    void scale_to_unit(double* row, bool was_float32) const {
        if (!was_float32) simd::scale_for_cosine(row, stride_);
        const double norm = std::sqrt(simd::squared_norm(row, stride_));
        require(norm > 0.0, "X: a row of zeros has no direction");
        for (index_t k = 0; k < stride_; ++k) row[k] /= norm;
    }

    // Symmetric to the bit in a and b.
    double cluster_distance(const Cluster& a, const Cluster& b, double q) const {
        if (method_ == Method::ward) return 2.0 * (a.size * b.size) / (a.size + b.size) * q;
        return q + (a.spread + b.spread);
    }

    double height(double d) const {
        if (method_ == Method::ward) return std::sqrt(d);
        return method_ == Method::average_cosine ? 0.5 * d : d;
    }

    // Finds the nearest cluster of each slot listed (in increasing order), among all that are alive.
    void search(const std::vector<index_t>& slots) {
        const auto n_searching = static_cast<index_t>(slots.size());
        const index_t n_groups = (n_searching + kBlock - 1) / kBlock;
        const index_t group_work = std::min(n_searching, kBlock) * stride_;
        const int n_threads = n_searching * n_slots_ * stride_ / kThreadWork >= 2 ? n_threads_ : 1;
        // Few rows against many are cut by columns. The parts only compete for a minimum, so the cut cannot be seen.
        index_t chunk = std::max<index_t>(1, kTaskWork / (group_work * kBlock)) * kBlock;
        if (n_groups < n_threads) chunk = std::min(chunk, (n_slots_ / n_threads + kBlock) / kBlock * kBlock);
        const index_t n_chunks = (n_slots_ + chunk - 1) / chunk;
        std::vector<Nearest> found(at(n_chunks * n_searching));
        parallel_for(
            n_groups * n_chunks, n_threads,
            [&](index_t task) {
                const index_t part = task % n_chunks;
                const index_t first = task / n_chunks * kBlock;
                const index_t last = std::min(first + kBlock, n_searching);
                search_group(&slots[at(first)], last - first, part * chunk, std::min((part + 1) * chunk, n_slots_),
                             &found[at(part * n_searching + first)]);
            },
            poll_);
        for (index_t i = 0; i < n_searching; ++i) {
            Nearest best;
            for (index_t part = 0; part < n_chunks; ++part) {
                const Nearest& one = found[at(part * n_searching + i)];
                if (one.slot != kNone) best.offer(one.distance, one.slot);
            }
            require(best.slot != kNone, "X: distances are not finite numbers; scale the data");
            clusters_[at(slots[at(i)])].nearest = best;
        }
        // A new cluster may, by an ulp of rounding, be closer to another one than what that one had found. Telling it
        // keeps the closest pair reciprocal, without which a round could stand still.
        for (const index_t a : slots) {
            const Nearest best = clusters_[at(a)].nearest;
            clusters_[at(best.slot)].nearest.offer(best.distance, a);
        }
    }

    void search_group(const index_t* slots, index_t n_slots, index_t begin, index_t end, Nearest* found) const {
        const AlignedBuffer rows(n_slots * stride_);
        const AlignedBuffer q(kBlock * kBlock);
        for (index_t i = 0; i < n_slots; ++i) std::copy_n(mean(slots[i]), stride_, rows.get() + i * stride_);
        const auto& kernels = simd::kernels();
        for (index_t col = begin; col < end; col += kBlock) {
            const index_t n_cols = std::min(kBlock, end - col);
            kernels.squared_differences(rows.get(), n_slots, mean(col), n_cols, stride_, q.get(), kBlock);
            for (index_t i = 0; i < n_slots; ++i) {
                const Cluster& a = clusters_[at(slots[i])];
                for (index_t j = 0; j < n_cols; ++j) {
                    const Cluster& b = clusters_[at(col + j)];
                    if (b.size == 0.0 || col + j == slots[i]) continue;
                    found[i].offer(cluster_distance(a, b, q.get()[i * kBlock + j]), col + j);
                }
            }
        }
    }

    void merge(index_t slot_a, index_t slot_b) {
        Cluster& a = clusters_[at(slot_a)];
        Cluster& b = clusters_[at(slot_b)];
        double q = 0.0;
        simd::kernels().squared_differences(mean(slot_a), 1, mean(slot_b), 1, stride_, &q, 1);
        const double size = a.size + b.size;
        const double share = b.size / size;
        // This form leaves a mean of equal rows equal to them, so that duplicates stay at distance 0.
        for (index_t k = 0; k < stride_; ++k) mean(slot_a)[k] += (mean(slot_b)[k] - mean(slot_a)[k]) * share;
        a.spread = a.spread + (b.spread - a.spread) * share + (1.0 - share) * share * q;
        merges_.push_back({a.node, b.node, height(a.nearest.distance), static_cast<index_t>(size)});
        a.node = n_ + static_cast<index_t>(merges_.size()) - 1;
        a.size = size;
        a.is_new = true;
        b.size = 0.0;
        --n_alive_;
    }

    // The clusters that must search: the new ones and those whose nearest cluster is not what it was.
    std::vector<index_t> orphans() {
        std::vector<index_t> result;
        for (index_t i = 0; i < n_slots_; ++i) {
            if (!is_alive(i)) continue;
            const Cluster& nearest = clusters_[at(clusters_[at(i)].nearest.slot)];
            if (clusters_[at(i)].is_new || nearest.is_new || nearest.size == 0.0) result.push_back(i);
        }
        for (auto& cluster : clusters_) cluster.is_new = false;
        return result;
    }

    // Closes the gaps that merged clusters left, keeping the order.
    void compact(std::vector<index_t>& searching) {
        std::vector<index_t> moved(at(n_slots_), kNone);
        index_t next = 0;
        for (index_t i = 0; i < n_slots_; ++i) {
            if (!is_alive(i)) continue;
            if (next != i) {
                std::copy_n(mean(i), stride_, mean(next));
                clusters_[at(next)] = clusters_[at(i)];
            }
            moved[at(i)] = next++;
        }
        n_slots_ = next;
        clusters_.resize(at(n_slots_));
        for (auto& cluster : clusters_) cluster.nearest.slot = moved[at(cluster.nearest.slot)];
        for (auto& slot : searching) slot = moved[at(slot)];
    }

    Method method_;
    int n_threads_;
    const PollCallback& poll_;
    index_t n_;
    index_t stride_;
    AlignedBuffer means_;
    std::vector<Cluster> clusters_;
    index_t n_slots_ = 0;
    index_t n_alive_ = 0;
    std::vector<Merge> merges_;
};

}  // namespace

std::vector<Merge> from_vectors(const simd::Rows& x, Method method, int n_threads, const PollCallback& poll) {
    return Agglomeration(x, method, n_threads, poll).run();
}

}  // namespace pyface::linkage
