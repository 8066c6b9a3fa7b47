// Linkage below a threshold, component by component of the graph of the pairs of rows within it.
//
// No merge below a threshold joins two components, since in single, complete, average and weighted linkage clusters are at
// least as far apart as their nearest rows. So each component is a problem of its own.
#pragma once

#include <vector>

#include "distance/pairs_within.hpp"
#include "linkage/forest.hpp"

namespace pyface::linkage {

using Edge = distance::PairsWithin::Pair;

enum class Linkage { single, complete, average, weighted };

// A radius that takes in all pairs at distances below the threshold, whichever formula they are computed by.
double radius_for(double threshold, distance::Metric metric);

// The pairs of rows within a radius, each once, and the components that they make.
class NearGraph {
public:
    // Edges are kept while there are at most max_edges; beyond that only the components are.
    NearGraph(const simd::Rows& x, distance::Metric metric, double radius, index_t max_edges, int n_threads,
              const PollCallback& poll);

    bool has_edges() const { return has_edges_; }
    std::vector<Edge>& edges() { return edges_; }
    // Of each row the smallest row of its component.
    std::vector<std::int32_t>& component() { return component_; }

private:
    bool has_edges_ = true;
    std::vector<Edge> edges_;
    std::vector<std::int32_t> component_;
};

// The pairs of a row of x and a row of y within a radius.
class NearBetween {
public:
    // Edges are kept while there are at most max_edges; beyond that only which components of y each row of x touches.
    // component : of each row of y a number.
    NearBetween(const simd::Rows& x, const simd::Rows& y, VectorView<const std::int32_t> component,
                distance::Metric metric, double radius, index_t max_edges, int n_threads, const PollCallback& poll);

    bool has_edges() const { return has_edges_; }
    // With has_edges() the pairs; without, pairs of a row of x and a component, each once, by row.
    std::vector<Edge>& edges() { return edges_; }

private:
    bool has_edges_ = true;
    std::vector<Edge> edges_;
};

struct Below {
    Linkage linkage;
    distance::Metric metric;
    double threshold;
    index_t memory_limit;  // bytes for a matrix of distances, where nothing else will do; -1: none
    VectorView<const double> origin = {};  // see Clusters
};

// The merges at heights strictly below the threshold, and those of must-links, in an order in which they can be made.
//
// component : of each row a row of its component. edges : all pairs within radius_for(threshold); with has_edges false
// they are found again where they are needed. Rows that must-links hold together count as one component.
//
// Average and weighted linkage by cosine or sqeuclidean: means, O(d) for each distance that has to be known; where most
// rows of a component are near each other, rounds (rounds.hpp). By euclidean: a matrix for each component. Complete: links,
// or a matrix where nearly all pairs are within the radius. Single: edges by length. Throws std::bad_alloc, with a message,
// for a matrix above the memory limit.
std::vector<Joint> link_components(const simd::Rows& x, const Below& below, VectorView<const std::int32_t> component,
                                   bool has_edges, VectorView<const Edge> edges, Groups groups, int n_threads,
                                   const PollCallback& poll);

}  // namespace pyface::linkage
