#include <string>
#include <utility>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/groups.hpp"
#include "bind/rows.hpp"
#include "linkage/matrix.hpp"

namespace pyface::bind {
namespace {

using linkage::MatrixMethod;

MatrixMethod method_named(const std::string& name) {
    static const std::pair<const char*, MatrixMethod> methods[] = {
        {"single", MatrixMethod::single},     {"complete", MatrixMethod::complete},
        {"average", MatrixMethod::average},   {"weighted", MatrixMethod::weighted},
        {"ward", MatrixMethod::ward},         {"centroid", MatrixMethod::centroid},
        {"median", MatrixMethod::median},
    };
    for (const auto& [known, method] : methods) {
        if (name == known) return method;
    }
    throw std::invalid_argument("no linkage of this name");
}

template <class T>
py::array_t<double> linkage_from_condensed(Array<T>& distances, index_t n, const std::string& method, double stop,
                                           const GroupArray& must_link, const SetArrays& cannot_link, int n_threads) {
    const auto values = as_writable_vector(distances, "distances must have shape (n (n - 1) / 2,) and be writable");
    const MatrixMethod kind = method_named(method);
    const auto groups = as_groups(cannot_link, must_link, n);
    const linkage::MatrixOptions options{stop, groups.must_link, groups.cannot_link};
    require_threads(n_threads);
    std::vector<linkage::Merge> merges;
    interruptible([&](const PollCallback& poll) {
        merges = linkage::from_condensed(values, n, kind, options, n_threads, poll);
    });
    py::array_t<double> z({static_cast<index_t>(merges.size()), index_t{4}});
    const MatrixView<double> target{z.mutable_data(), z.shape(0), z.shape(1)};
    without_gil([&] {
        if (linkage::is_monotone(kind)) {
            linkage::write_scipy(std::move(merges), n, target);
        } else {
            linkage::write_in_order(merges, n, target);
        }
    });
    return z;
}

template <class T>
void define_from_distances(py::module_& m) {
    m.def("linkage_from_condensed", &linkage_from_condensed<T>, "distances"_a.noconvert(), py::kw_only(), "n"_a,
          "method"_a, "stop"_a, "must_link"_a.noconvert(), "cannot_link"_a.noconvert(), "n_threads"_a);
}

}  // namespace

void register_linkage_matrix(py::module_& m) {
    define_from_distances<float>(m);
    define_from_distances<double>(m);
}

}  // namespace pyface::bind
