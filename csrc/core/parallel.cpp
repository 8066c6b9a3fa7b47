#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace pyface {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPollInterval = std::chrono::milliseconds(50);
thread_local Clock::time_point t_last_asked;

void run_inline(index_t count, const std::function<void(index_t)>& body, const PollCallback& poll) {
    Poller look(poll);
    for (index_t i = 0; i < count; ++i) {
        body(i);
        look();
    }
}

// However the calling thread leaves, also by an exception of the poll callback: a std::thread that is destroyed while
// it runs would end the process.
class Crew {
public:
    explicit Crew(std::atomic<bool>& stop) : stop_(stop) {}
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew() {
        stop_ = true;
        join();
    }
    void join() {
        for (auto& worker : workers) worker.join();
        workers.clear();
    }

    std::vector<std::thread> workers;

private:
    std::atomic<bool>& stop_;
};

}  // namespace

void Poller::operator()() {
    if (!poll_) return;
    const auto now = Clock::now();
    if (now - t_last_asked < kPollInterval) return;
    t_last_asked = now;
    if (poll_()) throw Interrupted();
}

void Poller::begin() { t_last_asked = Clock::now(); }

void parallel_for(index_t count, int n_threads, const std::function<void(index_t)>& body, const PollCallback& poll) {
    const index_t n_workers = std::min<index_t>(count, n_threads);
    if (n_workers <= 1) {
        run_inline(count, body, poll);
        return;
    }

    std::atomic<index_t> next{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::condition_variable done;
    index_t running = 0;
    std::exception_ptr first_error;

    const auto work = [&] {
        try {
            for (index_t i = next++; i < count && !stop; i = next++) body(i);
        } catch (...) {
            const std::lock_guard lock(mutex);
            if (!first_error) first_error = std::current_exception();
            stop = true;
        }
        const std::lock_guard lock(mutex);
        --running;
        done.notify_all();
    };

    Crew crew(stop);
    crew.workers.reserve(static_cast<std::size_t>(n_workers));
    for (index_t w = 0; w < n_workers; ++w) {
        {
            const std::lock_guard lock(mutex);
            ++running;
        }
        try {
            crew.workers.emplace_back(work);
        } catch (const std::system_error&) {  // The system has no thread left: those that did start do all the items.
            const std::lock_guard lock(mutex);
            --running;
            break;
        }
    }
    if (crew.workers.empty()) {
        run_inline(count, body, poll);
        return;
    }

    bool interrupted = false;
    {
        std::unique_lock lock(mutex);
        while (!done.wait_until(lock, t_last_asked + kPollInterval, [&] { return running == 0; })) {
            t_last_asked = Clock::now();
            if (interrupted || !poll) continue;
            lock.unlock();
            if (poll()) {
                interrupted = true;
                stop = true;
            }
            lock.lock();
        }
    }
    crew.join();
    // First, because the callback may have left an exception of its own behind (Python's), which another would hide.
    if (interrupted) throw Interrupted();
    if (first_error) std::rethrow_exception(first_error);
    Poller{poll}();
}

}  // namespace pyface
