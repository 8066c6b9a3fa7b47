#include "core/parallel.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace pyface {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(50);

void run_inline(index_t count, const std::function<void(index_t)>& body, const PollCallback& poll) {
    auto last_poll = std::chrono::steady_clock::now();
    for (index_t i = 0; i < count; ++i) {
        body(i);
        if (!poll) continue;
        const auto now = std::chrono::steady_clock::now();
        if (now - last_poll < kPollInterval) continue;
        last_poll = now;
        if (poll()) throw Interrupted();
    }
}

}  // namespace

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

    std::vector<std::thread> workers;
    workers.reserve(static_cast<std::size_t>(n_workers));
    for (index_t w = 0; w < n_workers; ++w) {
        {
            const std::lock_guard lock(mutex);
            ++running;
        }
        try {
            workers.emplace_back(work);
        } catch (...) {
            const std::lock_guard lock(mutex);
            --running;
            // The system has no thread left. The workers that did start do all the items; only none at all is an error.
            if (workers.empty()) first_error = std::current_exception();
            break;
        }
    }

    bool interrupted = false;
    {
        std::unique_lock lock(mutex);
        while (!done.wait_for(lock, kPollInterval, [&] { return running == 0; })) {
            if (interrupted || !poll) continue;
            lock.unlock();
            if (poll()) {
                interrupted = true;
                stop = true;
            }
            lock.lock();
        }
    }
    for (auto& worker : workers) worker.join();
    if (first_error) std::rethrow_exception(first_error);
    if (interrupted) throw Interrupted();
}

}  // namespace pyface
