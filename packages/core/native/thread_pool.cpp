#include "thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace luthier::core {
namespace {

// CPUs that the control group's quota grants, or infinity. cgroup v2 first, then v1.
double cgroup_cpus() {
    const double unlimited = 1e9;
#if defined(__linux__)
    if (std::ifstream file("/sys/fs/cgroup/cpu.max"); file) {
        std::string quota;
        double period = 0;
        if (file >> quota >> period && quota != "max" && period > 0)
            return std::strtod(quota.c_str(), nullptr) / period;
        return unlimited;
    }
    double quota = -1, period = 0;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
    if (quota > 0 && period > 0) return quota / period;
#endif
    return unlimited;
}

int affinity_cpus() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1u, std::thread::hardware_concurrency());
}

struct Job {
    void (*fn)(void*, std::size_t);
    void* ctx;
    std::size_t n;
    std::atomic<std::size_t> next{0};
    int helpers = 0;  // pool threads inside run(); guarded by Workers::mutex

    void run() {
        for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;) fn(ctx, i);
    }
};

// True on a pool thread and inside parallel_for: a nested call runs inline.
thread_local bool inside = false;

class Workers {
  public:
    explicit Workers(int count) {
        // Where the system grants fewer threads than asked for, those do all the work.
        try {
            for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
        }
    }

    ~Workers() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        for (auto& thread : threads_) thread.join();
    }

    void run(Job& job) {
        {
            std::lock_guard lock(mutex_);
            jobs_.push_back(&job);
        }
        if (job.n > 2)
            wake_.notify_all();
        else
            wake_.notify_one();
        job.run();
        std::unique_lock lock(mutex_);
        std::erase(jobs_, &job);
        done_.wait(lock, [&] { return job.helpers == 0; });
    }

    // Calls that are inside run(), and whether the last of them is to delete this; guarded by State::mutex.
    int users = 0;
    bool retired = false;

  private:
    void work() {
        inside = true;
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
            if (stop_) return;
            Job* job = jobs_.front();
            ++job->helpers;
            lock.unlock();
            job->run();
            lock.lock();
            // Nothing is left to take: no other worker need look at this job.
            std::erase(jobs_, job);
            if (--job->helpers == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::vector<Job*> jobs_;
    std::vector<std::thread> threads_;
    bool stop_ = false;
};

// The state is leaked on purpose: joining threads while the interpreter or a library unloads is a
// known way to hang, and a forked child must not touch its parent's locks.
struct State {
    std::mutex mutex;
    int threads = default_threads();
    Workers* workers = nullptr;
};

std::atomic<State*> current{nullptr};

State& state() {
    State* s = current.load(std::memory_order_acquire);
    if (s) return *s;
    static std::mutex* creation = new std::mutex;
    std::lock_guard lock(*creation);
    s = current.load(std::memory_order_acquire);
    if (!s) {
        s = new State;
        current.store(s, std::memory_order_release);
#if !defined(_WIN32)
        // The child of a fork has none of the parent's threads: it starts anew, with the parent's
        // chosen count.
        static bool registered = false;
        if (!registered) {
            registered = true;
            pthread_atfork(nullptr, nullptr, [] {
                State* parent = current.load(std::memory_order_relaxed);
                if (!parent) return;
                State* child = new State;
                child->threads = parent->threads;
                inside = false;
                current.store(child, std::memory_order_release);
            });
        }
#endif
    }
    return *s;
}

void parallel_for(void (*fn)(void*, std::size_t), void* ctx, std::size_t n) {
    if (n == 0) return;
    State& s = state();
    Workers* workers = nullptr;
    if (n > 1 && !inside) {
        std::lock_guard lock(s.mutex);
        if (s.threads > 1) {
            if (!s.workers) s.workers = new Workers(s.threads - 1);
            workers = s.workers;
            ++workers->users;
        }
    }
    Job job{.fn = fn, .ctx = ctx, .n = n};
    if (!workers) {
        job.run();
        return;
    }
    inside = true;
    workers->run(job);
    inside = false;
    bool last;
    {
        std::lock_guard lock(s.mutex);
        last = --workers->users == 0 && workers->retired;
    }
    if (last) delete workers;
}

}  // namespace

int default_threads() {
    return std::max(1, int(std::min(double(affinity_cpus()), std::ceil(cgroup_cpus()))));
}

int threads() {
    State& s = state();
    std::lock_guard lock(s.mutex);
    return s.threads;
}

void set_threads(int count) {
    State& s = state();
    Workers* retired = nullptr;
    {
        std::lock_guard lock(s.mutex);
        const int wanted = count > 0 ? count : default_threads();
        if (wanted == s.threads) return;
        s.threads = wanted;
        retired = s.workers;
        s.workers = nullptr;
        // Calls that run on the old workers keep them, and the last one out sends them home.
        if (retired && retired->users > 0) {
            retired->retired = true;
            retired = nullptr;
        }
    }
    delete retired;
}

const luthier_pool* pool() {
    static const luthier_pool shared{sizeof(luthier_pool), kPoolVersion, &parallel_for, &threads};
    return &shared;
}

}  // namespace luthier::core
