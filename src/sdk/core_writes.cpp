// What a program writes, and what became of it.

#include <utility>

#include "sdk/core.hpp"
#include "sdk/values.hpp"

namespace tandem::sdk {

Write Core::committed(uint64_t seq) {
    Write write;
    write.core_ = this;
    write.committed_ = Committed{seq};
    return write;
}

Write Core::failed(Error error) {
    Write write;
    write.core_ = this;
    write.error_ = std::move(error);
    return write;
}

Write Core::push(const std::string& channel, const Work& work, client::PushOptions options) {
    if (transaction_ != nullptr && transaction_->channel == channel) {
        // A part of that one. The whole is decided by whoever waits for it.
        if (auto done = work(transaction_->edit); !done && !transaction_->error)
            transaction_->error = done.error();
        return failed(to_error(base::fail(base::ErrorCode::would_block)));
    }
    if (!is_channel_name(channel))
        return failed(to_error(base::fail(base::ErrorCode::bad_channel)));
    Write write;
    write.core_ = this;
    write.channel_ = channel;
    client::Edit edit = session_.edit(channel);
    if (auto done = work(edit); !done) return failed(to_error(done.error()));
    std::vector<record::Op> ops = edit.take();
    // What no server takes must not get into the outbox.
    for (const record::Op& op : ops) {
        auto valid = base::check_value(op.value);
        if (valid) valid = record::check_op(op);
        if (!valid) return failed(to_error(valid.error()));
    }
    if (ops.empty()) return write;
    const auto id = session_.push(now(), channel, std::move(ops), std::move(options));
    if (!id) return failed(to_error(id.error()));
    write.push_ = *id;
    pump();
    return write;
}

Write Core::transact(const std::string& channel, const std::function<void(Tx&)>& work,
                     TransactOptions options) {
    client::PushOptions more;
    more.if_unchanged = std::move(options.if_unchanged);
    more.label = std::move(options.label);
    Write write = push(
        channel,
        [&](client::Edit& edit) -> base::Result<void> {
            OpenTransaction transaction{channel, edit, std::nullopt};
            OpenTransaction* const outer = std::exchange(transaction_, &transaction);
            Tx tx(*this, channel);
            work(tx);
            transaction_ = outer;
            if (transaction.error) return *transaction.error;
            return {};
        },
        std::move(more));
    pump();
    return write;
}

bool Core::take_back(const std::string& channel, Step step) {
    if (transaction_ != nullptr) return false;
    const bool has_done = step == Step::undo ? session_.undo(now(), channel) != 0
                                             : session_.redo(now(), channel) != 0;
    pump();
    return has_done;
}

Value Core::read(const std::string& channel) {
    WholeRecord& whole = wholes_[channel];
    whole.read(session_.view(channel), session_.seen(channel));
    return from_base(whole.value());
}

Write Core::assign(const std::string& channel, const Value& object) {
    if (transaction_ != nullptr) return failed(to_error(base::fail(base::ErrorCode::would_block)));
    if (!wholes_.contains(channel)) (void)read(channel);
    WholeRecord& whole = wholes_.find(channel)->second;
    auto ops = whole.changes_to(to_base(object), client::make_position_tail(entropy()));
    if (!ops) return failed(to_error(ops.error()));
    client::PushOptions options;
    options.seen = &whole.seen();
    Write write = push(
        channel,
        [&](client::Edit& edit) -> base::Result<void> {
            edit.append(*ops);
            return {};
        },
        std::move(options));
    if (write.push_ != 0) whole.note_written(*ops, write.push_);
    return write;
}

std::vector<Conflict> Core::conflicts(const std::string& channel) {
    // One for each path and sort of row; a value that folded away is one more loser of its field.
    std::map<std::pair<std::string, record::Reason>, Conflict> by_path;
    const record::View& view = session_.view(channel);
    for (const record::Row& row : view.conflicts()) {
        using record::Reason;
        const Reason sort = row.reason == Reason::folded ? Reason::value : row.reason;
        Conflict& conflict = by_path[{record::to_text(row.path), sort}];
        if (conflict.losers.empty()) {
            conflict.core_ = this;
            conflict.channel_ = channel;
            conflict.path = record::to_text(row.path);
            conflict.sort_ = static_cast<uint8_t>(sort);
            conflict.shown = from_base(view.shown(row.path));
        }
        conflict.losers.push_back(from_base(row.value));
    }
    std::vector<Conflict> out;
    for (auto& [key, conflict] : by_path)
        out.push_back(std::move(conflict));
    return out;
}

// A conflict is told once for each value that loses.
void Core::tell_conflicts(const std::string& channel) {
    if (!listeners_.has(channel, Topic::conflict)) return;
    std::set<std::string> due;
    for (const record::Row& row : session_.view(channel).conflicts()) {
        std::string path = record::to_text(row.path);
        const bool is_new = told_conflicts_
                                .emplace(channel, path, static_cast<uint8_t>(row.reason),
                                         row.dot.actor, row.dot.counter)
                                .second;
        if (is_new) due.insert(std::move(path));
    }
    if (due.empty()) return;
    for (const Conflict& conflict : conflicts(channel))
        if (due.contains(conflict.path)) listeners_.tell(channel, Topic::conflict, conflict);
}

Write Core::resolve(const Conflict& conflict, const Value& value) {
    return push(conflict.channel_, [&](client::Edit& edit) -> base::Result<void> {
        TANDEM_TRY(record::Path path, record::parse_path(conflict.path));
        base::Value plain = to_base(value);
        using record::Reason;
        switch (static_cast<Reason>(conflict.sort_)) {
            case Reason::position:
                if (!plain.is_string()) return base::fail(base::ErrorCode::wrong_type);
                edit.move_to(std::move(path), plain.as_string());
                return {};
            case Reason::generation:
                if (!plain.is_integer()) return base::fail(base::ErrorCode::wrong_type);
                edit.counter_set(std::move(path), plain.as_integer());
                return {};
            case Reason::type:
                if (!plain.is_object()) break;
                edit.assign(std::move(path), std::move(plain));
                return {};
            case Reason::value:
            case Reason::folded:
                break;
        }
        edit.set(std::move(path), std::move(plain));
        return {};
    });
}

}  // namespace tandem::sdk
