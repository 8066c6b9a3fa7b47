// Distances of a union, by Lance and Williams (1967): d(a + b, c) from d(a, c), d(b, c), d(a, b) and the sizes.
//
// Always in float64. Infinity stands for clusters that may never merge, and stays: a union may not merge with what one
// of its parts may not. None of the formulas subtracts an infinite distance, as a and b do merge.
#pragma once

#include <algorithm>

#include "linkage/condensed.hpp"

namespace pyface::linkage {

// The two clusters that merge.
struct Merging {
    double distance;
    double size_a, size_b;
};

struct Single {
    static double update(const Merging&, double ac, double bc, double) {
        const double high = ac < bc ? bc : ac;
        const double low = ac < bc ? ac : bc;
        return high == kInfinite<double> ? high : low;
    }
};

struct Complete {
    static double update(const Merging&, double ac, double bc, double) { return ac < bc ? bc : ac; }
};

// A quotient of sums, not a sum of quotients: averages of small integers stay exact, and with them their ties.
struct Average {
    static double update(const Merging& m, double ac, double bc, double) {
        return (m.size_a * ac + m.size_b * bc) / (m.size_a + m.size_b);
    }
};

struct Weighted {
    static double update(const Merging&, double ac, double bc, double) { return 0.5 * (ac + bc); }
};

// The last three are for squares of Euclidean distances. Ward's stay at or above 0 for those; must-linked rows of other
// distances may ask for less.
struct Ward {
    static double update(const Merging& m, double ac, double bc, double size_c) {
        const double sum = (m.size_a + size_c) * ac + (m.size_b + size_c) * bc - size_c * m.distance;
        const double square = sum / (m.size_a + m.size_b + size_c);
        return square < 0.0 ? 0.0 : square;
    }
};

struct Centroid {
    static double update(const Merging& m, double ac, double bc, double) {
        const double size = m.size_a + m.size_b;
        return (m.size_a * ac + m.size_b * bc - m.size_a * m.size_b * m.distance / size) / size;
    }
};

struct Median {
    static double update(const Merging& m, double ac, double bc, double) { return 0.5 * (ac + bc) - 0.25 * m.distance; }
};

}  // namespace pyface::linkage
