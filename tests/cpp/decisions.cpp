// Part of the kernel test: what is decided by float64 alone must be the same on every instruction set and every machine.
#include <cmath>
#include <string>

#include "distance/axes.hpp"
#include "distance/code_choice.hpp"
#include "distance/distances.hpp"
#include "distance/within.hpp"
#include "kernels.hpp"
#include "kmeans/lloyd.hpp"
#include "kmeans/plus_plus.hpp"
#include "linkage/from_vectors.hpp"
#include "linkage/spanning_tree.hpp"
#include "simd/isa.hpp"

namespace kernel_test {
namespace {

using distance::Metric;

constexpr index_t kCount = 260, kNeighbors = 6, kCenters = 12;

// Of the decisions below, by any machine. A change that is meant to change them changes this as well.
constexpr std::uint64_t kDigest = 0xc2c03253753909;

struct Rows {
    std::vector<float> values;
    index_t d;
    MatrixView<const float> view() const { return {values.data(), kCount, d}; }
};

// Groups of ten; the farther members are from their first the harder codes find it to tell them apart.
Rows groups(index_t d, float width) {
    Rows rows{std::vector<float>(static_cast<std::size_t>(kCount * d)), d};
    for (index_t i = 0; i < kCount; ++i) {
        for (index_t k = 0; k < d; ++k) {
            const auto noise = static_cast<float>(below(2001) - 1000) / 1024.0f;
            rows.values[static_cast<std::size_t>(i * d + k)] =
                i % 10 == 0 ? noise : rows.values[static_cast<std::size_t>(i / 10 * 10 * d + k)] + width * noise;
        }
    }
    return rows;
}

template <class T>
MatrixView<T> matrix(std::vector<T>& values, index_t cols) {
    return {values.data(), static_cast<index_t>(values.size()) / cols, cols};
}
template <class T>
VectorView<T> vector(std::vector<T>& values) {
    return {values.data(), static_cast<index_t>(values.size())};
}

class Decisions {
public:
    void begin(const char* part, index_t d) { parts_.push_back({part, d, all_.size()}); }
    template <class V>
    void add(const V& values) {
        for (const auto value : values) all_.push_back(static_cast<double>(value));
    }
    bool agrees_with(const Decisions& other) const {
        if (all_ == other.all_) return true;
        std::size_t first = 0;
        while (first < all_.size() && first < other.all_.size() && all_[first] == other.all_[first]) ++first;
        std::size_t p = 0;
        while (p + 1 < parts_.size() && parts_[p + 1].begin <= first) ++p;
        std::printf("%s of rows of %lld values differs at value %zu\n", parts_[p].name,
                    static_cast<long long>(parts_[p].d), first - parts_[p].begin);
        return false;
    }
    // FNV-1a, of 64 bits, over whole numbers of 64 bits.
    std::uint64_t digest() const {
        std::uint64_t hash = 0xcbf29ce484222325u;
        for (const double value : all_) {
            std::uint64_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            hash = (hash ^ bits) * 0x100000001b3u;
            hash ^= hash >> 29;
        }
        return hash;
    }

private:
    struct Part {
        const char* name;
        index_t d;
        std::size_t begin;
    };
    std::vector<Part> parts_;
    std::vector<double> all_;
};

void search(const Rows& x, const Rows& y, Metric metric, double radius, Decisions& out) {
    const simd::Rows rows(x.view()), others(y.view());
    for (const simd::Rows* to : {static_cast<const simd::Rows*>(nullptr), &others}) {
        out.begin("a radius graph", x.d);
        distance::RadiusGraph graph(rows, to, metric, radius, -1, 1, {});
        std::vector<std::int64_t> indptr(static_cast<std::size_t>(kCount + 1));
        std::vector<std::int32_t> indices(static_cast<std::size_t>(graph.n_entries()));
        std::vector<float> distances(indices.size());
        graph.write(vector(indptr), vector(indices), vector(distances), {});
        out.add(indptr);
        out.add(indices);
        out.add(distances);
        out.begin("nearest", x.d);
        std::vector<float> near(static_cast<std::size_t>(kCount * kNeighbors));
        std::vector<std::int64_t> who(near.size());
        distance::nearest(rows, to, metric, matrix(near, kNeighbors), matrix(who, kNeighbors), distance::kFewRows, 1,
                          {});
        out.add(near);
        out.add(who);
    }
}

void cluster(const Rows& x, Decisions& out) {
    const simd::Rows rows(x.view());
    out.begin("k-means", x.d);
    kmeans::Data data(rows, {});
    std::vector<double> draws(static_cast<std::size_t>((kCenters - 1) * 4));
    for (std::size_t d = 0; d < draws.size(); ++d) draws[d] = std::fmod(0.618 * static_cast<double>(d), 1.0);
    std::vector<std::int64_t> chosen(static_cast<std::size_t>(kCenters));
    std::vector<std::int32_t> labels(static_cast<std::size_t>(kCount));
    kmeans::plus_plus<float>(data, 3, matrix(draws, 4), vector(chosen), vector(labels), 1, {});
    std::vector<float> centers;
    for (const std::int64_t i : chosen) centers.insert(centers.end(), rows.row<float>(i), rows.row<float>(i) + x.d);
    const auto outcome = kmeans::lloyd<float>(data, matrix(centers, x.d), vector(labels), {20, 0.0, false}, 1, {});
    out.add(chosen);
    out.add(labels);
    out.add(centers);
    out.add(std::vector<double>{outcome.inertia});

    using linkage::Method;
    for (const Method method :
         {Method::average_cosine, Method::average_sqeuclidean, Method::weighted_cosine, Method::ward}) {
        out.begin(method == Method::ward ? "Ward's linkage" : "linkage", x.d);
        for (const auto& joint : linkage::from_vectors(rows, {}, method, {}, linkage::kNoLimit, 1, {})) {
            out.add(std::vector<double>{static_cast<double>(joint.a), static_cast<double>(joint.b), joint.height});
        }
    }
    for (const Metric metric : {Metric::cosine, Metric::euclidean}) {
        out.begin("a spanning tree", x.d);
        for (const auto& edge : linkage::spanning_edges(rows, metric, linkage::kNoLimit, 0, 1, {})) {
            out.add(std::vector<std::int64_t>{edge.row, edge.col});
        }
    }
}

Decisions decided() {
    g_engine.seed(7);
    Decisions out;
    for (const index_t d : {3, 18, 70, 129}) {  // with and without codes, words whole or not
        for (const float width : {0.4f, 1e-4f}) {
            const Rows x = groups(d, width), y = groups(d, width);
            search(x, y, Metric::cosine, 0.25, out);
            search(x, y, Metric::euclidean, 0.5 * std::sqrt(static_cast<double>(d)), out);
            cluster(x, out);
        }
    }
    return out;
}

}  // namespace

bool decisions_agree() {
    set_active("portable");
    const Decisions wanted = decided();
    bool all_agree = wanted.digest() == kDigest;
    if (!all_agree) {
        std::printf("decisions have the digest %#llx, on other machines %#llx\n",
                    static_cast<unsigned long long>(wanted.digest()), static_cast<unsigned long long>(kDigest));
    }
    for (const std::string& isa : supported()) {
        set_active(isa);
        bool agrees = decided().agrees_with(wanted);
        distance::use_axes(distance::Use::always);
        agrees &= decided().agrees_with(wanted);
        distance::use_axes(distance::Use::where_they_pay);
        for (const auto use : {distance::Use::always, distance::Use::never}) {
            distance::use_floats(use);
            agrees &= decided().agrees_with(wanted);
        }
        distance::use_floats(distance::Use::where_they_pay);
        std::printf("%-12s decisions: %s\n", isa.c_str(), agrees ? "agree" : "DIFFER");
        all_agree &= agrees;
    }
    return all_agree;
}

}  // namespace kernel_test
