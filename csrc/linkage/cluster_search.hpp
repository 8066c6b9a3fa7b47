// The nearest clusters of some clusters: a screen rules out most, float64 decides among the others.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "distance/blocks.hpp"
#include "distance/coded_side.hpp"
#include "distance/shortlist.hpp"
#include "linkage/space.hpp"

namespace pyface::linkage {

inline constexpr std::int32_t kNobody = -1;

// A cluster near another one: its raw distance lies between low and high. It is exact where the two are equal.
struct Near {
    std::int32_t slot;
    std::int32_t version;  // of the cluster, for whoever keeps it
    double low, high;

    bool is_exact() const { return low == high; }
};

// What a search tells of one cluster.
struct Surroundings {
    std::vector<Near> near;  // the first one is the nearest; the others by lower bound
    double beyond;           // no cluster that is not in `near` is nearer than this, but for those that are forbidden
};

// Makes those of `near` exact that are not known and not beyond the limit, and returns how many that were. Throws
// std::invalid_argument if a distance is not finite.
index_t measure(const Space& space, index_t slot, Near* begin, Near* end, double limit);

// By raw distance, or its lower bound where it is not exact; exact ones that are equal by the space's ties, then by slot.
void put_in_order(const Space& space, index_t slot, std::vector<Near>& near);

class ClusterSearch {
public:
    // The space is borrowed; say renew() when slots have changed and reload() when they are others.
    ClusterSearch(const Space& space, int n_threads, const PollCallback& poll);
    ClusterSearch(const ClusterSearch&) = delete;  // it points into itself
    ClusterSearch& operator=(const ClusterSearch&) = delete;

    void reload();
    // Slots that have changed: merged, or gone.
    void renew(const std::vector<std::int32_t>& changed);

    struct Query {
        std::int32_t slot;
        double limit;  // clusters at this raw distance or farther away are of no interest
    };
    // Calls take(q, surroundings) for each query, from any thread, with about n_wanted neighbours at least where there are
    // so many below the limit. Slots must be increasing. Time: queries x clusters x d operations on codes.
    using Take = std::function<void(index_t q, Surroundings& found)>;
    void run(const std::vector<Query>& queries, index_t n_wanted, const Take& take);

    // Two slots a < b and bounds on their raw distance.
    struct Pair {
        std::int32_t a, b;
        double low, high;
    };
    // All pairs that may be nearer than `raw`, but for forbidden ones, in an order that depends on the space only: at half
    // the work of run() for all slots. Returns whether there are at most max_pairs; if not, `pairs` is empty.
    bool sweep(double raw, index_t max_pairs, std::vector<Pair>& pairs);
    // A raw distance within which a slot has about so many others, judged by some; infinite if that are all.
    double usual_distance(index_t n_others);

private:
    struct Interval {
        double low, high;
    };
    struct Worker {
        explicit Worker(distance::Screen s) : screen(std::move(s)) {}
        distance::Screen screen;
        std::vector<std::int32_t> slots;
        Surroundings found;
    };
    auto lease() {
        auto worker = workers_.lease([this] {
            const distance::Side side = side_.side(rows_);
            return std::make_unique<Worker>(distance::Screen(kernels_, frame_, side, side));
        });
        worker->screen.forget_columns();
        return worker;
    }
    bool has_codes() const;
    void begin_codes();
    void set_facts(index_t slot);
    void set_threshold(distance::Screen& screen, index_t i, index_t slot, double raw) const;
    Interval raw_bounds(index_t a, index_t b, const distance::Screen::Bounds& score) const;
    void search(const std::vector<Query>& queries, index_t block, index_t place, index_t begin, index_t end,
                index_t n_seen);
    void sweep_task(const distance::Blocks::Task& task, double raw, std::vector<Pair>& pairs);
    void settle(index_t slot, distance::Shortlist& shortlist) const;
    void finish(index_t slot, index_t place, index_t n_parts, Surroundings& found);

    const Space& space_;
    int n_threads_;
    const PollCallback& poll_;
    const simd::Kernels& kernels_;
    simd::Rows rows_;
    distance::Frame frame_;
    double scale_;  // from raw distances to those of the frame
    std::vector<double> added_, shares_, halves_;
    std::unique_ptr<const distance::Axes> axes_;  // of the slots as they were at first; nullptr: none
    distance::CodedSide side_;
    distance::Pool<Worker> workers_;
    index_t n_wanted_ = 0;
    std::vector<distance::Shortlist> lists_;
};

}  // namespace pyface::linkage
