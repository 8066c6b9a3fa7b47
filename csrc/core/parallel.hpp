// Parallel loops on std::thread. No OpenMP: a process may already hold the pools of ONNX Runtime, BLAS and Numba.
#pragma once

#include <functional>
#include <stdexcept>

#include "core/views.hpp"

namespace pyface {

// Thrown on the calling thread when the poll callback asked to stop.
struct Interrupted : std::runtime_error {
    Interrupted() : std::runtime_error("interrupted") {}
};

// Asked about every 50 ms on the calling thread while the work runs; true means stop.
// The binding supplies one that looks for Ctrl-C, so that this file needs no Python.
using PollCallback = std::function<bool()>;

// For serial loops whose steps are short: asks the callback if the last time was 50 ms ago, and throws Interrupted. The
// last time by anybody on this thread: a kernel of many short loops is asked about as often as one long loop.
class Poller {
public:
    explicit Poller(const PollCallback& poll) : poll_(poll) {}
    void operator()();

    // From now on it is 50 ms: to be called where a kernel begins.
    static void begin();

private:
    const PollCallback& poll_;
};

// Calls body(i) for i in [0, count), each exactly once, on up to n_threads threads.
//
// Items are handed out by an atomic counter, so body must not let the result depend on which thread runs it.
// The first exception stops the remaining items and is rethrown here. With n_threads <= 1, or where the system has no
// thread to give, everything runs on the calling thread, which polls between items.
void parallel_for(index_t count, int n_threads, const std::function<void(index_t)>& body,
                  const PollCallback& poll = {});

}  // namespace pyface
