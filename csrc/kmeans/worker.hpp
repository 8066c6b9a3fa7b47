// One thread's search for the nearest centres of rows.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "distance/counters.hpp"
#include "distance/exact.hpp"
#include "kmeans/center_search.hpp"

namespace pyface::kmeans {

class Worker {
public:
    virtual ~Worker() = default;
    // Up to kRowBlock rows; returns whether the label of any of them has changed.
    virtual bool run(const std::int32_t* rows, index_t n_rows) = 0;
};

// Decides in float64 between the centre of a row and others.
template <class T>
class Decision {
public:
    Decision(const Data& data, const CenterSet<T>& set)
        : set_(set), exact_(data.rows(), &set.rows(), distance::Metric::sqeuclidean, 1, {}) {}

    // Takes the nearest of the centres in these columns and the one that is known. Returns whether that is another one.
    bool take_nearest(Assignment known, index_t row, const std::int32_t* cols, index_t count) {
        values_.resize(static_cast<std::size_t>(count));
        exact_.distances(row, cols, count, values_.data());
        double distance = known.distances[row];
        std::int32_t label = known.labels[row];
        for (index_t c = 0; c < count; ++c) {
            const double value = values_[static_cast<std::size_t>(c)];
            const std::int32_t number = set_.number(cols[c]);
            if (value < distance || (value == distance && number < label) || label == kUnknown) {
                distance = value;
                label = number;
            }
        }
        known.distances[row] = distance;
        return std::exchange(known.labels[row], label) != label;
    }

private:
    const CenterSet<T>& set_;
    distance::Exact exact_;
    std::vector<double> values_;
};

}  // namespace pyface::kmeans
