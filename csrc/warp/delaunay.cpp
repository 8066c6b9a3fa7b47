#include "warp/delaunay.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/require.hpp"
#include "warp/insertion_order.hpp"
#include "warp/predicates.hpp"

namespace pyface::warp {
namespace {

using edge_t = std::int32_t;

constexpr index_t kMaxPoints = 300'000'000;  // 6 n edges are counted in 31 bits
constexpr std::int32_t kOutside = -1;

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

// The three edges of triangle t are 3 t to 3 t + 2.
edge_t next(edge_t e) { return e % 3 == 2 ? e - 2 : e + 1; }
edge_t previous(edge_t e) { return e % 3 == 0 ? e + 2 : e - 1; }
edge_t first_edge(edge_t e) { return e - e % 3; }

// Points are inserted one by one: the triangle that holds the new one is split in three, then edges are flipped until
// all circles are empty again (Lawson). A vertex outside of everything closes the plane: beyond each edge of the hull
// lies a triangle with it, whose "circle" is the half plane beyond that edge, and the edge without its ends.
class Mesh {
public:
    Mesh(const std::vector<Point>& points, const std::vector<std::int32_t>& index)
        : predicates_(points), index_(index) {
        from_.reserve(6 * points.size());
        twin_.reserve(6 * points.size());
    }

    const Predicates& predicates() const { return predicates_; }

    // a, b, c turn to the positive side.
    void start(std::int32_t a, std::int32_t b, std::int32_t c) {
        add(a, b, c);
        add(b, a, kOutside);
        add(c, b, kOutside);
        add(a, c, kOutside);
        for (edge_t k = 0; k < 3; ++k) {
            const edge_t beyond = 3 * (k + 1);
            join(k, beyond);
            join(beyond + 1, 3 * ((k + 2) % 3 + 1) + 2);
        }
    }

    void insert(std::int32_t p) {
        const edge_t e = locate(p);
        const std::int32_t a = from(e), b = from(e + 1), c = from(e + 2);
        const edge_t beyond_ab = twin(e), beyond_bc = twin(e + 1), beyond_ca = twin(e + 2);
        set(e, a, b, p);
        const edge_t of_bc = add(b, c, p), of_ca = add(c, a, p);
        join(e, beyond_ab), join(of_bc, beyond_bc), join(of_ca, beyond_ca);
        join(e + 1, of_bc + 2), join(of_bc + 1, of_ca + 2), join(of_ca + 1, e + 2);
        open_.assign({e, of_bc, of_ca});
        while (!open_.empty()) {
            const edge_t outer = open_.back();
            open_.pop_back();
            if (in_conflict(twin(outer), p)) flip(outer);
        }
        near_ = e;
    }

    // Calls take(a, b, c) for each triangle of three points.
    template <class Take>
    void each(Take take) const {
        for (std::size_t e = 0; e < from_.size(); e += 3) {
            const std::int32_t a = from_[e], b = from_[e + 1], c = from_[e + 2];
            if (a != kOutside && b != kOutside && c != kOutside) take(a, b, c);
        }
    }

private:
    std::int32_t from(edge_t e) const { return from_[at(e)]; }
    std::int32_t to(edge_t e) const { return from_[at(next(e))]; }
    edge_t twin(edge_t e) const { return twin_[at(e)]; }

    void set(edge_t e, std::int32_t a, std::int32_t b, std::int32_t c) {
        from_[at(e)] = a, from_[at(e + 1)] = b, from_[at(e + 2)] = c;
    }

    edge_t add(std::int32_t a, std::int32_t b, std::int32_t c) {
        const auto e = static_cast<edge_t>(from_.size());
        from_.insert(from_.end(), {a, b, c});
        twin_.resize(from_.size());
        return e;
    }

    void join(edge_t e, edge_t f) { twin_[at(e)] = f, twin_[at(f)] = e; }

    // The edge that leads on from the triangle's vertex outside of everything, or -1.
    edge_t at_outside(edge_t first) const {
        for (edge_t e = first; e < first + 3; ++e) {
            if (from(e) == kOutside) return e;
        }
        return -1;
    }

    // First edge of a triangle that p is in, on its border at most, or of one beyond a hull edge that p is beyond.
    // It goes on across edges that have p on their other side; in a Delaunay triangulation that ends.
    edge_t locate(std::int32_t p) const {
        edge_t e = near_;
        if (const edge_t outside = at_outside(e); outside >= 0) e = first_edge(twin(next(outside)));
        edge_t entered = -1;
        for (;;) {
            edge_t across = -1;
            for (edge_t k = e; k < e + 3; ++k) {
                if (k != entered && predicates_.orient(from(k), to(k), p) < 0) {
                    across = k;
                    break;
                }
            }
            if (across < 0) return e;
            entered = twin(across);
            e = first_edge(entered);
            if (at_outside(e) >= 0) return e;
        }
    }

    // p lies in the circle of the triangle of edge f, which it sees across f.
    bool in_conflict(edge_t f, std::int32_t p) const {
        const edge_t first = first_edge(f);
        const std::int32_t apex = from(previous(f));
        if (const edge_t outside = at_outside(first); outside >= 0) {
            const edge_t hull = next(outside);
            const int side = predicates_.orient(from(hull), to(hull), p);
            // On the line of the edge that it sees the triangle across, p lies between its ends.
            return side > 0 || (side == 0 && hull == f);
        }
        const int side = predicates_.in_circle(from(first), from(first + 1), from(first + 2), p);
        if (side != 0) return side > 0;
        // Four corners on one circle: the diagonal starts at the lowest index.
        const auto opposite = std::min(index_[at(p)], index_[at(apex)]);
        return opposite < std::min(index_[at(from(f))], index_[at(to(f))]);
    }

    // Triangles of the new point p are (u, v, p), their outer edge first. That of edge s and its neighbour (v, u, w)
    // become (u, w, p) and (w, v, p).
    void flip(edge_t s) {
        const edge_t f = twin(s), r = first_edge(f);
        const std::int32_t u = from(s), v = from(s + 1), p = from(s + 2), w = from(previous(f));
        const edge_t beyond_uw = twin(next(f)), beyond_wv = twin(previous(f));
        const edge_t beyond_vp = twin(s + 1), beyond_pu = twin(s + 2);
        set(s, u, w, p);
        set(r, w, v, p);
        join(s, beyond_uw), join(r, beyond_wv);
        join(s + 2, beyond_pu), join(r + 1, beyond_vp), join(s + 1, r + 2);
        open_.push_back(s), open_.push_back(r);
    }

    Predicates predicates_;
    const std::vector<std::int32_t>& index_;  // as given, of a point in the order of insertion
    std::vector<std::int32_t> from_;          // vertex at which an edge begins
    std::vector<edge_t> twin_;                // the same edge in the triangle on its other side
    std::vector<edge_t> open_;
    edge_t near_ = 0;
};

// One site for each distinct point, in the order of their coordinates.
std::vector<Site> distinct_sites(MatrixView<const double> points, VectorView<std::int32_t> representative) {
    std::vector<Site> sites(static_cast<std::size_t>(points.rows));
    for (index_t i = 0; i < points.rows; ++i) {
        sites[static_cast<std::size_t>(i)] = {{points(i, 0), points(i, 1)}, static_cast<std::int32_t>(i)};
    }
    std::sort(sites.begin(), sites.end(), [](const Site& a, const Site& b) {
        if (a.at.x != b.at.x) return a.at.x < b.at.x;
        if (a.at.y != b.at.y) return a.at.y < b.at.y;
        return a.index < b.index;
    });
    std::size_t kept = 0;
    for (const Site& site : sites) {
        if (kept == 0 || site.at.x != sites[kept - 1].at.x || site.at.y != sites[kept - 1].at.y) sites[kept++] = site;
        representative[site.index] = sites[kept - 1].index;
    }
    sites.resize(kept);
    return sites;
}

void require_a_triangle(bool there, const std::string& what) {
    if (!there) throw std::invalid_argument("points: " + what + "; a triangulation needs 3 that are not on one line");
}

// Each begins with its lowest index already; ascending order by counting, since these indices are almost all different.
std::vector<Triangle> in_order(const std::vector<Triangle>& triangles, index_t n_points) {
    std::vector<std::int32_t> begin(static_cast<std::size_t>(n_points) + 1);
    for (const Triangle& t : triangles) ++begin[at(t[0]) + 1];
    for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
    std::vector<Triangle> sorted(triangles.size());
    std::vector<std::int32_t> place(begin);
    for (const Triangle& t : triangles) sorted[at(place[at(t[0])]++)] = t;
    for (std::size_t i = 1; i < begin.size(); ++i) {
        std::sort(sorted.begin() + begin[i - 1], sorted.begin() + begin[i]);
    }
    return sorted;
}

}  // namespace

std::vector<Triangle> delaunay(MatrixView<const double> points, VectorView<std::int32_t> representative,
                               const PollCallback& poll) {
    require(points.rows <= kMaxPoints, "points: more than 300 million rows");
    const std::string n = std::to_string(points.rows);
    require_a_triangle(points.rows >= 3, "got " + n);
    std::vector<Site> sites = distinct_sites(points, representative);
    require_a_triangle(sites.size() != 1, "all " + n + " are equal");
    sort_for_insertion(sites);

    std::vector<Point> place(sites.size());
    std::vector<std::int32_t> index(sites.size());
    for (std::size_t i = 0; i < sites.size(); ++i) {
        place[i] = sites[i].at;
        index[i] = sites[i].index;
    }
    std::vector<Site>().swap(sites);  // memory that the mesh can use
    Mesh mesh(place, index);
    const auto count = static_cast<std::int32_t>(place.size());
    Poller look(poll);
    std::int32_t third = 2;
    int side = 0;
    for (; third < count; ++third) {
        side = mesh.predicates().orient(0, 1, third);
        if (side != 0) break;
        if (third % 1024 == 0) look();
    }
    require_a_triangle(side != 0, "all " + n + " lie on one line");
    if (side > 0) {
        mesh.start(0, 1, third);
    } else {
        mesh.start(1, 0, third);
    }
    for (std::int32_t i = 2; i < count; ++i) {
        if (i != third) mesh.insert(i);
        if (i % 1024 == 0) look();
    }

    std::vector<Triangle> triangles;
    triangles.reserve(2 * place.size());
    mesh.each([&](std::int32_t a, std::int32_t b, std::int32_t c) {
        Triangle t{index[at(a)], index[at(b)], index[at(c)]};
        std::rotate(t.begin(), std::min_element(t.begin(), t.end()), t.end());
        triangles.push_back(t);
    });
    return in_order(triangles, points.rows);
}

}  // namespace pyface::warp
