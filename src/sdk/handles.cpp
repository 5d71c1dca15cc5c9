// The public handles: each names a place and speaks to the core.

#include <utility>

#include "sdk/core.hpp"
#include "sdk/values.hpp"

namespace tandem {

namespace {

client::Place to_client(const Place& place) {
    switch (place.kind) {
        case 0:
            return client::Place::first();
        case 2:
            return client::Place::before(place.id);
        case 3:
            return client::Place::after(place.id);
        default:
            return client::Place::last();
    }
}

// One op at a path.
template <class Apply>
Write write_at(sdk::Core& core, const std::string& channel, const std::string& path,
               std::vector<std::string> if_unchanged, const Apply& apply) {
    return core.push(
        channel,
        [&](client::Edit& edit) -> base::Result<void> {
            TANDEM_TRY(record::Path parsed, record::parse_path(path));
            apply(edit, std::move(parsed));
            return {};
        },
        std::move(if_unchanged));
}

// The path of an item, or of what is below it.
std::string path_in(const std::string& list, const ItemId& item, std::string_view below = {}) {
    std::string out;
    record::append_path(out, {{record::Segment::Kind::item, item.id}});
    out = list.empty() ? out : list + "/" + out;
    return below.empty() ? out : out + "/" + std::string(below);
}

}  // namespace

Result<Committed> Write::wait(std::chrono::milliseconds timeout) {
    if (error_) return *error_;
    return core_->wait(channel_, push_, timeout);
}

Write Conflict::restore(size_t loser) {
    return core_->restore(channel_, path, loser < losers.size() ? losers[loser] : Value());
}

Value Field::value() const { return sdk::from_base(core_->shown(channel_, path_)); }

Write Field::set(Value value, WriteOptions options) {
    std::vector<std::string> conditions;
    if (options.if_unchanged) conditions.push_back(path_);
    return write_at(*core_, channel_, path_, std::move(conditions),
                    [&](client::Edit& edit, record::Path path) {
                        base::Value plain = sdk::to_base(value);
                        if (plain.is_object()) {
                            edit.assign(std::move(path), std::move(plain));
                        } else {
                            edit.set(std::move(path), std::move(plain));
                        }
                    });
}

Write Field::remove() {
    return write_at(*core_, channel_, path_, {}, [](client::Edit& edit, record::Path path) {
        edit.remove_node(std::move(path));
    });
}

int64_t Counter::value() const {
    const base::Value value = core_->shown(channel_, path_);
    return value.is_integer() ? value.as_integer() : 0;
}

Write Counter::add(int64_t n) {
    return write_at(*core_, channel_, path_, {},
                    [&](client::Edit& edit, record::Path path) { edit.inc(std::move(path), n); });
}

Write Counter::set(int64_t value) {
    return write_at(*core_, channel_, path_, {}, [&](client::Edit& edit, record::Path path) {
        edit.counter_set(std::move(path), value);
    });
}

Value Set::value() const { return sdk::from_base(core_->shown(channel_, path_)); }

Write Set::add(Value element) {
    return write_at(*core_, channel_, path_, {}, [&](client::Edit& edit, record::Path path) {
        edit.add(std::move(path), sdk::to_base(element));
    });
}

Write Set::remove(Value element) {
    return write_at(*core_, channel_, path_, {}, [&](client::Edit& edit, record::Path path) {
        edit.remove(std::move(path), sdk::to_base(element));
    });
}

Value List::value() const { return sdk::from_base(core_->shown(channel_, path_)); }

std::vector<ItemId> List::items() const {
    std::vector<ItemId> out;
    const auto path = record::parse_path(path_);
    if (!path) return out;
    for (auto& item : core_->session().view(channel_).items(*path))
        out.push_back({std::move(item.id)});
    return out;
}

uint64_t List::total() const {
    const auto at = record::parse_path(path_);
    return at ? core_->session().total(channel_, *at) : 0;
}

ItemId List::insert(Value object, const Place& place) {
    ItemId item;
    (void)write_at(*core_, channel_, path_, {}, [&](client::Edit& edit, record::Path path) {
        item.id = edit.insert(path, to_client(place), sdk::to_base(object));
    });
    return item;
}

Write List::move(const ItemId& item, const Place& place) {
    return write_at(
        *core_, channel_, path_in(path_, item), {},
        [&](client::Edit& edit, const record::Path& path) { edit.move(path, to_client(place)); });
}

Write List::remove(const ItemId& item) {
    return write_at(
        *core_, channel_, path_in(path_, item), {},
        [](client::Edit& edit, record::Path path) { edit.remove_node(std::move(path)); });
}

Field List::field(const ItemId& item, std::string_view path) {
    return {*core_, channel_, path_in(path_, item, path)};
}

namespace {

template <class Apply>
void edit_at(void* edit, std::optional<Error>& error, std::string_view path, const Apply& apply) {
    auto parsed = record::parse_path(path);
    if (!parsed) {
        error = sdk::to_error(parsed.error());
        return;
    }
    apply(*static_cast<client::Edit*>(edit), std::move(*parsed));
}

}  // namespace

void Transaction::set(std::string_view path, Value value) {
    edit_at(edit_, error_, path, [&](client::Edit& edit, record::Path at) {
        base::Value plain = sdk::to_base(value);
        if (plain.is_object()) {
            edit.assign(std::move(at), std::move(plain));
        } else {
            edit.set(std::move(at), std::move(plain));
        }
    });
}

void Transaction::remove(std::string_view path) {
    edit_at(edit_, error_, path,
            [](client::Edit& edit, record::Path at) { edit.remove_node(std::move(at)); });
}

void Transaction::add(std::string_view counter, int64_t n) {
    edit_at(edit_, error_, counter,
            [&](client::Edit& edit, record::Path at) { edit.inc(std::move(at), n); });
}

void Transaction::add_element(std::string_view set, Value element) {
    edit_at(edit_, error_, set, [&](client::Edit& edit, record::Path at) {
        edit.add(std::move(at), sdk::to_base(element));
    });
}

void Transaction::remove_element(std::string_view set, Value element) {
    edit_at(edit_, error_, set, [&](client::Edit& edit, record::Path at) {
        edit.remove(std::move(at), sdk::to_base(element));
    });
}

ItemId Transaction::insert(std::string_view list, Value object, const Place& place) {
    ItemId item;
    edit_at(edit_, error_, list, [&](client::Edit& edit, const record::Path& at) {
        item.id = edit.insert(at, to_client(place), sdk::to_base(object));
    });
    return item;
}

Result<Committed> Channel::wait_ready(std::chrono::milliseconds timeout) {
    return core_->wait_ready(name_, timeout);
}

Result<Committed> Channel::select(const std::vector<std::string>& parts) {
    return core_->follow(name_, parts, sdk::Core::Following::only);
}
Result<Committed> Channel::load(const std::vector<std::string>& parts) {
    return core_->follow(name_, parts, sdk::Core::Following::also);
}

Value Channel::value() const { return sdk::from_base(core_->shown(name_, {})); }
Status Channel::status() const { return core_->status(name_); }

Write Channel::transact(const std::function<void(Transaction&)>& work, TransactOptions options) {
    return core_->transact(name_, work, std::move(options));
}

bool Channel::undo() {
    const bool has_done = core_->session().undo(core_->now(), name_) != 0;
    core_->pump();
    return has_done;
}

bool Channel::redo() {
    const bool has_done = core_->session().redo(core_->now(), name_) != 0;
    core_->pump();
    return has_done;
}

void Channel::set_presence(Value state) {
    core_->session().set_presence(core_->now(), name_, sdk::to_base(state));
    core_->pump();
}

void Channel::leave_presence() {
    core_->session().leave_presence(core_->now(), name_);
    core_->pump();
}

std::vector<Member> Channel::members() const {
    std::vector<Member> out;
    for (const auto& [id, member] : core_->session().members(name_))
        out.push_back({id, member.user, sdk::from_base(member.state)});
    return out;
}

void Channel::signal(std::string_view name, Value value) {
    core_->session().send_signal(core_->now(), name_, name, sdk::to_base(value));
    core_->pump();
}

Subscription Channel::on_change(std::function<void(const Change&)> callback) {
    return core_->listen(name_, sdk::Topic::change,
                         [callback](void* about) { callback(*static_cast<Change*>(about)); });
}

Subscription Channel::on_status(std::function<void(const Status&)> callback) {
    return core_->listen(name_, sdk::Topic::status,
                         [callback](void* about) { callback(*static_cast<Status*>(about)); });
}

Subscription Channel::on_conflict(std::function<void(Conflict&)> callback) {
    return core_->listen(name_, sdk::Topic::conflict,
                         [callback](void* about) { callback(*static_cast<Conflict*>(about)); });
}

Subscription Channel::on_signal(std::function<void(const Signal&)> callback) {
    return core_->listen(name_, sdk::Topic::signal,
                         [callback](void* about) { callback(*static_cast<Signal*>(about)); });
}

Subscription Channel::on_members(std::function<void()> callback) {
    return core_->listen(name_, sdk::Topic::members, [callback](void*) { callback(); });
}

Subscription Channel::on_refused(std::function<void(const Error&)> callback) {
    return core_->listen(name_, sdk::Topic::refused,
                         [callback](void* about) { callback(*static_cast<Error*>(about)); });
}

Result<Client> Client::open(ClientOptions options) {
    auto core = sdk::Core::open(std::move(options));
    if (!core) return core.error();
    return Client(std::move(*core));
}

Client::Client(std::unique_ptr<sdk::Core> core) : core_(std::move(core)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Channel Client::channel(std::string_view name, const SelectOptions& options) {
    core_->subscribe(name, options.select);
    return {*core_, std::string(name)};
}

int Client::fd() const { return core_->fd(); }
void Client::poll() { core_->poll(); }
void Client::run() { core_->run(); }
void Client::stop() { core_->stop(); }

}  // namespace tandem
