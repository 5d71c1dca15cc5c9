#include "server/memory_budget.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tandem::server {
namespace {

using hub::Pressure;

TEST(MemoryBudget, PressureRisesAtTheMarksAndFallsBelowThem) {
    MemoryBudget budget(1'000'000);
    EXPECT_EQ(budget.take(799'999), Pressure::none);
    EXPECT_EQ(budget.take(800'000), Pressure::high);
    EXPECT_EQ(budget.take(899'999), Pressure::high);
    EXPECT_EQ(budget.take(900'000), Pressure::critical);
    EXPECT_EQ(budget.take(850'000), Pressure::critical) << "as long as it is not well below";
    EXPECT_EQ(budget.take(849'999), Pressure::high);
    EXPECT_EQ(budget.take(899'999), Pressure::high);
    EXPECT_EQ(budget.take(700'000), Pressure::high);
    EXPECT_EQ(budget.take(699'999), Pressure::none);
    EXPECT_EQ(budget.take(799'999), Pressure::none);
    EXPECT_EQ(budget.take(5'000'000), Pressure::critical);
    EXPECT_EQ(budget.take(0), Pressure::none);
}

TEST(MemoryBudget, WhatMustGoIsWhatIsAboveTheFirstMark) {
    MemoryBudget budget(1'000'000);
    EXPECT_EQ(budget.excess(900'000), 100'000u);
    EXPECT_EQ(budget.excess(800'000), 0u);
    EXPECT_EQ(budget.excess(1), 0u);
}

TEST(MemoryBudget, TheLeastLimitOfTheGroupsCounts) {
    const auto root =
        std::filesystem::temp_directory_path() / ("tandem-groups-" + std::to_string(::getpid()));
    std::filesystem::create_directories(root / "a" / "b");
    const auto write = [&](const std::string& file, const std::string& text) {
        std::ofstream(root / file) << text << "\n";
    };
    EXPECT_EQ(memory_of_group(root.string(), "/a/b"), UINT64_MAX);
    write("a/b/memory.max", "max");
    write("a/memory.max", "4000");
    EXPECT_EQ(memory_of_group(root.string(), "/a/b"), 4000u);
    write("a/b/memory.high", "3000");
    EXPECT_EQ(memory_of_group(root.string(), "/a/b"), 3000u);
    EXPECT_EQ(memory_of_group(root.string(), "/a"), 4000u);
    EXPECT_EQ(memory_of_group(root.string(), "/"), UINT64_MAX);
    write("memory.limit_in_bytes", "2000");
    EXPECT_EQ(memory_of_group(root.string(), "/a/b"), 2000u) << "of version 1";
    EXPECT_EQ(memory_of_group(root.string(), "/"), 2000u);
    std::filesystem::remove_all(root);
}

TEST(MemoryBudget, ADefaultIsFound) {
    EXPECT_GT(default_memory_budget(), uint64_t{64} << 20);
    EXPECT_LE(default_memory_budget(), memory_of_machine());
    EXPECT_GT(unshared_bytes(), uint64_t{64} << 10);
}

}  // namespace
}  // namespace tandem::server
