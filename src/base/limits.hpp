#pragma once

#include <cstddef>
#include <cstdint>

// Named limits of everything that a peer could make grow, with their defaults. A limit that a
// server may set per deployment is a field of Limits; a limit that every client relies on is a
// constant.
namespace tandem::base {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// Integers, counters and actor ids stay where every language's double tells them from their
// neighbours.
inline constexpr int64_t kSafeIntegerMax = (int64_t{1} << 53) - 1;
inline constexpr uint64_t kActorMax = (uint64_t{1} << 53) - 1;

// The form of values. State that was accepted once must stay readable, so these are not
// configurable.
inline constexpr size_t kValueDepthMax = 32;
inline constexpr size_t kKeysPerOpMax = 1000;
inline constexpr size_t kOpsPerPushMax = 1000;
inline constexpr size_t kKeyBytesMax = 255;
inline constexpr size_t kPathBytesMax = 1024;
inline constexpr size_t kPathKeysMax = kValueDepthMax;
inline constexpr size_t kChannelNameBytesMax = 255;
inline constexpr size_t kSiblingsMax = 8;
inline constexpr size_t kJournalRowsMax = 4096;
inline constexpr size_t kSubjectBytesMax = 255;
inline constexpr size_t kIdempotencyKeyBytesMax = 255;

// No configuration may raise a message above this; the same cap holds for its inflated form.
inline constexpr size_t kMessageBytesCeiling = 1 * kMiB;
inline constexpr size_t kCloseReasonBytesMax = 123;
inline constexpr size_t kWebTransportCloseReasonBytesMax = 1024;

struct Limits {
    // Messages and state
    size_t message_bytes_max = 64 * kKiB;
    size_t record_bytes_max = 8 * kMiB;
    size_t text_bytes_max = 64 * kMiB;
    size_t text_message_bytes_max = 16 * kMiB;
    size_t texts_per_channel_max = 256;
    size_t clients_per_text_max = 100'000;
    size_t presence_bytes_max = 4 * kKiB;
    size_t presence_members_max = 1000;

    // One connection
    size_t channels_per_connection_max = 128;
    size_t header_bytes_max = 16 * kKiB;
    uint64_t auth_timeout_ms = 5'000;
    size_t auth_bytes_max = 8 * kKiB;
    size_t transmit_queue_bytes_max = 1 * kMiB;
    size_t pushes_in_flight_max = 256;
    // Rates; 0 is none. What is more is refused for now, or waits to be read.
    uint64_t pushes_per_second = 50;
    uint64_t push_burst = 100;
    uint64_t messages_per_second = 200;    // twice as many at once
    uint64_t bytes_per_second = 4 * kMiB;  // four times as many at once
    uint64_t ping_interval_ms = 25'000;
    uint64_t idle_timeout_ms = 60'000;

    // One address, behind the list of trusted proxies
    size_t connections_per_address_max = 100;
    uint64_t new_connections_per_address = 20;  // a second, and as many at once
    uint64_t requests_per_address = 200;        // a second, and twice as many at once
    size_t addresses_max = 131'072;

    // The server
    size_t connections_max = 100'000;
    size_t channels_loaded_max = 100'000;
    size_t frame_cache_bytes_per_channel = 256 * kKiB;
    size_t catch_up_bytes_max = 64 * kMiB;
    size_t entries_per_commit_max = 1024;
    size_t commit_queue_entries_max = 65'536;
    size_t shard_queue_events_max = 65'536;
    size_t events_per_tick_max = 1024;

    // Time
    uint64_t clock_lead_max_ms = 0;
    uint64_t outbox_age_max_ms = uint64_t{180} * 24 * 3600 * 1000;
    uint64_t idempotency_age_max_ms = uint64_t{24} * 3600 * 1000;
    uint64_t presence_ttl_ms = 30'000;
    uint64_t revocation_delay_max_ms = 1'000;

    // A client's reconnects: at once, then full jitter between these
    uint64_t reconnect_delay_min_ms = 100;
    uint64_t reconnect_delay_max_ms = 20'000;

    // QUIC
    size_t quic_streams_max = 64;
    uint32_t quic_opens_per_second = 256;
    uint32_t quic_amplification_factor = 3;
};

}  // namespace tandem::base
