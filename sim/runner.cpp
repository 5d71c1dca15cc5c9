#include "sim/runner.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <optional>
#include <sstream>
#include <thread>

#ifdef TANDEM_COVERAGE
extern "C" void __gcov_dump();
#endif

namespace tandem::sim {

namespace {

/// A job that takes longer than this many seconds does not end.
constexpr unsigned kJobSecondsMax = 240;

struct Worker {
    pid_t pid = 0;
    int pipe = -1;
    std::string buffer;
    std::optional<size_t> job;
};

void write_all(int fd, const std::string& text) {
    size_t at = 0;
    while (at < text.size()) {
        const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
        if (n <= 0) ::_exit(3);
        at += static_cast<size_t>(n);
    }
}

[[noreturn]] void work(int fd, std::atomic<size_t>& next, size_t count,
                       const std::function<Outcome(size_t)>& job) {
    for (size_t index = next++; index < count; index = next++) {
        write_all(fd, "B " + std::to_string(index) + "\n");
        ::alarm(kJobSecondsMax);
        Outcome outcome = job(index);
        ::alarm(0);
        std::replace(outcome.text.begin(), outcome.text.end(), '\n', ' ');
        std::ostringstream line;
        line << "E " << index << ' ' << outcome.is_failure << ' ' << outcome.seed << ' '
             << outcome.events << ' ' << outcome.virtual_ms << ' ' << outcome.crashes << ' '
             << outcome.text << '\n';
        write_all(fd, line.str());
    }
#ifdef TANDEM_COVERAGE
    __gcov_dump();  // _exit leaves the counters unwritten
#endif
    ::_exit(0);
}

}  // namespace

std::vector<Outcome> run_jobs(size_t count, const std::function<Outcome(size_t)>& job,
                              const std::function<void(size_t, const Outcome&)>& progress) {
    std::vector<Outcome> outcomes(count);
    if (count == 0) return outcomes;
    void* shared = ::mmap(nullptr, sizeof(std::atomic<size_t>), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) std::abort();
    auto& next = *new (shared) std::atomic<size_t>(0);
    std::vector<Worker> workers;
    const auto spawn = [&](Worker& worker) {
        int ends[2];
        if (::pipe(ends) != 0) std::abort();
        std::fflush(nullptr);
        worker.pid = ::fork();
        if (worker.pid < 0) std::abort();
        if (worker.pid == 0) {
            ::close(ends[0]);
            work(ends[1], next, count, job);
        }
        ::close(ends[1]);
        worker.pipe = ends[0];
        worker.buffer.clear();
        worker.job.reset();
    };
    const size_t cores = std::max(1U, std::thread::hardware_concurrency());
    workers.resize(std::min(cores, count));
    for (Worker& worker : workers)
        spawn(worker);

    const auto take_line = [&](Worker& worker, const std::string& line) {
        std::istringstream in(line);
        char kind = 0;
        size_t index = 0;
        in >> kind >> index;
        if (kind == 'B') {
            worker.job = index;
            return;
        }
        Outcome& outcome = outcomes[index];
        in >> outcome.is_failure >> outcome.seed >> outcome.events >> outcome.virtual_ms >>
            outcome.crashes;
        in.get();
        std::getline(in, outcome.text);
        outcome.is_done = true;
        worker.job.reset();
        progress(index, outcome);
    };
    size_t alive = workers.size();
    while (alive > 0) {
        std::vector<pollfd> polled;
        for (const Worker& worker : workers)
            polled.push_back({worker.pipe, POLLIN, 0});
        if (::poll(polled.data(), polled.size(), -1) < 0) continue;
        for (size_t i = 0; i < workers.size(); ++i) {
            Worker& worker = workers[i];
            if (worker.pipe < 0 || (polled[i].revents & (POLLIN | POLLHUP)) == 0) continue;
            char bytes[4096];
            const ssize_t n = ::read(worker.pipe, bytes, sizeof bytes);
            if (n > 0) {
                worker.buffer.append(bytes, static_cast<size_t>(n));
                size_t end = 0;
                while ((end = worker.buffer.find('\n')) != std::string::npos) {
                    take_line(worker, worker.buffer.substr(0, end));
                    worker.buffer.erase(0, end + 1);
                }
                continue;
            }
            ::close(worker.pipe);
            worker.pipe = -1;
            int status = 0;
            ::waitpid(worker.pid, &status, 0);
            if (!worker.job) {
                --alive;
                continue;
            }
            Outcome& outcome = outcomes[*worker.job];
            outcome.is_failure = true;
            outcome.text =
                WIFSIGNALED(status)
                    ? "the process died of signal " + std::to_string(WTERMSIG(status))
                    : "the process ended with status " + std::to_string(WEXITSTATUS(status));
            progress(*worker.job, outcome);
            spawn(worker);
        }
    }
    ::munmap(shared, sizeof(std::atomic<size_t>));
    return outcomes;
}

}  // namespace tandem::sim
