#include "yjs/updates.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "yjs/delete_set.hpp"
#include "yjs/group_writer.hpp"
#include "yjs/update_reader.hpp"
#include "yjs/update_writer.hpp"

namespace tandem::yjs {

namespace {

// The part of a struct after its first `offset` clocks; `owned` keeps what has to be written anew.
RawStruct slice(const RawStruct& item, uint32_t offset, std::forward_list<std::string>& owned) {
    RawStruct part = item;
    std::string repaired;
    part.content = content_from(item.content, offset, repaired);
    if (!repaired.empty()) {
        part.content.body = owned.emplace_front(std::move(repaired));
    }
    part.id.clock += offset;
    if (item.content.kind != Kind::gc && item.content.kind != Kind::skip) {
        part.has_origin = true;
        part.origin = {item.id.client, part.id.clock - 1};
    }
    return part;
}

template <class Reader>
struct Source {
    Reader reader;
    int64_t rank = 0;
};

template <class Fields>
const RawStruct* next_without_gaps(StructReader<Fields>& reader) {
    const RawStruct* item = reader.next();
    while (item != nullptr && item->content.kind == Kind::skip)
        item = reader.next();
    return item;
}

// Merges the structs of all sources, as the algorithm of Yjs does: the one with the highest client
// and lowest clock is copied from until another is ahead of it.
template <class Fields, class Writer>
class Merger {
  public:
    using Reader = StructReader<Fields>;

    base::Result<std::string> run(std::span<const std::string_view> updates) {
        std::vector<std::unique_ptr<Source<Reader>>> sources;
        for (std::string_view update : updates) {
            auto source = std::make_unique<Source<Reader>>();
            TANDEM_CHECK(source->reader.open(update));
            source->rank = static_cast<int64_t>(sources.size());
            const RawStruct* first = source->reader.current();
            if (first != nullptr && first->content.kind == Kind::skip)
                next_without_gaps(source->reader);
            sources.push_back(std::move(source));
        }
        for (auto& source : sources) {
            if (source->reader.current() != nullptr) heap_.push_back(source.get());
        }
        std::make_heap(heap_.begin(), heap_.end(), comes_later);
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), comes_later);
            Source<Reader>* source = heap_.back();
            take_from(source->reader);
            // Among equals the one that was in front stays there.
            source->rank = --lowest_rank_;
            if (source->reader.current() == nullptr) {
                heap_.pop_back();
            } else {
                std::push_heap(heap_.begin(), heap_.end(), comes_later);
            }
        }
        if (pending_) groups_.write(*pending_, 0);
        DeleteSet deletes;
        for (auto& source : sources) {
            TANDEM_CHECK(source->reader.status());
            TANDEM_CHECK(source->reader.deletes([&](uint64_t client, uint32_t clock, uint32_t len) {
                deletes.add(client, clock, len);
            }));
        }
        deletes.normalize();
        return groups_.finish(deletes);
    }

  private:
    static bool comes_later(const Source<Reader>* a, const Source<Reader>* b) {
        const Id& first = a->reader.current()->id;
        const Id& second = b->reader.current()->id;
        if (first.client != second.client) return first.client < second.client;
        if (first.clock != second.clock) return first.clock > second.clock;
        return a->rank > b->rank;
    }

    void replace_pending(const RawStruct& item) {
        if (pending_) groups_.write(*pending_, 0);
        pending_ = item;
    }

    void take_from(Reader& reader) {
        const uint64_t client = reader.current()->id.client;
        if (!pending_) {
            pending_ = *reader.current();
            next_without_gaps(reader);
        } else if (!take_beyond_pending(reader, client)) {
            return;
        }
        for (const RawStruct* next = reader.current();
             next != nullptr && next->id.client == client && next->id.clock == pending_->end();
             next = next_without_gaps(reader))
            replace_pending(*next);
    }

    // False when another source has to be looked at first.
    bool take_beyond_pending(Reader& reader, uint64_t client) {
        const RawStruct* current = reader.current();
        bool has_skipped = false;
        while (current != nullptr && current->end() <= pending_->end() &&
               current->id.client >= pending_->id.client) {
            current = next_without_gaps(reader);
            has_skipped = true;
        }
        if (current == nullptr || current->id.client != client ||
            (has_skipped && current->id.clock > pending_->end()))
            return false;
        if (client != pending_->id.client) {
            replace_pending(*current);
            next_without_gaps(reader);
        } else if (pending_->end() < current->id.clock) {
            add_gap(*current);
        } else {
            append(reader, *current);
        }
        return true;
    }

    void add_gap(const RawStruct& next) {
        if (pending_->content.kind == Kind::skip) {
            pending_->content.len = next.end() - pending_->id.clock;
            return;
        }
        RawStruct gap;
        gap.id = {next.id.client, pending_->end()};
        gap.content.kind = Kind::skip;
        gap.content.len = next.id.clock - pending_->end();
        replace_pending(gap);
    }

    void append(Reader& reader, const RawStruct& current) {
        uint32_t overlap = pending_->end() - current.id.clock;
        RawStruct item = current;
        if (overlap > 0) {
            if (pending_->content.kind == Kind::skip) {
                pending_->content.len -= overlap;
            } else {
                item = slice(current, overlap, owned_);
            }
        }
        if (pending_->content.kind == Kind::gc && item.content.kind == Kind::gc) {
            pending_->content.len += item.content.len;
            return;
        }
        replace_pending(item);
        next_without_gaps(reader);
    }

    std::vector<Source<Reader>*> heap_;
    GroupWriter<Writer> groups_;
    std::optional<RawStruct> pending_;
    std::forward_list<std::string> owned_;
    int64_t lowest_rank_ = 0;
};

template <class Fields, class Writer>
base::Result<std::string> diff(std::string_view update, const StateVector& vector) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    GroupWriter<Writer> groups;
    auto known = [&](uint64_t client) {
        auto found = vector.find(client);
        return found == vector.end() ? 0 : found->second;
    };
    while (const RawStruct* item = reader.current()) {
        const uint64_t client = item->id.client;
        const uint32_t from = known(client);
        if (item->content.kind == Kind::skip) {
            // The first struct that is written of a client is not a gap.
            reader.next();
        } else if (item->end() > from) {
            groups.write(*item, from > item->id.clock ? from - item->id.clock : 0);
            reader.release();
            for (item = reader.next(); item != nullptr && item->id.client == client;
                 item = reader.next()) {
                groups.write(*item, 0);
                reader.release();
            }
        } else {
            while (item != nullptr && item->id.client == client && item->end() <= from)
                item = reader.next();
        }
    }
    TANDEM_CHECK(reader.status());
    DeleteSet deletes;
    TANDEM_CHECK(reader.deletes(
        [&](uint64_t client, uint32_t clock, uint32_t len) { deletes.add(client, clock, len); }));
    deletes.normalize_unordered();
    return groups.finish(deletes);
}

template <class Fields, class Writer>
base::Result<std::string> convert(std::string_view update) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    GroupWriter<Writer> groups;
    while (const RawStruct* item = reader.current()) {
        groups.write(*item, 0);
        reader.release();
        reader.next();
    }
    TANDEM_CHECK(reader.status());
    DeleteSet deletes;
    TANDEM_CHECK(reader.deletes(
        [&](uint64_t client, uint32_t clock, uint32_t len) { deletes.add(client, clock, len); }));
    deletes.normalize_unordered();
    return groups.finish(deletes);
}

template <class Fields>
base::Result<StateVector> state_vector_of(std::string_view update) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    StateVector vector;
    uint64_t client = 0;
    uint32_t end = 0;
    bool is_open = false;
    bool has_client = false;
    auto put = [&] {
        if (has_client && end > 0) vector[client] = end;
    };
    for (const RawStruct* item = reader.current(); item != nullptr; item = reader.next()) {
        reader.release();
        if (!has_client || item->id.client != client) {
            put();
            has_client = true;
            client = item->id.client;
            end = 0;
            is_open = item->id.clock == 0;
        }
        if (item->content.kind == Kind::skip) is_open = false;
        if (is_open) end = item->end();
    }
    TANDEM_CHECK(reader.status());
    put();
    return vector;
}

template <class Fields>
base::Result<UpdateSpan> span_of(std::string_view update) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    UpdateSpan span;
    for (const RawStruct* item = reader.current(); item != nullptr; item = reader.next()) {
        reader.release();
        span.from.emplace(item->id.client, item->id.clock);
        span.to[item->id.client] = item->end();
    }
    TANDEM_CHECK(reader.status());
    return span;
}

template <class Fields>
base::Result<bool> is_empty(std::string_view update) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    if (reader.current() != nullptr) return false;
    bool is_empty = true;
    TANDEM_CHECK(reader.deletes([&](uint64_t, uint32_t, uint32_t) { is_empty = false; }));
    return is_empty;
}

}  // namespace

base::Result<std::string> merge_updates(std::span<const std::string_view> updates,
                                        Encoding encoding) {
    if (updates.size() == 1) return std::string(updates[0]);
    if (encoding == Encoding::v1) return Merger<FieldReaderV1, FieldWriterV1>().run(updates);
    return Merger<FieldReaderV2, FieldWriterV2>().run(updates);
}

base::Result<std::string> diff_update(std::string_view update, const StateVector& vector,
                                      Encoding encoding) {
    if (encoding == Encoding::v1) return diff<FieldReaderV1, FieldWriterV1>(update, vector);
    return diff<FieldReaderV2, FieldWriterV2>(update, vector);
}

base::Result<StateVector> state_vector_of_update(std::string_view update, Encoding encoding) {
    return encoding == Encoding::v1 ? state_vector_of<FieldReaderV1>(update)
                                    : state_vector_of<FieldReaderV2>(update);
}

base::Result<std::string> convert_update(std::string_view update, Encoding from, Encoding to) {
    if (from == Encoding::v1) {
        return to == Encoding::v1 ? convert<FieldReaderV1, FieldWriterV1>(update)
                                  : convert<FieldReaderV1, FieldWriterV2>(update);
    }
    return to == Encoding::v1 ? convert<FieldReaderV2, FieldWriterV1>(update)
                              : convert<FieldReaderV2, FieldWriterV2>(update);
}

base::Result<UpdateSpan> span_of_update(std::string_view update, Encoding encoding) {
    return encoding == Encoding::v1 ? span_of<FieldReaderV1>(update)
                                    : span_of<FieldReaderV2>(update);
}

base::Result<bool> is_empty_update(std::string_view update, Encoding encoding) {
    return encoding == Encoding::v1 ? is_empty<FieldReaderV1>(update)
                                    : is_empty<FieldReaderV2>(update);
}

}  // namespace tandem::yjs
