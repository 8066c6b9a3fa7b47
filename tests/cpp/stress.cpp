// The engine without Python: for the thread sanitizer, and for processors that are only emulated.
//
// Runs everything on several threads and on each instruction set, or on those that are named, and compares with one thread of
// the portable kernels. Exit status 0: all results agree.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "made_rows.hpp"

#include "distance/axes.hpp"
#include "distance/code_choice.hpp"
#include "distance/distances.hpp"
#include "distance/group_means.hpp"
#include "distance/other_means.hpp"
#include "distance/pair_bins.hpp"
#include "distance/search_index.hpp"
#include "distance/within.hpp"
#include "kmeans/lloyd.hpp"
#include "kmeans/plus_plus.hpp"
#include "linkage/components.hpp"
#include "linkage/from_vectors.hpp"
#include "linkage/matrix.hpp"
#include "linkage/spanning_tree.hpp"
#include "simd/isa.hpp"
#include "warp/affine_crop.hpp"
#include "warp/delaunay.hpp"
#include "warp/mesh.hpp"
#include "warp/sampler.hpp"

namespace {

using namespace pyface;
using namespace pyface::stress;
using distance::Metric;

// What must be equal to the bit on all instruction sets, and what to 1e-6.
struct Results {
    std::vector<double> exact;
    std::vector<float> close;

    template <class V>
    void add(const V& values) {
        for (const auto value : values) exact.push_back(static_cast<double>(value));
    }
};

// Of so many rows that threads share the lists of all of them.
void search_each_pair_once(int n_threads, Results& results) {
    constexpr index_t kMany = 3200;
    const std::vector<float> x = people(3, kMany);
    std::vector<float> near(static_cast<std::size_t>(kMany * kNeighbors));
    std::vector<std::int64_t> who(near.size());
    const simd::Rows rows(MatrixView<const float>{x.data(), kMany, kColumns});
    distance::nearest(rows, nullptr, Metric::cosine, matrix(near, kNeighbors), matrix(who, kNeighbors),
                      distance::kFewRows, n_threads, {});
    results.add(near);
    results.add(who);
}

void search(const std::vector<float>& x, const std::vector<float>& y, Metric metric, double radius, int n_threads,
            Results& results) {
    const simd::Rows rows(MatrixView<const float>{x.data(), kRows, kColumns});
    const simd::Rows others(MatrixView<const float>{y.data(), kRows, kColumns});
    for (const simd::Rows* to : {static_cast<const simd::Rows*>(nullptr), &others}) {
        distance::RadiusGraph graph(rows, to, metric, radius, -1, n_threads, {});
        const auto n_entries = static_cast<std::size_t>(graph.n_entries());
        std::vector<std::int64_t> indptr(static_cast<std::size_t>(kRows + 1));
        std::vector<std::int32_t> indices(n_entries);
        std::vector<float> distances(n_entries);
        graph.write(view(indptr), view(indices), view(distances), {});
        results.add(indptr);
        results.add(indices);
        results.add(distances);

        std::vector<float> near(static_cast<std::size_t>(kRows * kNeighbors));
        std::vector<std::int64_t> who(near.size());
        distance::nearest(rows, to, metric, matrix(near, kNeighbors), matrix(who, kNeighbors), distance::kFewRows,
                          n_threads, {});
        results.add(near);
        results.add(who);
    }
    distance::EdgeStream stream(rows, metric, radius, n_threads, {});
    std::vector<distance::PairsWithin::Pair> edges;
    while (stream.next(1000, edges, nullptr, n_threads, {})) {
        for (const auto& edge : edges) results.exact.push_back(edge.row * 1e6 + edge.col);
    }
    std::vector<std::int32_t> labels(static_cast<std::size_t>(kRows));
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i / 10);
    distance::EdgeStream unsettled(rows, metric, radius, n_threads, {});
    while (unsettled.next(1000, edges, labels.data(), n_threads, {})) {
        for (const auto& edge : edges) results.exact.push_back(edge.row * 1e6 + edge.col);
    }
    // The rows backwards, ten to a group; a group without rows; and each row's distance to another group.
    std::vector<std::int64_t> order, begins{0}, places;
    for (index_t i = 0; i < kRows; ++i) {
        order.push_back(kRows - 1 - i);
        places.push_back(i * 7 % (kRows / 10));
        if (i % 10 == 9) begins.push_back(i + 1);
    }
    if (begins.back() != kRows) begins.push_back(kRows);
    begins.push_back(kRows);
    const auto n_groups = static_cast<index_t>(begins.size()) - 1;
    std::vector<double> sums(static_cast<std::size_t>(n_groups * kColumns)), squares(static_cast<std::size_t>(n_groups));
    std::vector<double> to_means(order.size());
    const distance::Frame frame(metric, kColumns, 1.0, nullptr);
    distance::group_sums(rows, frame, {view(order), view(begins)}, matrix(sums, kColumns), view(squares), n_threads, {});
    for (double& sum : sums) sum /= 10.0;
    distance::squared_to_means(rows, frame, view(order), view(places), matrix(sums, kColumns), view(squares),
                               view(to_means), n_threads, {});
    results.add(sums);
    results.add(squares);
    results.add(to_means);
    std::vector<double> thresholds;
    for (int t = 0; t < 500; ++t) thresholds.push_back(radius * (0.5 + t / 500.0));
    std::vector<std::int64_t> counts(2 * (thresholds.size() + 1));
    std::vector<std::uint8_t> wanted(counts.size());
    for (std::size_t b = 0; b < wanted.size(); b += 100) wanted[b] = 1;
    const auto n_bins = static_cast<index_t>(thresholds.size() + 1);
    for (const auto& pair : distance::bin_pairs(rows, view(labels), metric, view(thresholds), matrix(counts, n_bins),
                                                matrix(wanted, n_bins), n_threads, {})) {
        results.exact.push_back(pair.row * 1e6 + pair.col);
        results.exact.push_back(pair.distance);
    }
    results.add(counts);
    // Clusters whose means are rows of y, short enough to be means of rows of unit length.
    std::vector<double> means(y.begin(), y.end()), variances(static_cast<std::size_t>(kRows), 1.0);
    for (std::size_t c = 0; c < means.size(); ++c) {
        means[c] /= 16.0;
        variances[c / kColumns] -= means[c] * means[c];
    }
    std::vector<std::int64_t> own(static_cast<std::size_t>(kRows));
    for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::int64_t>(i / 10);
    std::vector<double> least(own.size());
    const distance::Clusters clusters{simd::Rows(MatrixView<const double>{means.data(), kRows, kColumns}),
                                      {variances.data(), kRows}, metric == Metric::cosine};
    distance::nearest_other_means(rows, clusters, {own.data(), kRows}, view(least), n_threads, {});
    results.add(least);
    std::vector<float> all(static_cast<std::size_t>(kRows * kRows));
    distance::dense_symmetric<float>(rows, metric, matrix(all, kRows), n_threads, {});
    results.close.insert(results.close.end(), all.begin(), all.end());
    distance::dense<float>(rows, others, metric, matrix(all, kRows), n_threads, {});
    results.close.insert(results.close.end(), all.begin(), all.end());
}

// Rows of x in two segments, searched for rows of y as they lie in memory and in panels.
void search_index(const std::vector<float>& x, const std::vector<float>& y, Metric metric, double radius, int n_threads,
                  Results& results) {
    const simd::Rows rows(MatrixView<const float>{x.data(), kRows, kColumns});
    const simd::Rows queries(MatrixView<const float>{y.data(), kRows / 9, kColumns});
    const distance::Frame frame(rows, nullptr, metric, n_threads, {});
    const index_t bytes = distance::stored_stride(kColumns);
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(kRows * bytes));
    std::vector<float> bounds(static_cast<std::size_t>(2 * kRows));
    std::vector<double> squares(static_cast<std::size_t>(kRows));
    std::vector<distance::StoredRows> segments;
    distance::StoredSummary summary;
    for (const index_t begin : {index_t{0}, index_t{301}}) {
        const simd::Rows part = rows.part(begin, begin == 0 ? 301 : kRows);
        segments.push_back({part, codes.data() + begin * bytes, bounds.data() + 2 * begin, squares.data() + begin});
        const auto found = distance::store(frame, part, codes.data() + begin * bytes, bounds.data() + 2 * begin,
                                           squares.data() + begin, n_threads, {});
        summary.longest = std::fmax(summary.longest, found.longest);
    }
    const distance::SearchIndex index(distance::Frame(metric, kColumns, frame.scale(), frame.centre()), kColumns, segments,
                                      summary);
    for (const index_t panels : {index_t{1}, kRows}) {
        for (const index_t self : {index_t{-1}, index_t{0}}) {
            const simd::Rows& of = self < 0 ? queries : rows;
            std::vector<float> near(static_cast<std::size_t>(of.size() * kNeighbors));
            std::vector<std::int64_t> who(near.size());
            index.nearest(of, self, matrix(near, kNeighbors), matrix(who, kNeighbors), panels, n_threads, {});
            results.add(near);
            results.add(who);
            distance::FoundWithin found(index, of, self, radius, -1, panels, n_threads, {});
            std::vector<std::int64_t> indptr(static_cast<std::size_t>(of.size() + 1));
            std::vector<std::int64_t> indices(static_cast<std::size_t>(found.n_entries()));
            std::vector<float> distances(indices.size());
            found.write(view(indptr), view(indices), view(distances), self < 0, n_threads, {});
            results.add(indptr);
            results.add(indices);
            results.add(distances);
        }
    }
}

void cluster(const std::vector<float>& x, int n_threads, Results& results) {
    const simd::Rows rows(MatrixView<const float>{x.data(), kRows, kColumns});
    kmeans::Data data(rows, {});
    std::vector<double> draws(static_cast<std::size_t>((kCenters - 1) * 5));
    for (std::size_t d = 0; d < draws.size(); ++d) draws[d] = std::fmod(0.618 * static_cast<double>(d), 1.0);
    std::vector<std::int64_t> chosen(static_cast<std::size_t>(kCenters));
    std::vector<std::int32_t> labels(static_cast<std::size_t>(kRows));
    kmeans::plus_plus<float>(data, 3, matrix(draws, 5), view(chosen), view(labels), n_threads, {});
    std::vector<float> centers;
    for (const std::int64_t i : chosen) centers.insert(centers.end(), rows.row<float>(i), rows.row<float>(i) + kColumns);
    const auto outcome =
        kmeans::lloyd<float>(data, matrix(centers, kColumns), view(labels), {20, 0.0, false}, n_threads, {});
    results.add(chosen);
    results.add(labels);
    results.add(centers);
    results.exact.push_back(outcome.inertia);
}

template <class T>
void link(const std::vector<float>& x, int n_threads, Results& results) {
    std::vector<T> given;
    for (index_t i = 0; i < kRows; ++i) {
        for (index_t j = i + 1; j < kRows; ++j) {
            double square = 0.0;
            for (index_t k = 0; k < kColumns; ++k) {
                const double difference = static_cast<double>(x[static_cast<std::size_t>(i * kColumns + k)]) -
                                          static_cast<double>(x[static_cast<std::size_t>(j * kColumns + k)]);
                square += difference * difference;
            }
            given.push_back(static_cast<T>(std::sqrt(square)));
        }
    }
    using linkage::MatrixMethod;
    for (const auto method : {MatrixMethod::single, MatrixMethod::complete, MatrixMethod::average,
                              MatrixMethod::weighted, MatrixMethod::ward, MatrixMethod::centroid}) {
        std::vector<T> scratch = given;
        for (const auto& merge : linkage::from_condensed<T>(view(scratch), kRows, method, {}, n_threads, {})) {
            results.exact.push_back(static_cast<double>(merge.left));
            results.exact.push_back(static_cast<double>(merge.right));
            results.exact.push_back(merge.height);
        }
    }
}

void add_joints(const std::vector<linkage::Joint>& joints, Results& results) {
    for (const auto& joint : joints) {
        results.exact.push_back(joint.a * 1e6 + joint.b);
        results.exact.push_back(joint.height);
    }
}

// Twice the rows, so that a first sweep pays; four of them on a photo, some that must come together, and one that is kept
// apart from many.
void link_rows(std::vector<float> x, const std::vector<float>& y, int n_threads, Results& results) {
    x.insert(x.end(), y.begin(), y.end());
    const simd::Rows rows(MatrixView<const float>{x.data(), 2 * kRows, kColumns});
    std::vector<std::int64_t> starts{0}, numbers, given(static_cast<std::size_t>(2 * kRows), -1);
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (i == 1) {
            for (std::int64_t k = 70; k >= 2; --k) numbers.push_back(-k);
        } else if (i > 1 && i <= 70) {
            numbers.push_back(-static_cast<std::int64_t>(i));
        }
        numbers.push_back(static_cast<std::int64_t>(i * 37 % given.size() / 4));
        starts.push_back(static_cast<std::int64_t>(numbers.size()));
        if (i % 50 == 0) given[i] = static_cast<std::int64_t>(i / 100);
    }
    const linkage::Groups groups{{{starts.data(), 2 * kRows + 1}, {numbers.data(), starts.back()}},
                                 {given.data(), 2 * kRows}};
    using linkage::Method;
    for (const Method method : {Method::average_cosine, Method::average_sqeuclidean, Method::weighted_cosine, Method::ward}) {
        const double limit = method == Method::ward ? 4.0 : 0.3;
        add_joints(linkage::from_vectors(rows, {}, method, {}, linkage::kNoLimit, n_threads, {}), results);
        const bool is_shifted = method != Method::average_cosine && method != Method::weighted_cosine;
        std::vector<double> origin(is_shifted ? static_cast<std::size_t>(rows.dimension()) : 0, 0.25);
        add_joints(linkage::from_vectors(rows, {}, method, groups, limit, n_threads, {}, view(origin)), results);
    }
    for (const Metric metric : {Metric::cosine, Metric::euclidean}) {
        const double threshold = metric == Metric::cosine ? 0.25 : 3.5;
        for (const double limit : {threshold, linkage::kNoLimit}) {
            for (const index_t few : {index_t{0}, linkage::kFewRows}) {
                for (const auto& edge : linkage::spanning_edges(rows, metric, limit, few, n_threads, {})) {
                    results.exact.push_back(edge.row * 1e6 + edge.col);
                }
            }
        }
        for (const index_t n_neighbors : {index_t{1}, index_t{4}, index_t{25}}) {
            const auto tree = linkage::reachability_tree(rows, metric, n_neighbors, 1.0, n_threads, {});
            for (const auto& edge : tree.edges) results.exact.push_back(edge.row * 1e6 + edge.col);
            for (const double core : tree.cores) results.exact.push_back(core);
        }
        for (const index_t max_edges : {index_t{1} << 30, index_t{10}}) {
            linkage::NearGraph graph(rows, metric, linkage::radius_for(threshold, metric), max_edges, n_threads, {});
            for (const auto kind : {linkage::Linkage::single, linkage::Linkage::complete, linkage::Linkage::average,
                                    linkage::Linkage::weighted}) {
                if (kind == linkage::Linkage::single && !graph.has_edges()) continue;
                for (const linkage::Groups& some : {linkage::Groups{}, groups}) {
                    add_joints(linkage::link_components(rows, {kind, metric, threshold, -1}, view(graph.component()),
                                                        graph.has_edges(), view(graph.edges()), some, n_threads, {}),
                               results);
                }
            }
        }
    }
}

// Faces that hang over the rims of their photos, of two sizes, and crops of one of them.
template <class T>
void warp_faces(int n_threads, Results& results) {
    std::mt19937 engine(3);
    const auto number = [&](double to) { return to * static_cast<double>(engine() % 4096u) / 4096; };
    constexpr index_t kPoints = 40, kFaces = 12, kSide = 64, kChannels = 3;
    std::vector<double> target, sources;
    for (index_t i = 0; i < 2 * kPoints; ++i) target.push_back(number(kSide));
    for (index_t i = 0; i < 2 * kPoints * kFaces; ++i) {
        const auto at = static_cast<std::size_t>(i % (2 * kPoints));
        sources.push_back(2.5 * target[at] - 20 + number(6));
    }
    std::vector<std::int32_t> representative(static_cast<std::size_t>(kPoints));
    const auto made = warp::delaunay({target.data(), kPoints, 2}, view(representative));
    std::vector<std::int32_t> triangles;
    for (const auto& t : made) triangles.insert(triangles.end(), t.begin(), t.end());
    const warp::Mesh mesh({target.data(), kPoints, 2}, matrix(triangles, 3), kSide, kSide);
    std::vector<T> pixels;
    for (index_t i = 0; i < 150 * 130 * kChannels; ++i) pixels.push_back(static_cast<T>(engine() % 256u));
    const ImageView<const T> large{pixels.data(), 150, 130, kChannels}, small{pixels.data(), 70, 90, kChannels};
    std::vector<ImageView<const T>> images;
    for (index_t i = 0; i < kFaces; ++i) images.push_back(i % 2 == 0 ? large : small);
    const double fill[kChannels] = {1, 2, 3};
    std::vector<T> out(static_cast<std::size_t>(kFaces * kSide * kSide * kChannels));
    for (const auto border : {warp::Border::constant, warp::Border::replicate, warp::Border::reflect}) {
        for (const bool linear : {false, true}) {
            for (const bool antialias : {false, true}) {
                warp::warp_images<T>(mesh, images, sources.data(), kFaces, {linear, antialias, border, fill},
                                     out.data(), n_threads, {});
                results.add(out);
            }
        }
        std::vector<double> maps;
        for (index_t i = 0; i < kFaces; ++i) {
            const double c = 1 + number(2), s = number(2) - 1;
            for (const double entry : {c, -s, number(60), s, c, number(60)}) maps.push_back(entry);
        }
        for (const bool antialias : {false, border == warp::Border::constant}) {
            warp::affine_crops<T>(large, maps.data(), kFaces, kSide, kSide, {border, fill, antialias}, out.data(),
                                  n_threads, {});
            results.add(out);
            // One crop as large as all of them, which is averaged in tiles.
            warp::affine_crops<T>(large, maps.data(), 1, 4 * kSide, kFaces / 4 * kSide, {border, fill, antialias},
                                  out.data(), n_threads, {});
            results.add(out);
        }
    }
}

Results everything(int n_threads) {
    const auto x = people(1);
    const auto y = people(2);
    Results results;
    search(x, y, Metric::cosine, 0.25, n_threads, results);
    search(x, y, Metric::euclidean, 3.5, n_threads, results);
    search_each_pair_once(n_threads, results);
    search_index(x, y, Metric::cosine, 0.25, n_threads, results);
    search_index(x, y, Metric::euclidean, 3.5, n_threads, results);
    cluster(x, n_threads, results);
    link<float>(x, n_threads, results);
    link<double>(x, n_threads, results);
    link_rows(x, y, n_threads, results);
    warp_faces<std::uint8_t>(n_threads, results);
    warp_faces<float>(n_threads, results);
    return results;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> named(argv + 1, argv + argc);
    simd::set_active("portable");
    const Results wanted = everything(1);
    bool all_agree = true;
    for (const std::string& isa : named.empty() ? simd::supported() : named) {
        simd::set_active(isa);
        for (const int n_threads : {1, 4}) {
            // A first stage along axes changes nothing. On one thread it does without, as few rows do.
            // Nor do float32 and codes.
            distance::use_axes(n_threads == 1 ? distance::Use::where_they_pay : distance::Use::always);
            distance::use_floats(n_threads == 1 ? distance::Use::never : distance::Use::where_they_pay);
            const Results got = everything(n_threads);
            bool agrees = got.exact == wanted.exact && got.close.size() == wanted.close.size();
            for (std::size_t i = 0; agrees && i < got.close.size(); ++i) {
                agrees = std::fabs(got.close[i] - wanted.close[i]) <= 1e-6f * std::fmax(1.0f, wanted.close[i]);
            }
            std::printf("%-12s %d threads: %s\n", isa.c_str(), n_threads, agrees ? "agrees" : "DIFFERS");
            std::fflush(stdout);
            all_agree &= agrees;
        }
    }
    return all_agree ? 0 : 1;
}
