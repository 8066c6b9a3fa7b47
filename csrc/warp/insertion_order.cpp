#include "warp/insertion_order.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace pyface::warp {
namespace {

using Iterator = std::vector<Site>::iterator;

constexpr std::ptrdiff_t kSmallCell = 4;
constexpr std::size_t kSmallRound = 64;

// The curve runs through the four quarters of a cell as a U: along `across` in the middle, along the other axis at both
// ends. A direction is true if the curve goes to larger values.
struct Frame {
    bool across_is_x;
    bool across_up;
    bool along_up;
};

Iterator halve(Iterator begin, Iterator end, bool by_x, bool up) {
    const Iterator middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, [by_x, up](const Site& a, const Site& b) {
        const double p = by_x ? a.at.x : a.at.y, q = by_x ? b.at.x : b.at.y;
        return up ? p < q : q < p;
    });
    return middle;
}

void sort_along_curve(Iterator begin, Iterator end, Frame f) {
    if (end - begin <= kSmallCell) return;
    const Iterator middle = halve(begin, end, f.across_is_x, f.across_up);
    const Iterator first = halve(begin, middle, !f.across_is_x, f.along_up);
    const Iterator third = halve(middle, end, !f.across_is_x, !f.along_up);
    sort_along_curve(begin, first, {!f.across_is_x, f.along_up, f.across_up});
    sort_along_curve(first, middle, f);
    sort_along_curve(middle, third, f);
    sort_along_curve(third, end, {!f.across_is_x, !f.along_up, !f.across_up});
}

// Spreads neighbouring numbers over all bits (the finalizer of SplitMix64).
std::uint64_t hash(std::uint64_t v) {
    v += 0x9e3779b97f4a7c15ULL;
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ULL;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebULL;
    return v ^ (v >> 31);
}

}  // namespace

void sort_for_insertion(std::vector<Site>& sites) {
    int n_rounds = 1;
    while (sites.size() >> n_rounds > kSmallRound) ++n_rounds;
    std::vector<std::vector<Site>> rounds(static_cast<std::size_t>(n_rounds));
    for (const Site& site : sites) {
        const int zeros = std::countr_zero(hash(static_cast<std::uint64_t>(site.index)));
        rounds[static_cast<std::size_t>(std::min(zeros, n_rounds - 1))].push_back(site);
    }
    auto to = sites.begin();
    for (auto round = rounds.rbegin(); round != rounds.rend(); ++round) {
        sort_along_curve(round->begin(), round->end(), {true, true, true});
        to = std::copy(round->begin(), round->end(), to);
    }
}

}  // namespace pyface::warp
