#include "detect/regression_trees.hpp"

#include <algorithm>
#include <cmath>

#include "core/require.hpp"
#include "detect/similarity.hpp"

namespace pyface::detect {
namespace {

// Faces that go through a cascade together, so that its trees are fetched into the cache once for all of them.
constexpr index_t kFacesPerItem = 8;

float grey_at(ImageView<const std::uint8_t> image, double x, double y) {
    // Compared before the conversion: a coordinate far outside fits no integer.
    if (!(x >= 0 && y >= 0 && x < static_cast<double>(image.cols) && y < static_cast<double>(image.rows))) return 0.0F;
    const std::uint8_t* pixel = image.row(static_cast<index_t>(y)) + static_cast<index_t>(x) * image.channels;
    if (image.channels == 1) return static_cast<float>(pixel[0]);
    return static_cast<float>((static_cast<int>(pixel[0]) + pixel[1] + pixel[2]) / 3);
}

}  // namespace

struct RegressionTrees::Face {
    double left, top, width, height;  // width and height are the differences of the ends
    std::vector<float> shape;
};

RegressionTrees::RegressionTrees(const TreeArrays& a)
    : n_cascades_(a.n_cascades), n_trees_(a.n_trees), n_splits_(a.n_splits), n_pixels_(a.n_pixels),
      n_points_(a.n_points) {
    require(n_cascades_ > 0 && n_trees_ > 0 && n_splits_ > 0 && n_pixels_ > 0 && n_points_ > 1,
            "a predictor needs cascades, trees, splits, pixels and two points");
    const index_t n_coordinates = 2 * n_points_;
    initial_shape_.assign(a.initial_shape, a.initial_shape + n_coordinates);
    for (index_t i = 2; i <= n_coordinates; i += 2) {
        require(i < n_coordinates, "the initial shape is a single point");
        if (initial_shape_[static_cast<std::size_t>(i)] != initial_shape_[0] ||
            initial_shape_[static_cast<std::size_t>(i + 1)] != initial_shape_[1]) {
            break;
        }
    }
    const index_t n_all_splits = n_cascades_ * n_trees_ * n_splits_;
    splits_.reserve(static_cast<std::size_t>(n_all_splits));
    for (index_t i = 0; i < n_all_splits; ++i) {
        const Split split{a.thresholds[i], a.features[2 * i], a.features[2 * i + 1]};
        require(split.first >= 0 && split.first < n_pixels_ && split.second >= 0 && split.second < n_pixels_,
                "a split compares a pixel that does not exist");
        splits_.push_back(split);
    }
    pixels_.reserve(static_cast<std::size_t>(n_cascades_ * n_pixels_));
    for (index_t i = 0; i < n_cascades_ * n_pixels_; ++i) {
        require(a.anchors[i] >= 0 && a.anchors[i] < n_points_, "a pixel is anchored to a point that does not exist");
        pixels_.push_back({a.deltas[2 * i], a.deltas[2 * i + 1], a.anchors[i]});
    }
    leaves_.assign(a.leaves, a.leaves + n_cascades_ * n_trees_ * (n_splits_ + 1) * n_coordinates);
}

void RegressionTrees::refine(ImageView<const std::uint8_t> image, index_t cascade, Face& face,
                             std::vector<float>& values) const {
    float* shape = face.shape.data();
    const Similarity turn = fit_similarity(initial_shape_.data(), shape, n_points_);
    const float a = static_cast<float>(turn.a), b = static_cast<float>(turn.b);
    const Pixel* pixels = pixels_.data() + cascade * n_pixels_;
    for (index_t j = 0; j < n_pixels_; ++j) {
        const Pixel& pixel = pixels[j];
        const float u = (a * pixel.dx - b * pixel.dy) + shape[2 * pixel.anchor];
        const float v = (b * pixel.dx + a * pixel.dy) + shape[2 * pixel.anchor + 1];
        const double x = std::floor(face.left + static_cast<double>(u) * face.width + 0.5);
        const double y = std::floor(face.top + static_cast<double>(v) * face.height + 0.5);
        values[static_cast<std::size_t>(j)] = grey_at(image, x, y);
    }
    const float* value = values.data();
    const index_t n_coordinates = 2 * n_points_;
    for (index_t t = 0; t < n_trees_; ++t) {
        const index_t tree = cascade * n_trees_ + t;
        const Split* splits = splits_.data() + tree * n_splits_;
        index_t node = 0;
        while (node < n_splits_) {
            const Split& split = splits[node];
            node = 2 * node + 2 - static_cast<index_t>(value[split.first] - value[split.second] > split.threshold);
        }
        const float* leaf = leaves_.data() + (tree * (n_splits_ + 1) + node - n_splits_) * n_coordinates;
        for (index_t i = 0; i < n_coordinates; ++i) shape[i] += leaf[i];
    }
}

void RegressionTrees::locate(ImageView<const std::uint8_t> image, MatrixView<const double> boxes, double* points,
                             int n_threads, const PollCallback& poll) const {
    require(image.channels == 1 || image.channels == 3, "image must have 1 or 3 channels");
    require(boxes.cols == 4, "boxes must have shape (n, 4)");
    const index_t n_items = (boxes.rows + kFacesPerItem - 1) / kFacesPerItem;
    const auto body = [&](index_t item) {
        const index_t begin = item * kFacesPerItem, end = std::min(begin + kFacesPerItem, boxes.rows);
        std::vector<Face> faces;
        for (index_t i = begin; i < end; ++i) {
            const double* box = boxes.row(i);
            const double left = std::round(box[0]), top = std::round(box[1]);
            faces.push_back({left, top, std::round(box[2]) - left, std::round(box[3]) - top, initial_shape_});
        }
        std::vector<float> values(static_cast<std::size_t>(n_pixels_));
        for (index_t cascade = 0; cascade < n_cascades_; ++cascade) {
            for (Face& face : faces) refine(image, cascade, face, values);
        }
        double* out = points + begin * 2 * n_points_;
        for (const Face& face : faces) {
            for (index_t i = 0; i < n_points_; ++i) {
                const auto u = static_cast<double>(face.shape[static_cast<std::size_t>(2 * i)]);
                const auto v = static_cast<double>(face.shape[static_cast<std::size_t>(2 * i + 1)]);
                *out++ = std::floor(face.left + u * face.width + 0.5);
                *out++ = std::floor(face.top + v * face.height + 0.5);
            }
        }
    };
    parallel_for(n_items, n_threads, body, poll);
}

}  // namespace pyface::detect
