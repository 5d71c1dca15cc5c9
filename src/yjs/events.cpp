#include "yjs/events.hpp"

#include <algorithm>
#include <optional>

#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

namespace {

bool is_text_kind(TypeKind kind) { return kind == TypeKind::text || kind == TypeKind::xml_text; }

/// Reads the changes of one transaction, which must not be collected yet, from the items.
class ChangeReader {
  public:
    ChangeReader(const Store& store, const Transaction& transaction)
        : store_(store), transaction_(transaction) {}

    /// `superfluous` gets the marks of a text that its delta showed to do nothing.
    void read(Event& event, std::vector<Handle>& superfluous) const {
        read_keys(event);
        if (event.is_text) {
            read_text(event, superfluous);
        } else if (event.has_list_change) {
            read_list(event);
        }
    }

    std::vector<PathStep> path(BranchIndex from, BranchIndex to) const {
        std::vector<PathStep> steps;
        while (to != from && store_.branch(to).item != 0) {
            const Handle handle = store_.branch(to).item;
            const Item& item = store_.item(handle);
            PathStep step;
            if (!item.is_in_list()) {
                step.is_key = true;
                step.key = store_.names().at(store_.key(item));
            } else {
                for (Handle at = store_.branch(item.home).start; at != handle;
                     at = store_.item(at).right)
                    step.position += store_.item(at).visible();
            }
            steps.push_back(std::move(step));
            to = store_.parent(item);
        }
        std::reverse(steps.begin(), steps.end());
        return steps;
    }

  private:
    using Formats = std::vector<std::pair<uint32_t, std::string>>;

    bool adds(const Item& item) const { return !transaction_.is_older(item.client, item.clock); }

    bool deletes(const Item& item) const {
        if (!item.is_deleted()) return false;
        const auto& deleted = transaction_.deleted;
        auto after = std::upper_bound(deleted.begin(), deleted.end(), item,
                                      [](const Item& at, const Transaction::Deleted& one) {
                                          return at.client != one.client
                                                     ? at.client < one.client
                                                     : at.clock < one.range.clock;
                                      });
        if (after == deleted.begin()) return false;
        --after;
        return after->client == item.client && item.clock < after->range.end();
    }

    // Calls `take` with each value of an item; only with the last if wanted.
    template <class Take>
    void values_of(const Item& item, bool only_last, Take&& take) const {
        EventValue value;
        value.kind = item.kind;
        switch (item.kind) {
            case Kind::any:
            case Kind::json:
                each_any(store_.bytes_of(item), item.len, only_last, [&](std::string_view any) {
                    value.body = any;
                    take(value);
                });
                return;
            case Kind::string:
                each_unit(store_.bytes_of(item), only_last, [&](std::string_view unit) {
                    value.body = unit;
                    take(value);
                });
                return;
            case Kind::embed:
            case Kind::binary:
                value.body = store_.bytes_of(item);
                break;
            case Kind::type:
                value.type = store_.branch(item.content).kind;
                value.branch = item.content;
                break;
            case Kind::doc: {
                const Content content = store_.content_of(item);
                value.name = content.name;
                value.body = content.body;
                break;
            }
            case Kind::gc:
            case Kind::deleted:
            case Kind::format:
            case Kind::skip:
                return;
        }
        take(value);
    }

    EventValue last_value(const Item& item) const {
        EventValue last;
        values_of(item, true, [&](EventValue& value) { last = std::move(value); });
        return last;
    }

    void read_keys(Event& event) const {
        for (const std::string& key : event.changed_keys) {
            const Handle last = store_.branch(event.target).map_find(store_.names().find(key));
            const Item& item = store_.item(last);
            KeyChange change;
            change.key = key;
            if (!adds(item)) {
                if (!deletes(item)) continue;
                change.action = KeyChange::Action::remove;
                change.old_value = last_value(item);
            } else {
                Handle before = item.left;
                while (before != 0 && adds(store_.item(before)))
                    before = store_.item(before).left;
                const bool had_value = before != 0 && deletes(store_.item(before));
                if (deletes(item)) {
                    if (!had_value) continue;
                    change.action = KeyChange::Action::remove;
                } else {
                    change.action = had_value ? KeyChange::Action::update : KeyChange::Action::add;
                }
                if (had_value) change.old_value = last_value(store_.item(before));
            }
            event.keys.push_back(std::move(change));
        }
    }

    void add_range(std::vector<EventRange>& ranges, const Item& item) const {
        const Id id = store_.id_of(item);
        if (!ranges.empty() && ranges.back().id.client == id.client &&
            ranges.back().id.clock + ranges.back().len == id.clock) {
            ranges.back().len += item.len;
        } else {
            ranges.push_back({id, item.len});
        }
    }

    static DeltaOp& last_op(Event& event, DeltaOp::Action action) {
        if (event.delta.empty() || event.delta.back().action != action) {
            event.delta.emplace_back();
            event.delta.back().action = action;
        }
        return event.delta.back();
    }

    void read_list(Event& event) const {
        // Marks and collected runs count here, as they do in Yjs.
        for (Handle at = store_.branch(event.target).start; at != 0; at = store_.item(at).right) {
            const Item& item = store_.item(at);
            if (item.is_deleted()) {
                if (!deletes(item) || adds(item)) continue;
                last_op(event, DeltaOp::Action::remove).len += item.len;
                add_range(event.removed, item);
            } else if (adds(item)) {
                DeltaOp& op = last_op(event, DeltaOp::Action::insert);
                values_of(item, false, [&](EventValue& value) { op.values.push_back(value); });
                add_range(event.added, item);
            } else {
                last_op(event, DeltaOp::Action::retain).len += item.len;
            }
        }
        if (!event.delta.empty() && event.delta.back().action == DeltaOp::Action::retain)
            event.delta.pop_back();
    }

    void read_text(Event& event, std::vector<Handle>& superfluous) const;

    const Store& store_;
    const Transaction& transaction_;
};

std::string_view format_in(const std::vector<std::pair<uint32_t, std::string>>& formats,
                           uint32_t name) {
    for (const auto& [key, value] : formats) {
        if (key == name) return value;
    }
    return kAnyNull;
}

void set_format(std::vector<std::pair<uint32_t, std::string>>& formats, uint32_t name,
                std::string_view value) {
    for (auto& [key, known] : formats) {
        if (key == name) {
            known = value;
            return;
        }
    }
    formats.push_back({name, std::string(value)});
}

void end_format(std::vector<std::pair<uint32_t, std::string>>& formats, uint32_t name) {
    std::erase_if(formats, [&](const auto& format) { return format.first == name; });
}

// Follows Yjs step by step, its accidents included: which operations are kept apart, and which
// formats a retained stretch is said to have got, depend on the order of these steps.
void ChangeReader::read_text(Event& event, std::vector<Handle>& superfluous) const {
    using Action = DeltaOp::Action;
    Formats current;
    Formats old;
    // What the next retained stretch got.
    Formats got;
    DeltaOp op;
    bool has_op = false;
    auto attributes_from = [&](const Formats& formats) {
        for (const auto& [name, value] : formats)
            op.attributes.push_back({std::string(store_.names().at(name)), value});
    };
    auto add_op = [&] {
        if (!has_op) return;
        has_op = false;
        if (op.action == Action::insert) {
            attributes_from(current);
        } else if (op.action == Action::retain) {
            attributes_from(got);
        }
        if (op.len > 0 || !op.text.empty() || !op.values.empty()) event.delta.push_back(op);
        op = DeltaOp();
    };
    auto begin_op = [&](Action action) -> DeltaOp& {
        if (!has_op || op.action != action) {
            add_op();
            has_op = true;
            op.action = action;
        }
        return op;
    };
    auto is_retaining = [&] { return has_op && op.action == Action::retain; };
    for (Handle at = store_.branch(event.target).start; at != 0; at = store_.item(at).right) {
        const Item& item = store_.item(at);
        const bool is_new = adds(item);
        const bool is_gone = deletes(item);
        if (item.kind == Kind::string || item.kind == Kind::embed || item.kind == Kind::type) {
            if (is_new) {
                if (is_gone) continue;
                if (item.kind == Kind::string) {
                    begin_op(Action::insert).text += store_.bytes_of(item);
                } else {
                    add_op();
                    begin_op(Action::insert).values.push_back(last_value(item));
                    add_op();
                }
            } else if (is_gone) {
                begin_op(Action::remove).len += item.len;
            } else if (!item.is_deleted()) {
                begin_op(Action::retain).len += item.len;
            }
            continue;
        }
        if (item.kind != Kind::format) continue;
        const uint32_t name = store_.format_name(item);
        const std::string_view value = store_.format_value(item);
        bool is_deleted = item.is_deleted();
        if (is_new) {
            if (!is_gone) {
                if (!equal_formats(format_in(current, name), value)) {
                    if (is_retaining()) add_op();
                    if (equal_formats(value, format_in(old, name))) {
                        end_format(got, name);
                    } else {
                        set_format(got, name, value);
                    }
                } else if (value != kAnyNull) {
                    superfluous.push_back(at);
                    is_deleted = true;
                }
            }
        } else if (is_gone) {
            set_format(old, name, value);
            const std::string now(format_in(current, name));
            if (!equal_formats(now, value)) {
                if (is_retaining()) add_op();
                set_format(got, name, now);
            }
        } else if (!is_deleted) {
            set_format(old, name, value);
            auto known = std::find_if(got.begin(), got.end(),
                                      [&](const auto& format) { return format.first == name; });
            if (known != got.end()) {
                if (!equal_formats(known->second, value)) {
                    if (is_retaining()) add_op();
                    if (value == kAnyNull) {
                        end_format(got, name);
                    } else {
                        set_format(got, name, value);
                    }
                } else if (known->second != kAnyNull) {
                    superfluous.push_back(at);
                    is_deleted = true;
                }
            }
        }
        if (is_deleted) continue;
        if (has_op && op.action == Action::insert) add_op();
        if (value == kAnyNull) {
            end_format(current, name);
        } else {
            set_format(current, name, value);
        }
    }
    add_op();
    while (!event.delta.empty() && event.delta.back().action == Action::retain &&
           event.delta.back().attributes.empty())
        event.delta.pop_back();
}

}  // namespace

void Document::watch(BranchIndex branch, uint8_t how) {
    store_.branch(branch).observers |= how;
    has_observers_ = true;
}

void Document::unwatch(BranchIndex branch, uint8_t how) {
    store_.branch(branch).observers &= static_cast<uint8_t>(~how);
}

void Document::record_events() {
    struct Changed {
        BranchIndex branch;
        bool has_list_change = false;
        std::vector<uint32_t> keys;
        std::optional<size_t> event;
    };
    std::vector<Changed> changed;
    for (const Transaction::Changed& change : transaction_.changed) {
        const Branch& branch = store_.branch(change.branch);
        if (branch.is_free || branch.kind == TypeKind::unknown ||
            (branch.item != 0 && store_.item(branch.item).is_deleted()))
            continue;
        auto known = std::find_if(changed.begin(), changed.end(),
                                  [&](const Changed& one) { return one.branch == change.branch; });
        if (known == changed.end())
            known = changed.insert(known, Changed{change.branch, false, {}, {}});
        if (change.key == 0) {
            known->has_list_change = true;
        } else if (std::find(known->keys.begin(), known->keys.end(), change.key) ==
                   known->keys.end()) {
            known->keys.push_back(change.key);
        }
    }

    const ChangeReader reader(store_, transaction_);
    auto event_of = [&](Changed& one) {
        if (one.event) return *one.event;
        Event event;
        event.target = one.branch;
        event.is_text = is_text_kind(store_.branch(one.branch).kind);
        event.has_list_change = one.has_list_change;
        for (uint32_t key : one.keys)
            event.changed_keys.emplace_back(store_.names().at(key));
        std::vector<Handle> superfluous;
        reader.read(event, superfluous);
        if (options_.cleans_formats &&
            (!superfluous.empty() || (event.is_text && sees_all_transactions())))
            change_later([&] {
                for (Handle handle : superfluous)
                    delete_item(handle);
            });
        extras_->events.events.push_back(std::move(event));
        one.event = extras_->events.events.size() - 1;
        return *one.event;
    };

    // Deep observers in the order in which they are reached from what changed.
    std::vector<std::pair<BranchIndex, std::vector<size_t>>> above;
    for (size_t i = 0; i < changed.size(); ++i) {
        const BranchIndex target = changed[i].branch;
        for (BranchIndex at = target;;) {
            const Branch& branch = store_.branch(at);
            if ((branch.observers & Branch::kObservedDeep) != 0) {
                auto known = std::find_if(above.begin(), above.end(),
                                          [&](const auto& one) { return one.first == at; });
                if (known == above.end()) known = above.insert(known, {at, {}});
                known->second.push_back(i);
            }
            if (branch.item == 0) break;
            at = store_.parent(store_.item(branch.item));
        }
        if ((store_.branch(target).observers & Branch::kObserved) != 0)
            extras_->events.notices.push_back({target, false, {{event_of(changed[i]), {}}}});
    }
    for (const auto& [observed, places] : above) {
        Notice notice;
        notice.observed = observed;
        notice.is_deep = true;
        for (size_t place : places)
            notice.seen.push_back({place, reader.path(observed, changed[place].branch)});
        std::stable_sort(notice.seen.begin(), notice.seen.end(),
                         [](const Notice::Seen& a, const Notice::Seen& b) {
                             return a.path.size() < b.path.size();
                         });
        for (Notice::Seen& seen : notice.seen)
            seen.event = event_of(changed[seen.event]);
        extras_->events.notices.push_back(std::move(notice));
    }
}

}  // namespace tandem::yjs
