#include "detect/nms.hpp"

#include <algorithm>
#include <numeric>

namespace pyface::detect {
namespace {

struct IntersectionOverUnion {
    double operator()(const double* a, const double* b) const {
        const double width = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0]));
        const double height = std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]));
        const double shared = width * height;
        const double area_a = (a[2] - a[0]) * (a[3] - a[1]);
        const double area_b = (b[2] - b[0]) * (b[3] - b[1]);
        return shared / (area_a + area_b - shared);  // 0 / 0 is NaN, which exceeds nothing
    }
};

struct IntersectionOverSmaller {
    double operator()(const double* a, const double* b) const {
        const double width = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0]));
        const double height = std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]));
        const double area_a = (a[2] - a[0]) * (a[3] - a[1]);
        const double area_b = (b[2] - b[0]) * (b[3] - b[1]);
        return width * height / std::min(area_a, area_b);  // 0 / 0 is NaN, which exceeds nothing
    }
};

struct IntersectionOverEnclosure {
    double operator()(const double* a, const double* b) const {
        const double width = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0]) + 1.0);
        const double height = std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]) + 1.0);
        const double enclosing_width = std::max(a[2], b[2]) - std::min(a[0], b[0]) + 1.0;
        const double enclosing_height = std::max(a[3], b[3]) - std::min(a[1], b[1]) + 1.0;
        return width * height / (enclosing_width * enclosing_height);
    }
};

template <class T, class Overlap>
std::vector<std::int64_t> suppress(MatrixView<const T> boxes, VectorView<const double> scores, double threshold,
                                   Overlap overlap, const PollCallback& poll) {
    const index_t n = boxes.rows;
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });

    // The boxes still standing, in order, moved together after each kept box so that no pass looks at a fallen one.
    std::vector<double> standing(static_cast<std::size_t>(4 * n));
    for (index_t i = 0; i < n; ++i) {
        const T* box = boxes.row(order[static_cast<std::size_t>(i)]);
        for (index_t k = 0; k < 4; ++k) standing[static_cast<std::size_t>(4 * i + k)] = static_cast<double>(box[k]);
    }

    std::vector<std::int64_t> kept;
    index_t begin = 0, end = n;
    Poller look(poll);
    while (begin < end) {
        kept.push_back(order[static_cast<std::size_t>(begin)]);
        const double* best = standing.data() + 4 * begin;
        index_t write = begin + 1;
        for (index_t read = begin + 1; read < end; ++read) {
            double* box = standing.data() + 4 * read;
            if (overlap(box, best) > threshold) continue;
            std::copy(box, box + 4, standing.begin() + 4 * write);
            order[static_cast<std::size_t>(write++)] = order[static_cast<std::size_t>(read)];
        }
        end = write;
        ++begin;
        look();
    }
    return kept;
}

}  // namespace

std::vector<std::int64_t> nms(MatrixView<const double> boxes, VectorView<const double> scores, double iou_threshold,
                              const PollCallback& poll) {
    return suppress(boxes, scores, iou_threshold, IntersectionOverUnion{}, poll);
}

std::vector<std::int64_t> nms_of_smaller(MatrixView<const double> boxes, VectorView<const double> scores,
                                         double overlap_threshold, const PollCallback& poll) {
    return suppress(boxes, scores, overlap_threshold, IntersectionOverSmaller{}, poll);
}

std::vector<std::int64_t> mmod_nms(MatrixView<const std::int64_t> boxes, VectorView<const double> scores,
                                   double overlap_threshold, const PollCallback& poll) {
    return suppress(boxes, scores, overlap_threshold, IntersectionOverEnclosure{}, poll);
}

}  // namespace pyface::detect
