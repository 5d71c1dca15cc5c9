#include "net/reactor.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace tandem::net {
namespace {

std::unique_ptr<Reactor> make_reactor() { return Reactor::create().value(); }

struct Watched final : IoHandler {
    Watched() : fd(::eventfd(1, EFD_NONBLOCK)) {}
    void on_io(uint32_t) override { action(); }
    UniqueFd fd;
    std::function<void()> action;
};

TEST(Reactor, TimersFireInOrderAndCanBeStopped) {
    const auto reactor = make_reactor();
    std::mt19937 random(5);
    std::vector<std::unique_ptr<Timer>> timers;
    std::vector<uint64_t> fired;
    size_t expected = 0;
    for (size_t i = 0; i < 500; ++i) {
        const uint64_t delay = random() % 40;
        const uint64_t deadline = reactor->now_ms() + delay;
        timers.push_back(std::make_unique<Timer>(*reactor, [&fired, deadline, &reactor] {
            EXPECT_GE(reactor->now_ms(), deadline);
            fired.push_back(deadline);
        }));
        timers.back()->start(delay);
    }
    for (size_t i = 0; i < 500; ++i) {
        if (random() % 3 == 0) {
            timers[i]->stop();
            EXPECT_FALSE(timers[i]->is_running());
        } else if (random() % 5 == 0) {
            timers[i].reset();
        } else {
            ++expected;
        }
    }
    while (fired.size() < expected)
        reactor->run_turn(-1);
    EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
    reactor->run_turn(0);
    EXPECT_EQ(fired.size(), expected);
}

TEST(Reactor, ATimerMayDestroyItself) {
    const auto reactor = make_reactor();
    std::unique_ptr<Timer> timer;
    bool has_fired = false;
    timer = std::make_unique<Timer>(*reactor, [&] {
        timer.reset();
        has_fired = true;
    });
    timer->start(0);
    while (!has_fired)
        reactor->run_turn(-1);
}

TEST(Reactor, RunsPostsOfAllThreadsInTheirOrder) {
    const auto reactor = make_reactor();
    constexpr int kThreads = 4;
    constexpr int kPosts = 5000;
    std::vector<int> next(kThreads, 0);
    int total = 0;
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kPosts; ++i) {
                reactor->post([&, t, i] {
                    EXPECT_EQ(next[t]++, i);
                    if (++total == kThreads * kPosts) reactor->stop();
                });
            }
        });
    }
    reactor->run();
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(total, kThreads * kPosts);
}

TEST(Reactor, AHandlerMayRemoveAnotherOfTheSameTurn) {
    const auto reactor = make_reactor();
    std::vector<std::unique_ptr<Watched>> all(10);
    int calls = 0;
    for (auto& one : all) {
        one = std::make_unique<Watched>();
        Watched* self = one.get();
        self->action = [&, self] {
            ++calls;
            // Destroys all the others, whose events are in the same batch.
            for (auto& other : all) {
                if (other && other.get() != self) {
                    reactor->remove(other->fd.get(), *other);
                    other.reset();
                }
            }
        };
        ASSERT_TRUE(reactor->add(one->fd.get(), EPOLLIN, *one).ok());
    }
    reactor->run_turn(-1);
    EXPECT_EQ(calls, 1);
    for (auto& one : all) {
        if (one) reactor->remove(one->fd.get(), *one);
    }
}

struct TurnEnd final : TurnEndHandler {
    void on_turn_end() override { action(); }
    std::function<void()> action;
};

TEST(Reactor, TurnEndsRunOnceAndMayBeDestroyed) {
    const auto reactor = make_reactor();
    int first_calls = 0;
    int second_calls = 0;
    TurnEnd first;
    auto second = std::make_unique<TurnEnd>();
    auto third = std::make_unique<TurnEnd>();
    second->action = [&] { ++second_calls; };
    third->action = [] { FAIL() << "was destroyed before its turn"; };
    first.action = [&] {
        third.reset();
        if (++first_calls == 1) reactor->schedule_turn_end(first);
        reactor->schedule_turn_end(*second);
    };
    reactor->schedule_turn_end(first);
    reactor->schedule_turn_end(first);
    reactor->schedule_turn_end(*third);
    bool has_deferred = false;
    reactor->defer([&] { has_deferred = true; });
    reactor->run_turn(0);
    EXPECT_TRUE(has_deferred);
    EXPECT_EQ(first_calls, 2);
    EXPECT_GE(second_calls, 1);
}

TEST(Reactor, WhatWasPostedBeforeStopStillRuns) {
    const auto reactor = make_reactor();
    int count = 0;
    for (int i = 0; i < 3000; ++i)
        reactor->post([&] { ++count; });
    reactor->stop();
    reactor->run();
    EXPECT_EQ(count, 3000);
}

}  // namespace
}  // namespace tandem::net
