#include "linkage/cannot_link.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

namespace pyface::linkage {

CannotLink::CannotLink(const NumberSets& rows) {
    std::unordered_map<std::int64_t, index_t> size;
    for (const std::int64_t number : rows.numbers) ++size[number];
    // A number that one row has forbids nothing.
    if (std::none_of(size.begin(), size.end(), [](const auto& group) { return group.second > 1; })) return;
    sets_.resize(static_cast<std::size_t>(rows.size()));
    for (index_t i = 0; i < rows.size(); ++i) {
        for (const std::int64_t number : rows.of(i)) {
            if (size[number] > 1) sets_[static_cast<std::size_t>(i)].push_back(number);
        }
    }
}

bool CannotLink::share(const Set& a, const Set& b) {
    const Set& few = a.size() < b.size() ? a : b;
    const Set& many = a.size() < b.size() ? b : a;
    if (few.empty() || few.back() < many.front() || many.back() < few.front()) return false;
    if (few.size() * static_cast<std::size_t>(std::bit_width(many.size())) < few.size() + many.size()) {
        return std::any_of(few.begin(), few.end(),
                           [&](std::int64_t g) { return std::binary_search(many.begin(), many.end(), g); });
    }
    for (auto i = few.begin(), j = many.begin(); i != few.end() && j != many.end();) {
        if (*i == *j) return true;
        *i < *j ? ++i : ++j;
    }
    return false;
}

void CannotLink::merge(index_t a, index_t b) {
    if (!any()) return;
    Set& into = sets_[static_cast<std::size_t>(a)];
    Set from = std::move(sets_[static_cast<std::size_t>(b)]);
    sets_[static_cast<std::size_t>(b)] = {};
    if (into.size() < from.size()) std::swap(into, from);
    const auto middle = static_cast<std::ptrdiff_t>(into.size());
    into.insert(into.end(), from.begin(), from.end());
    std::inplace_merge(into.begin(), into.begin() + middle, into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end());  // must-links may bring a group together
}

void CannotLink::keep(const std::vector<std::int32_t>& kept) {
    if (!any()) return;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        if (static_cast<std::size_t>(kept[i]) != i) sets_[i] = std::move(sets_[static_cast<std::size_t>(kept[i])]);
    }
    sets_.resize(kept.size());
}

}  // namespace pyface::linkage
