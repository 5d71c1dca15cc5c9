#pragma once

#include "wire/frames.hpp"
#include "wire/limits.hpp"

/// The binary schema: the field number, wire type and limit of every member of every frame, written
/// once and walked by the sizer, the writer and the reader of binary.cpp. The same numbers stand in
/// proto/tandem/v1/tandem.proto; they are never reused.
namespace tandem::wire::schema {

template <class Frame>
inline constexpr uint32_t kFrameNumber = 0;
template <>
inline constexpr uint32_t kFrameNumber<Hello> = 1;
template <>
inline constexpr uint32_t kFrameNumber<Subscribe> = 2;
template <>
inline constexpr uint32_t kFrameNumber<Unsubscribe> = 3;
template <>
inline constexpr uint32_t kFrameNumber<Push> = 4;
template <>
inline constexpr uint32_t kFrameNumber<PresenceSet> = 5;
template <>
inline constexpr uint32_t kFrameNumber<SignalSend> = 6;
template <>
inline constexpr uint32_t kFrameNumber<Ping> = 7;
template <>
inline constexpr uint32_t kFrameNumber<TextSend> = 8;
template <>
inline constexpr uint32_t kFrameNumber<Welcome> = 1;
template <>
inline constexpr uint32_t kFrameNumber<Subscribed> = 2;
template <>
inline constexpr uint32_t kFrameNumber<Delivery> = 3;
template <>
inline constexpr uint32_t kFrameNumber<Ack> = 4;
template <>
inline constexpr uint32_t kFrameNumber<ErrorFrame> = 5;
template <>
inline constexpr uint32_t kFrameNumber<Members> = 6;
template <>
inline constexpr uint32_t kFrameNumber<SignalReceived> = 7;
template <>
inline constexpr uint32_t kFrameNumber<Pong> = 8;
template <>
inline constexpr uint32_t kFrameNumber<Bye> = 9;
template <>
inline constexpr uint32_t kFrameNumber<TextReceived> = 10;

/// `Frame` is const for the sizer and the writer.
template <class Frame, class Plain>
concept Is = std::is_same_v<std::remove_const_t<Frame>, Plain>;

template <class V>
void fields(V& v, Is<Hello> auto& f) {
    v.always_u32(1, f.version);
    v.text(2, f.client, kNameBytesMax);
    v.boolean(3, f.want_actor);
    v.u64(4, f.time_ms);
    v.text(5, f.token, kTokenBytesMax);
}

template <class V>
void fields(V& v, Is<Selection> auto& f) {
    v.bytes(1, f.path);
    v.u64(2, f.from);
    v.u64(3, f.to);
}

template <class V>
void fields(V& v, Is<Subscribe> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.fixed64(2, f.after_epoch);
    v.u64(3, f.after);
    v.fixed32(4, f.check);
    v.actor(5, f.actor);
    v.messages(6, f.select, kPathsPerFrameMax);
    v.u64(7, f.known_counter);
    v.boolean(8, f.has_after);
    v.messages(9, f.held, kPathsPerFrameMax);
    v.u64(10, f.select_version);
}

template <class V>
void fields(V& v, Is<Unsubscribe> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
}

template <class V>
void fields(V& v, Is<Push> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.actor(2, f.actor);
    v.u64(3, f.counter);
    v.u64(4, f.stamp_ms);
    v.u32(5, f.stamp_logical);
    v.bytes(6, f.ops);
    v.boolean(7, f.skip);
    v.texts(8, f.if_unchanged, kPathTextBytesMax, kPathsPerFrameMax);
    v.u64(9, f.ref);
}

template <class V>
void fields(V& v, Is<PresenceSet> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.value(2, f.state);
    v.boolean(3, f.leave);
}

template <class V>
void fields(V& v, Is<SignalSend> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.text(2, f.name, kNameBytesMax);
    v.value(3, f.value);
}

template <class V>
void fields(V& v, Is<Ping> auto& f) {
    v.u64(1, f.time_ms);
}

template <class V>
void fields(V& v, Is<TextSend> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.text(2, f.name, kNameBytesMax);
    v.bytes(3, f.message);
    v.boolean(4, f.more);
    v.u64(5, f.ref);
    v.boolean(6, f.leave);
}

template <class V>
void fields(V& v, Is<Welcome> auto& f) {
    v.always_u32(1, f.version);
    v.text(2, f.connection, kNameBytesMax);
    v.actor(3, f.actor);
    v.u64(4, f.time_ms);
    v.u64(5, f.heartbeat_ms);
    v.u64(6, f.message_bytes_max);
    v.text(7, f.server, kNameBytesMax);
}

template <class V>
void fields(V& v, Is<Subscribed> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.u32(2, f.handle);
    v.fixed64(3, f.epoch);
    v.u64(4, f.head);
    v.u64(5, f.acked_counter);
    v.u64(6, f.select_version);
}

template <class V>
void fields(V& v, Is<SlotDef> auto& f) {
    v.slot(1, f.slot);
    v.bytes(2, f.path);
    v.actor(3, f.actor);
}

template <class V>
void fields(V& v, Is<Delivery> auto& f) {
    v.u32(1, f.handle);
    v.range_from(2, f);
    v.u64(3, f.to);
    v.kind(4, f.kind);
    v.fixed32(5, f.check);
    v.u64(6, f.acked_counter);
    v.actor(7, f.actor);
    v.u64(8, f.counter);
    v.slot(9, f.actor_slot);
    v.messages(10, f.defs, kDefsPerFrameMax);
    v.bytes(11, f.changes);
    v.boolean(12, f.more);
    v.boolean(13, f.reset);
    v.fixed64(14, f.epoch);
    v.u64(15, f.stamp_ms);
    v.u32(16, f.stamp_logical);
    v.boolean(17, f.installs);
}

template <class V>
void fields(V& v, Is<Ack> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.actor(2, f.actor);
    v.u64(3, f.counter);
    v.u64(4, f.seq);
    v.boolean(5, f.duplicate);
    v.u64(6, f.stamp_ms);
    v.u32(7, f.stamp_logical);
    v.u64(8, f.ref);
    v.fixed64(9, f.epoch);
}

template <class V>
void fields(V& v, Is<ErrorFrame> auto& f) {
    v.text(1, f.code, kNameBytesMax);
    v.text(2, f.message, kErrorTextBytesMax);
    v.text(3, f.hint, kErrorTextBytesMax);
    v.text(4, f.docs, kErrorTextBytesMax);
    v.text(5, f.channel, base::kChannelNameBytesMax);
    v.actor(6, f.actor);
    v.u64(7, f.counter);
    v.u64(8, f.retry_after_ms);
    v.u64(9, f.ref);
    v.boolean(10, f.temporary);
    v.u32(11, f.number);
    v.u64(12, f.acked_counter);
}

template <class V>
void fields(V& v, Is<Member> auto& f) {
    v.text(1, f.id, kNameBytesMax);
    v.text(2, f.user, base::kSubjectBytesMax);
    v.value(3, f.state);
    v.value(4, f.info);
}

template <class V>
void fields(V& v, Is<Members> auto& f) {
    v.u32(1, f.handle);
    v.boolean(2, f.full);
    v.messages(3, f.joined, kMembersPerFrameMax);
    v.texts(4, f.left, kNameBytesMax, kMembersPerFrameMax);
    v.text(5, f.self, kNameBytesMax);
}

template <class V>
void fields(V& v, Is<SignalReceived> auto& f) {
    v.u32(1, f.handle);
    v.text(2, f.from, kNameBytesMax);
    v.text(3, f.name, kNameBytesMax);
    v.value(4, f.value);
}

template <class V>
void fields(V& v, Is<Pong> auto& f) {
    v.u64(1, f.time_ms);
    v.u64(2, f.server_ms);
}

template <class V>
void fields(V& v, Is<Bye> auto& f) {
    v.text(1, f.code, kNameBytesMax);
    v.text(2, f.message, kErrorTextBytesMax);
    v.u64(3, f.reconnect_after_ms);
}

template <class V>
void fields(V& v, Is<TextReceived> auto& f) {
    v.text(1, f.channel, base::kChannelNameBytesMax);
    v.text(2, f.name, kNameBytesMax);
    v.bytes(3, f.message);
    v.u64(4, f.ref);
    v.u64(5, f.seq);
    v.text(6, f.code, kNameBytesMax);
    v.text(7, f.reason, kErrorTextBytesMax);
    v.boolean(8, f.temporary);
    v.u64(9, f.retry_after_ms);
    v.boolean(10, f.closed);
}

}  // namespace tandem::wire::schema
