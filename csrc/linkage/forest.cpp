#include "linkage/forest.hpp"

#include <numeric>
#include <unordered_map>

namespace pyface::linkage {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<Merge> as_merges(const std::vector<Joint>& joints, index_t n) {
    std::vector<index_t> node(at(n));
    std::iota(node.begin(), node.end(), index_t{0});
    std::vector<index_t> size(at(n), 1);
    std::vector<Merge> merges;
    merges.reserve(joints.size());
    for (const Joint& joint : joints) {
        size[at(joint.a)] += size[at(joint.b)];
        merges.push_back({node[at(joint.a)], node[at(joint.b)], joint.height, size[at(joint.a)]});
        node[at(joint.a)] = n + static_cast<index_t>(merges.size()) - 1;
    }
    return merges;
}

std::vector<std::pair<std::int32_t, std::int32_t>> given_pairs(VectorView<const std::int64_t> must_link) {
    std::unordered_map<std::int64_t, std::int32_t> first;
    std::vector<std::pair<std::int32_t, std::int32_t>> pairs;
    for (index_t i = 0; i < must_link.size; ++i) {
        if (must_link[i] < 0) continue;
        const auto [place, is_new] = first.emplace(must_link[i], static_cast<std::int32_t>(i));
        if (!is_new) pairs.emplace_back(place->second, static_cast<std::int32_t>(i));
    }
    return pairs;
}

Forest::Forest(index_t n, VectorView<const std::int32_t> rows, const NumberSets& cannot_link)
    : n_alive_(n), entries_(at(n)), cannot_link_(cannot_link) {
    for (index_t i = 0; i < n; ++i) entries_[at(i)] = {rows.size > 0 ? rows[i] : static_cast<std::int32_t>(i), 1.0};
}

void Forest::merge(index_t a, index_t b, double height) {
    entries_[at(a)].size += entries_[at(b)].size;
    entries_[at(b)].size = 0.0;
    joints_.push_back({entry(a).row, entry(b).row, height});
    cannot_link_.merge(a, b);
    --n_alive_;
}

std::vector<std::int32_t> Forest::compact() {
    std::vector<std::int32_t> kept;
    kept.reserve(at(n_alive_));
    for (index_t i = 0; i < n_slots(); ++i) {
        if (!is_alive(i)) continue;
        entries_[kept.size()] = entry(i);
        kept.push_back(static_cast<std::int32_t>(i));
    }
    entries_.resize(kept.size());
    cannot_link_.keep(kept);
    return kept;
}

}  // namespace pyface::linkage
