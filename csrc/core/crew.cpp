#include "core/crew.hpp"

#include <chrono>
#include <system_error>

namespace pyface {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread looks for work, or for the end of others' work, before it sleeps: longer than what lies between two
// short runs, shorter than anybody would notice.
constexpr auto kPatience = std::chrono::microseconds(60);
constexpr auto kPollInterval = std::chrono::milliseconds(50);

template <class Condition>
bool soon(Condition condition) {
    const auto give_up = Clock::now() + kPatience;
    while (!condition()) {
        if (Clock::now() > give_up) return false;
        std::this_thread::yield();
    }
    return true;
}

}  // namespace

Crew::Crew(int n_threads, const PollCallback& poll) : poller_(poll), caller_(std::this_thread::get_id()) {
    helpers_.reserve(static_cast<std::size_t>(n_threads));
    for (int t = 1; t < n_threads; ++t) {
        try {
            helpers_.emplace_back([this] { help(); });
        } catch (const std::system_error&) {  // The system has no thread left: those that did start do all the items.
            break;
        }
    }
}

Crew::~Crew() {
    {
        const std::lock_guard lock(mutex_);
        quit_ = true;
    }
    wake_.notify_all();
    for (auto& helper : helpers_) helper.join();
}

void Crew::ask() {
    try {
        poller_();
    } catch (...) {
        interrupted_ = true;
        throw;
    }
}

void Crew::look() {
    if (std::this_thread::get_id() == caller_) ask();
    if (stop_) throw Interrupted();
}

void Crew::work() {
    for (index_t i = next_++; i < count_; i = next_++) {
        (*body_)(i);
        look();
    }
}

void Crew::run(index_t count, const std::function<void(index_t)>& body) {
    body_ = &body;
    count_ = count;
    next_ = 0;
    stop_ = false;
    error_ = nullptr;
    interrupted_ = false;
    if (helpers_.empty() || count <= 1) {
        work();
        return;
    }
    open_ = true;
    {
        const std::lock_guard lock(mutex_);
        ++round_;
    }
    wake_.notify_all();
    std::exception_ptr own_error;
    try {
        work();
    } catch (...) {
        own_error = std::current_exception();
        stop_ = true;
    }
    // Helpers that have not come by now are not waited for: they find the run closed.
    open_ = false;
    while (active_ != 0) {
        try {
            wait_for_helpers();
        } catch (...) {
            if (!own_error) own_error = std::current_exception();
            stop_ = true;
        }
    }
    // The caller may only have been told to stop because of a helper's error. But an interruption comes first: the poll
    // callback may have left an exception of its own behind (Python's), which another would hide.
    if (error_ && !interrupted_) std::rethrow_exception(error_);
    if (own_error) std::rethrow_exception(own_error);
}

void Crew::wait_for_helpers() {
    if (soon([this] { return active_ == 0; })) return;
    std::unique_lock lock(mutex_);
    while (!idle_.wait_for(lock, kPollInterval, [this] { return active_ == 0; })) {
        lock.unlock();
        if (!stop_) ask();
        lock.lock();
    }
}

void Crew::help() {
    std::uint64_t seen = 0;
    const auto called = [&] { return quit_ || round_ != seen; };
    while (true) {
        if (!soon(called)) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, called);
        }
        if (quit_) return;
        seen = round_;
        // In this order: the caller closes the run, then looks whether anybody is in it.
        ++active_;
        if (open_) {
            try {
                work();
            } catch (...) {
                const std::lock_guard lock(mutex_);
                if (!stop_) error_ = std::current_exception();
                stop_ = true;
            }
        }
        const std::lock_guard lock(mutex_);
        if (--active_ == 0) idle_.notify_one();
    }
}

}  // namespace pyface
