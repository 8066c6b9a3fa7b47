// The clusters of a matrix that is being merged, a slot for each, and the nearest cluster that each remembers.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "linkage/condensed.hpp"

namespace pyface::linkage {

inline constexpr index_t kNone = -1;

inline std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

template <class T>
struct MatrixClusters {
    std::vector<double> size;
    std::vector<index_t> node;
    // The nearest cluster under the order (distance, slot): its distance, slot, and node when it was found. If that
    // node is no longer there, the distance still is a lower bound.
    std::vector<T> near;
    std::vector<index_t> who, who_node;

    void resize(index_t n) {
        size.assign(at(n), 1.0);
        node.assign(at(n), kNone);
        near.assign(at(n), kInfinite<T>);
        who.assign(at(n), kNone);
        who_node.assign(at(n), kNone);
    }
};

// The nearest cluster in a lower slot than each, as far as one thread has seen.
template <class T>
struct Columns {
    std::vector<T> near;
    std::vector<std::int32_t> who;

    void resize(index_t n) {
        near.assign(at(n), kInfinite<T>);
        who.assign(at(n), kNone);
    }
};

// What row k of a matrix of n clusters says about the nearest cluster of k, and of all above it.
template <class T>
void look_along(const T* row, index_t k, index_t n, Columns<T>& columns, MatrixClusters<T>& clusters) {
    const index_t count = n - k - 1;
    const T near = least(row, count);
    if (near < kInfinite<T>) {
        clusters.near[at(k)] = near;
        clusters.who[at(k)] = k + 1 + first_equal(row, count, near);
    }
    T* best = columns.near.data() + k + 1;
    std::int32_t* who = columns.who.data() + k + 1;
    // A thread takes rows in order, so that among equally close ones the lowest stays.
    each_hit(row, best, count, std::less<T>(), [&](index_t l) {
        best[l] = row[l];
        who[l] = static_cast<std::int32_t>(k);
    });
}

// Puts together what the row of k and a thread's columns have said.
template <class T>
void take_nearer(const Columns<T>& columns, index_t k, MatrixClusters<T>& clusters) {
    const T near = columns.near[at(k)];
    const auto who = static_cast<index_t>(columns.who[at(k)]);
    T& best = clusters.near[at(k)];
    if (who != kNone && (near < best || (near == best && who < clusters.who[at(k)]))) {
        best = near;
        clusters.who[at(k)] = who;
    }
}

}  // namespace pyface::linkage
