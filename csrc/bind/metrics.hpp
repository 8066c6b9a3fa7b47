// Names of metrics.
#pragma once

#include <string>

#include "core/require.hpp"
#include "distance/metric.hpp"

namespace pyface::bind {

inline distance::Metric metric_named(const std::string& name) {
    if (name == "cosine") return distance::Metric::cosine;
    if (name == "euclidean") return distance::Metric::euclidean;
    require(name == "sqeuclidean", "metric must be 'cosine', 'euclidean' or 'sqeuclidean'");
    return distance::Metric::sqeuclidean;
}

}  // namespace pyface::bind
