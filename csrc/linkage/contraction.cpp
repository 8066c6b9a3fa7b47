#include "linkage/contraction.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/require.hpp"

namespace pyface::linkage {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

bool by_slot(const Link& a, const Link& b) { return a.slot < b.slot; }

// A pair that may be the next to merge. Items are not taken back: one whose link is gone or has changed is passed over.
struct Item {
    double low;
    std::int32_t a, b;  // a < b
    bool is_exact;

    // At one distance, what is not known yet comes first.
    bool operator>(const Item& other) const {
        if (low != other.low) return low > other.low;
        if (is_exact != other.is_exact) return is_exact;
        return a != other.a ? a > other.a : b > other.b;
    }
};

template <class Measure>
class Contraction {
public:
    Contraction(Measure& measure, Links& links, Poller* look) : measure_(measure), links_(links), look_(look) {}

    void run() {
        refill();
        while (!queue_.empty()) {
            std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
            const Item item = queue_.back();
            queue_.pop_back();
            const Link* link = find(item.a, item.b);
            if (link == nullptr || link->low != item.low || link->is_exact != item.is_exact) continue;
            if (look_ != nullptr) (*look_)();
            if (item.is_exact) {
                merge(item);
            } else {
                measure(item);
            }
        }
    }

private:
    // The queue from the links that there are.
    void refill() {
        queue_.clear();
        for (index_t a = 0; a < measure_.n_slots(); ++a) {
            for (const Link& link : links_[at(a)]) {
                if (link.slot > a) queue_.push_back({link.low, static_cast<std::int32_t>(a), link.slot, link.is_exact});
            }
        }
        std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
        room_ = 2 * queue_.size() + links_.size();
    }

    void push(const Item& item) {
        queue_.push_back(item);
        std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
    }

    Link* find(std::int32_t a, std::int32_t b) {
        auto& list = links_[at(a)];
        const auto place = std::lower_bound(list.begin(), list.end(), Link{b, false, 0.0}, by_slot);
        return place != list.end() && place->slot == b ? &*place : nullptr;
    }

    void erase(std::int32_t a, std::int32_t b) {
        auto& list = links_[at(a)];
        if (Link* link = find(a, b)) list.erase(list.begin() + (link - list.data()));
    }

    // The link of a to b becomes this one, whether there was one or not.
    void put(std::int32_t a, const Link& link) {
        auto& list = links_[at(a)];
        const auto place = std::lower_bound(list.begin(), list.end(), link, by_slot);
        if (place != list.end() && place->slot == link.slot) {
            *place = link;
        } else {
            list.insert(place, link);
        }
    }

    void measure(const Item& item) {
        const double raw = measure_.measure(item.a, item.b);
        if (!measure_.is_below(raw)) {
            // Gone for now; the two may come together with a third one, from the bound that goes for all without a link.
            erase(item.a, item.b);
            erase(item.b, item.a);
            return;
        }
        put(item.a, {item.b, true, raw});
        put(item.b, {item.a, true, raw});
        push({raw, item.a, item.b, true});
    }

    void merge(const Item& item) {
        const auto [raw, a, b, is_exact] = item;
        const std::vector<Link> of_a = std::move(links_[at(a)]);
        const std::vector<Link> of_b = std::move(links_[at(b)]);
        std::vector<Link> merged;
        auto i = of_a.begin();
        auto j = of_b.begin();
        while (i != of_a.end() || j != of_b.end()) {
            const bool in_a = j == of_b.end() || (i != of_a.end() && i->slot <= j->slot);
            const bool in_b = i == of_a.end() || (j != of_b.end() && j->slot <= i->slot);
            const std::int32_t y = in_a ? i->slot : j->slot;
            const Link* one = in_a ? &*i++ : nullptr;
            const Link* other = in_b ? &*j++ : nullptr;
            if (y == a || y == b) continue;
            if (in_b) erase(y, b);
            Link link{};
            const bool is_useful =
                !measure_.forbids(a, y) && !measure_.forbids(b, y) && measure_.combine(a, b, raw, one, other, link);
            if (!is_useful) {
                if (in_a) erase(y, a);
                continue;
            }
            link.slot = y;
            merged.push_back(link);
            put(y, {a, link.is_exact, link.low});
            push({link.low, std::min(a, y), std::max(a, y), link.is_exact});
        }
        links_[at(a)] = std::move(merged);
        measure_.merge(a, b, raw);
        if (queue_.size() > room_) refill();  // items whose links are gone must not pile up
    }

    Measure& measure_;
    Links& links_;
    Poller* look_;
    std::vector<Item> queue_;  // a heap, the nearest first
    std::size_t room_ = 0;
};

}  // namespace

MeasureMeans::MeasureMeans(Clusters& clusters, double height_limit)
    : clusters_(clusters), height_limit_(height_limit), raw_limit_(clusters.raw_limit(height_limit)) {}

void MeasureMeans::measure_all(index_t a, std::vector<Link>& links) const {
    std::vector<std::int32_t> slots;
    for (const Link& link : links) slots.push_back(link.slot);
    std::vector<double> values(slots.size());
    clusters_.distances(a, slots.data(), static_cast<index_t>(slots.size()), values.data());
    for (std::size_t l = 0; l < links.size(); ++l) {
        links[l].low = values[l];
        links[l].is_exact = true;
    }
    std::erase_if(links, [this](const Link& link) { return !is_below(link.low); });
}

bool MeasureMeans::combine(index_t a, index_t b, double between, const Link* of_a, const Link* of_b, Link& out) const {
    const double low_a = of_a != nullptr ? of_a->low : raw_limit_;
    const double low_b = of_b != nullptr ? of_b->low : raw_limit_;
    const double low = clusters_.combined(a, b, between, low_a, low_b, 1.0);
    out.low = std::max(0.0, low - clusters_.rounding(low));
    out.is_exact = false;
    return out.low < raw_limit_;
}

bool MeasureFarthest::combine(index_t, index_t, double, const Link* of_a, const Link* of_b, Link& out) const {
    if (of_a == nullptr || of_b == nullptr) return false;
    out.low = std::max(of_a->low, of_b->low);
    out.is_exact = true;
    return is_below(out.low);
}

template <class Measure>
void contract(Measure& measure, Links& links, Poller* look) {
    require(static_cast<index_t>(links.size()) == measure.n_slots(), "each slot must have a list of links");
    Contraction<Measure>(measure, links, look).run();
}

template void contract(MeasureMeans&, Links&, Poller*);
template void contract(MeasureFarthest&, Links&, Poller*);

}  // namespace pyface::linkage
