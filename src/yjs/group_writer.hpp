#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "yjs/delete_set.hpp"
#include "yjs/update_writer.hpp"

namespace tandem::yjs {

/// Writes structs that come one by one, in the order of an update, whose numbers are only known at
/// the end of each client. A gap between two structs of a client is written as such.
template <class Fields>
class GroupWriter {
  public:
    /// Writes a struct without its first `offset` clocks.
    void write(const RawStruct& item, uint32_t offset) {
        if (count_ > 0 && client_ != item.id.client) flush();
        if (count_ == 0) {
            client_ = item.id.client;
            fields_.client(client_);
            fields_.rest.var_uint(item.id.clock + offset);
        } else if (end_ < item.id.clock) {
            RawStruct gap;
            gap.content.kind = Kind::skip;
            gap.content.len = item.id.clock - end_;
            write_struct(fields_, gap, 0);
            ++count_;
        }
        write_struct(fields_, item, offset);
        end_ = item.end();
        ++count_;
    }

    std::string finish(const DeleteSet& deletes) {
        flush();
        fields_.rest.var_uint(groups_.size());
        for (const Group& group : groups_) {
            fields_.rest.var_uint(group.count);
            fields_.rest.bytes(bytes_.view(group.offset, group.size));
        }
        write_delete_set(fields_, deletes);
        Buffer result;
        fields_.finish(result);
        return result.str();
    }

  private:
    struct Group {
        uint64_t count;
        size_t offset;
        size_t size;
    };

    void flush() {
        if (count_ == 0) return;
        groups_.push_back({count_, bytes_.size(), fields_.rest.size()});
        bytes_.bytes(fields_.rest.view());
        fields_.rest.clear();
        count_ = 0;
    }

    Fields fields_;
    std::vector<Group> groups_;
    Buffer bytes_;
    uint64_t client_ = 0;
    uint64_t count_ = 0;
    uint32_t end_ = 0;
};

}  // namespace tandem::yjs
