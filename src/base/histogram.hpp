#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tandem::base {

/// Durations by their length, in buckets of an eighth of a doubling, so that a quantile is known
/// to 12.5 %. Of fixed size; recording is a handful of instructions and takes no memory and no
/// lock. After HdrHistogram (G. Tene): the bucket is the leading bits of the value.
class Histogram {
  public:
    /// Bounds are whole multiples of this, so that those which are shown are round numbers.
    static constexpr uint64_t kUnitNs = 250;
    static constexpr size_t kPartsLog2 = 3;  ///< of a doubling
    static constexpr size_t kUnitsLog2 = 26;
    /// The last one has all from `bound_ns` of the one before, about 17 seconds.
    static constexpr size_t kBuckets = ((kUnitsLog2 - kPartsLog2 + 1) << kPartsLog2) + 1;

    static constexpr size_t bucket_of(uint64_t ns) {
        const uint64_t units = ns == 0 ? 0 : (ns - 1) / kUnitNs;
        if (units >> kUnitsLog2 != 0) return kBuckets - 1;
        if (units >> kPartsLog2 == 0) return static_cast<size_t>(units);
        const auto doublings = static_cast<size_t>(std::bit_width(units)) - kPartsLog2 - 1;
        const uint64_t part = (units >> doublings) & ((1U << kPartsLog2) - 1);
        return ((doublings + 1) << kPartsLog2) + static_cast<size_t>(part);
    }
    /// The longest duration of a bucket, which belongs to it; of the last one the longest there is.
    static constexpr uint64_t bound_ns(size_t bucket) {
        if (bucket + 1 >= kBuckets) return UINT64_MAX;
        const uint64_t part = bucket & ((1U << kPartsLog2) - 1);
        if (bucket >> kPartsLog2 == 0) return (part + 1) * kUnitNs;
        const size_t doublings = (bucket >> kPartsLog2) - 1;
        return (((uint64_t{1} << kPartsLog2) + part + 1) << doublings) * kUnitNs;
    }

    /// By one thread alone; others may read meanwhile.
    void record(uint64_t ns, uint64_t count = 1) {
        bump(counts_[bucket_of(ns)], count);
        bump(total_ns_, ns * count);
    }
    /// By any thread.
    void record_shared(uint64_t ns) {
        counts_[bucket_of(ns)].fetch_add(1, std::memory_order_relaxed);
        total_ns_.fetch_add(ns, std::memory_order_relaxed);
    }

    /// What several have recorded.
    struct Sum {
        std::array<uint64_t, kBuckets> counts{};
        uint64_t total_ns = 0;
    };
    /// From any thread.
    void add_to(Sum& sum) const {
        for (size_t i = 0; i < kBuckets; ++i)
            sum.counts[i] += counts_[i].load(std::memory_order_relaxed);
        sum.total_ns += total_ns_.load(std::memory_order_relaxed);
    }

  private:
    static void bump(std::atomic<uint64_t>& counter, uint64_t by) {
        counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }

    std::array<std::atomic<uint64_t>, kBuckets> counts_{};
    std::atomic<uint64_t> total_ns_ = 0;
};

}  // namespace tandem::base
