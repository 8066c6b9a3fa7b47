// Threads that stay for a series of short parallel loops. Starting threads takes some tens of microseconds, which is as
// long as one step of k-means++ takes on all of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/parallel.hpp"

namespace pyface {

class Crew {
public:
    // `poll` is asked on the thread that calls run(), about every 50 ms, also across short runs. It is borrowed.
    Crew(int n_threads, const PollCallback& poll);
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew();

    int size() const { return static_cast<int>(helpers_.size()) + 1; }

    // Calls body(i) for i in [0, count), each exactly once, under the rules of parallel_for; the calling thread takes
    // part. Not to be called from within body.
    void run(index_t count, const std::function<void(index_t)>& body);

    // For bodies that take long: throws if the run is to end. May be called from any thread that is in body.
    void look();

private:
    void ask();
    void work();
    void help();
    void wait_for_helpers();

    Poller poller_;
    bool interrupted_ = false;
    std::thread::id caller_;
    std::vector<std::thread> helpers_;

    std::mutex mutex_;
    std::condition_variable wake_, idle_;
    std::atomic<std::uint64_t> round_{0};
    std::atomic<bool> quit_{false};

    // The present run. Written by the caller before it opens, read by helpers that have seen it open.
    const std::function<void(index_t)>* body_ = nullptr;
    index_t count_ = 0;
    std::atomic<bool> open_{false};
    std::atomic<int> active_{0};  // helpers that may be at work
    std::atomic<index_t> next_{0};
    std::atomic<bool> stop_{false};
    std::exception_ptr error_;
};

}  // namespace pyface
