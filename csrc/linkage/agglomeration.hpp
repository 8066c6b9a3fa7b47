// Greedy merging of a condensed matrix for the reducible linkages: a union comes no closer to anybody than its parts
// were (Bruynooghe 1978), so that two clusters that are nearest to each other may merge at any time.
//
// In rounds: all pairs of nearest clusters merge in one pass over the matrix, which also closes the gaps that they
// leave and finds everybody's nearest again. Where too few pairs would pay for a pass, merges are made one by one along
// a chain of nearest neighbours (Murtagh 1983), until half of the clusters are gone.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/aligned.hpp"
#include "core/crew.hpp"
#include "core/require.hpp"
#include "linkage/matrix_clusters.hpp"
#include "linkage/dendrogram.hpp"
#include "linkage/scale.hpp"
#include "linkage/update.hpp"

namespace pyface::linkage {

template <class T, class Update>
class Agglomeration {
public:
    Agglomeration(Condensed<T> matrix, const Scale& scale, double stop, int n_threads, const PollCallback& poll)
        : matrix_(matrix), scale_(scale), stop_(stop), n_rows_(matrix.n), poll_(poll), crew_(n_threads, poll) {
        merges_.reserve(at(std::max<index_t>(0, n_rows_ - 1)));
        clusters_.resize(n_rows_);
        for (index_t i = 0; i < n_rows_; ++i) clusters_.node[at(i)] = i;
        columns_.resize(at(crew_.size()));
    }

    // Before run(): rows of a group become one cluster, at height 0.
    void must_link(VectorView<const std::int64_t> groups) {
        std::vector<std::pair<std::int64_t, index_t>> order;
        for (index_t i = 0; i < groups.size; ++i) {
            if (groups[i] >= 0) order.emplace_back(groups[i], i);
        }
        std::sort(order.begin(), order.end());
        // Nobody has a nearest cluster yet: no distance is below this one.
        std::fill(clusters_.near.begin(), clusters_.near.end(), kLowest<T>);
        start_chain();
        Poller look(poll_);
        index_t first = 0;
        for (std::size_t k = 0; k < order.size(); ++k) {
            if (k == 0 || order[k].first != order[k - 1].first) {
                first = order[k].second;
                continue;
            }
            require(matrix_.at(first, order[k].second) < kInfinite<T>, "rows that must be linked may not be linked");
            merge(first, order[k].second, 0.0);
            look();
        }
        contract({});
    }

    std::vector<Merge> run() {
        if (static_cast<index_t>(alive_.size()) != matrix_.n) {  // no must_link()
            start_chain();
            contract({});
        }
        while (matrix_.n > 1) {
            const auto pairs = reciprocal();
            // The closest pair of all is reciprocal: nobody is left that may merge.
            if (pairs.empty()) break;
            if (static_cast<index_t>(pairs.size()) * kWorthAPass < matrix_.n) {
                start_chain();
                if (!follow_chains()) break;
                contract({});
            } else {
                contract(pairs);
            }
        }
        return std::move(merges_);
    }

private:
    // A pass costs about as much as this share of the clusters merging one by one.
    static constexpr index_t kWorthAPass = 24;
    static constexpr index_t kStaged = index_t{1} << 16;  // entries that wait in the caches until they can be written

    struct Pair {
        std::int32_t a, b;
        std::int32_t place;  // of the union, once the gaps are closed
        Merging merging;
    };

    bool may_merge(T distance) const {
        return distance < kInfinite<T> && scale_.height(static_cast<double>(distance)) < stop_;
    }

    index_t note(index_t a, index_t b, double height) {
        const auto size = static_cast<index_t>(clusters_.size[at(a)] + clusters_.size[at(b)]);
        merges_.push_back({clusters_.node[at(a)], clusters_.node[at(b)], height, size});
        return n_rows_ + static_cast<index_t>(merges_.size()) - 1;
    }

    // ---- Rounds -----------------------------------------------------------------------------------------------------

    std::vector<Pair> reciprocal() const {
        std::vector<Pair> pairs;
        for (index_t a = 0; a < matrix_.n; ++a) {
            const index_t b = clusters_.who[at(a)];
            if (b <= a || clusters_.who[at(b)] != a || !may_merge(clusters_.near[at(a)])) continue;
            const auto distance = static_cast<double>(clusters_.near[at(a)]);
            pairs.push_back({static_cast<std::int32_t>(a), static_cast<std::int32_t>(b), 0,
                             {distance, clusters_.size[at(a)], clusters_.size[at(b)]}});
        }
        return pairs;
    }

    // Merges the pairs, drops what is not alive, and finds the nearest cluster of each that remains. Each new distance
    // is made of up to four old ones that make no other, so threads need not wait for each other but to write: new rows
    // lie at or below the old rows that they are made of, where a block of them goes when all of it has been computed.
    void contract(std::vector<Pair> pairs) {
        std::vector<index_t> mate(at(matrix_.n), kNone);
        std::vector<bool> is_dropped(at(matrix_.n), false);
        for (std::size_t p = 0; p < pairs.size(); ++p) {
            mate[at(pairs[p].a)] = static_cast<index_t>(p);
            is_dropped[at(pairs[p].b)] = true;
        }
        std::vector<std::int32_t> kept;
        kept.reserve(alive_.size());
        for (const index_t a : alive_) {
            if (!is_dropped[at(a)]) kept.push_back(static_cast<std::int32_t>(a));
        }
        const Condensed<T> target{matrix_.data, static_cast<index_t>(kept.size())};
        MatrixClusters<T> next;
        next.resize(target.n);
        for (index_t k = 0; k < target.n; ++k) {
            const index_t a = kept[at(k)];
            next.size[at(k)] = clusters_.size[at(a)];
            next.node[at(k)] = clusters_.node[at(a)];
            if (mate[at(a)] == kNone) continue;
            Pair& pair = pairs[at(mate[at(a)])];
            pair.place = static_cast<std::int32_t>(k);
            next.node[at(k)] = note(a, pair.b, scale_.height(pair.merging.distance));
            next.size[at(k)] = pair.merging.size_a + pair.merging.size_b;
        }
        for (auto& columns : columns_) columns.resize(target.n);
        const bool moves = target.n < matrix_.n;
        const index_t n_parts = matrix_.n < kOneThread ? 1 : crew_.size();
        std::vector<AlignedArray<T>> scratch;
        for (index_t part = 0; part < n_parts; ++part) scratch.emplace_back(matrix_.n);
        const index_t n_staged = std::max(n_parts, kStaged / target.n);
        const AlignedArray<T> staged(moves ? target.begin(std::min(target.n, n_staged)) : 0);
        for (index_t begin = 0; begin < target.n;) {
            // Rows whose new places lie below all that is still needed go there at once.
            index_t end = begin;
            const index_t free = moves ? matrix_.begin(kept[at(begin)]) : Condensed<T>::length(target.n);
            while (end < target.n && target.begin(end + 1) <= free) ++end;
            const bool is_staged = end < std::min(target.n, begin + n_staged);
            if (is_staged) end = std::min(target.n, begin + n_staged);
            const index_t origin = target.begin(begin);
            T* const base = is_staged ? staged.get() : target.data + origin;
            std::atomic<index_t> row{begin};
            crew_.run(n_parts, [&](index_t part) {
                for (index_t k = row++; k < end; k = row++) {
                    T* out = base + (target.begin(k) - origin);
                    const index_t own = mate[at(kept[at(k)])];
                    if (moves) new_row(kept, pairs, own, next.size[at(k)], k, scratch[at(part)], out);
                    look_along(out, k, target.n, columns_[at(part)], next);
                    crew_.look();
                }
            });
            if (is_staged) std::copy(base, base + (target.begin(end) - origin), target.data + origin);
            begin = end;
        }
        for (index_t k = 0; k < target.n; ++k) {
            for (const auto& columns : columns_) take_nearer(columns, k, next);
            if (next.who[at(k)] != kNone) next.who_node[at(k)] = next.node[at(next.who[at(k)])];
        }
        matrix_ = target;
        clusters_ = std::move(next);
        start_chain();
    }

    // Row k of the new matrix. First what merges with its own cluster, then the other pairs: the order of merging them
    // one by one, lowest first.
    void new_row(const std::vector<std::int32_t>& kept, const std::vector<Pair>& pairs, index_t own, double size, index_t k,
                 const AlignedArray<T>& scratch, T* out) const {
        const index_t a = kept[at(k)];
        const T* row = matrix_.row(a) - (a + 1);
        if (own != kNone) {
            union_row(pairs[at(own)], row, scratch.get());
            row = scratch.get();
        }
        const index_t n_kept = static_cast<index_t>(kept.size());
        out -= k + 1;
        for (index_t l = k + 1; l < n_kept; ++l) out[l] = row[kept[at(l)]];
        const auto above = [](index_t slot, const Pair& pair) { return slot < pair.a; };
        for (auto pair = std::upper_bound(pairs.begin(), pairs.end(), a, above); pair != pairs.end(); ++pair) {
            out[pair->place] = static_cast<T>(Update::update(pair->merging, static_cast<double>(row[pair->a]),
                                                             static_cast<double>(row[pair->b]), size));
        }
    }

    // out[c] = distance of the union to cluster c, for all c above the first of the two.
    void union_row(const Pair& pair, const T* row, T* out) const {
        const auto [a, b, place, merging] = pair;
        const double* sizes = clusters_.size.data();
        index_t entry = matrix_.begin(a + 1) + (b - a - 2);
        for (index_t c = a + 1; c < b; ++c) {
            out[c] = static_cast<T>(Update::update(merging, static_cast<double>(row[c]),
                                                   static_cast<double>(matrix_.data[entry]), sizes[c]));
            entry += matrix_.n - c - 2;
        }
        const T* other = matrix_.row(b) - (b + 1);
        for (index_t c = b + 1; c < matrix_.n; ++c) {
            out[c] = static_cast<T>(
                Update::update(merging, static_cast<double>(row[c]), static_cast<double>(other[c]), sizes[c]));
        }
    }

    // ---- One by one -------------------------------------------------------------------------------------------------

    void start_chain() {
        alive_.resize(at(matrix_.n));
        for (index_t i = 0; i < matrix_.n; ++i) alive_[at(i)] = i;
        penalties_.assign(at(matrix_.n), T{0});
        chain_.clear();
    }

    // Until half of the clusters are gone; false if nobody is left that may merge.
    bool follow_chains() {
        Poller look(poll_);
        while (2 * static_cast<index_t>(alive_.size()) > matrix_.n) {
            look();
            if (chain_.empty()) {
                // Anywhere would do. From the lowest bound on a chain is shortest.
                const T low = least(clusters_.near.data(), penalties_.data(), matrix_.n);
                if (!may_merge(low)) return false;
                chain_.push_back(first_equal(clusters_.near.data(), penalties_.data(), matrix_.n, low));
            }
            const index_t tip = chain_.back();
            // Rounding may lead a chain back to where it has been, by an ulp; what was there may have merged since.
            if (clusters_.node[at(tip)] == kNone) {
                chain_.clear();
                continue;
            }
            search(tip);
            if (!may_merge(clusters_.near[at(tip)])) {  // only where a chain begins: then distances fall
                chain_.pop_back();
                continue;
            }
            const index_t next = clusters_.who[at(tip)];
            if (chain_.size() < 2 || chain_[chain_.size() - 2] != next) {
                chain_.push_back(next);
                continue;
            }
            chain_.resize(chain_.size() - 2);
            const double distance = static_cast<double>(clusters_.near[at(tip)]);
            merge(std::min(tip, next), std::max(tip, next), scale_.height(distance));
        }
        return true;
    }

    // Finds the nearest cluster of a, unless it is known.
    void search(index_t a) {
        const index_t known = clusters_.who[at(a)];
        if (known != kNone && clusters_.node[at(known)] == clusters_.who_node[at(a)]) return;
        T near = kInfinite<T>;
        index_t who = kNone;
        for (const index_t c : alive_) {
            if (c >= a) break;
            const T distance = matrix_.at(c, a);
            if (distance < near) {
                near = distance;
                who = c;
            }
        }
        look_above(a, a, near, who);
        remember(a, near, who);
    }

    // Offers the clusters above slot `from` in row a.
    void look_above(index_t a, index_t from, T& near, index_t& who) const {
        const T* row = matrix_.row(a) + (from - a);
        const T* penalties = penalties_.data() + from + 1;
        const index_t count = matrix_.n - from - 1;
        const T best = least(row, penalties, count);
        if (best < near) {
            near = best;
            who = from + 1 + first_equal(row, penalties, count, best);
        }
    }

    void remember(index_t a, T near, index_t who) {
        clusters_.near[at(a)] = near;
        clusters_.who[at(a)] = who;
        clusters_.who_node[at(a)] = who == kNone ? kNone : clusters_.node[at(who)];
    }

    // Makes a the union of a < b, and finds its nearest cluster on the way.
    void merge(index_t a, index_t b, double height) {
        const double* sizes = clusters_.size.data();
        const Merging merging{static_cast<double>(matrix_.at(a, b)), sizes[a], sizes[b]};
        clusters_.node[at(a)] = note(a, b, height);
        clusters_.node[at(b)] = kNone;
        T near = kInfinite<T>;
        index_t who = kNone;
        const auto join = [&](index_t c, T& own, T other) {
            own = static_cast<T>(
                Update::update(merging, static_cast<double>(own), static_cast<double>(other), sizes[c]));
            if (own < near) {
                near = own;
                who = c;
            }
            if (own <= clusters_.near[at(c)]) offer(c, own, a);
        };
        auto place = alive_.begin();
        for (; *place < a; ++place) {
            T* row = matrix_.row(*place) - (*place + 1);
            join(*place, row[a], row[b]);
        }
        T* own = matrix_.row(a) - (a + 1);
        for (++place; *place < b; ++place) join(*place, own[*place], matrix_.at(*place, b));
        alive_.erase(place);
        penalties_[at(b)] = kInfinite<T>;
        clusters_.near[at(b)] = kLowest<T>;
        const T* other = matrix_.row(b) - (b + 1);
        // Also where nobody is alive: what is computed there is never looked at.
        for (index_t c = b + 1; c < matrix_.n; ++c) {
            own[c] = static_cast<T>(
                Update::update(merging, static_cast<double>(own[c]), static_cast<double>(other[c]), sizes[c]));
        }
        look_above(a, b, near, who);
        each_hit(own + b + 1, clusters_.near.data() + b + 1, matrix_.n - b - 1, std::less_equal<T>(),
                 [&](index_t i) { offer(b + 1 + i, own[b + 1 + i], a); });
        clusters_.size[at(a)] += clusters_.size[at(b)];
        remember(a, near, who);
    }

    // A union is the nearest cluster of c if it is as near as the one that c knew, or the one that c knew is part of it
    // and came no farther. By an ulp of rounding it may even be nearer than that.
    void offer(index_t c, T distance, index_t a) {
        const T near = clusters_.near[at(c)];
        if (distance < near || (distance == near && a <= clusters_.who[at(c)])) remember(c, distance, a);
    }

    static constexpr index_t kOneThread = 512;  // clusters that are not worth a second thread

    Condensed<T> matrix_;
    Scale scale_;
    double stop_;
    index_t n_rows_;
    const PollCallback& poll_;
    Crew crew_;
    MatrixClusters<T> clusters_;
    std::vector<Columns<T>> columns_;  // per thread
    std::vector<index_t> alive_;    // slots, in order
    std::vector<T> penalties_;      // per slot
    std::vector<index_t> chain_;
    std::vector<Merge> merges_;
};

}  // namespace pyface::linkage
