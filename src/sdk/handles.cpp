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
               const Apply& apply, WriteOptions options = {}) {
    return core.call([&] {
        client::PushOptions push;
        if (options.if_unchanged) push.if_unchanged.push_back(path);
        return core.push(
            channel,
            [&](client::Edit& edit) -> base::Result<void> {
                TANDEM_TRY(record::Path parsed, record::parse_path(path));
                apply(edit, std::move(parsed));
                return {};
            },
            std::move(push));
    });
}

Value shown_at(sdk::Core& core, const std::string& channel, const std::string& path) {
    return sdk::from_base(core.call([&] { return core.shown(channel, path); }));
}

// The path of an item, or of what is below it.
std::string path_in(const std::string& list, const ItemId& item, std::string_view below = {}) {
    std::string out;
    record::append_path(out, {{record::Segment::Kind::item, item.id}});
    out = list.empty() ? out : list + "/" + out;
    return below.empty() ? out : out + "/" + std::string(below);
}

}  // namespace

Subscription::~Subscription() {
    if (listener_) listener_->end();
}
Subscription& Subscription::operator=(Subscription&& other) noexcept {
    if (listener_ && listener_ != other.listener_) listener_->end();
    listener_ = std::move(other.listener_);
    return *this;
}

Result<Committed> Write::wait(std::chrono::milliseconds timeout) {
    if (error_) return *error_;
    if (committed_) return *committed_;
    // One that was never made.
    if (core_ == nullptr) return sdk::to_error(base::fail(base::ErrorCode::invalid_argument));
    return core_->wait(channel_, push_, timeout);
}

Write Conflict::resolve(Value value) const {
    return core_->call([&] { return core_->resolve(*this, value); });
}

Write Conflict::restore(size_t loser) const {
    return resolve(loser < losers.size() ? losers[loser] : Value());
}

Value Field::value() const { return shown_at(*core_, channel_, path_); }

Write Field::set(Value value, WriteOptions options) {
    return write_at(
        *core_, channel_, path_,
        [&](client::Edit& edit, record::Path path) {
            base::Value plain = sdk::to_base(value);
            if (plain.is_object())
                edit.assign(std::move(path), std::move(plain));
            else
                edit.set(std::move(path), std::move(plain));
        },
        options);
}

Write Field::remove() {
    return write_at(*core_, channel_, path_, [](client::Edit& edit, record::Path path) {
        edit.remove_node(std::move(path));
    });
}

int64_t Counter::value() const {
    const base::Value value = core_->call([&] { return core_->shown(channel_, path_); });
    return value.is_integer() ? value.as_integer() : 0;
}

Write Counter::add(int64_t n) {
    return write_at(*core_, channel_, path_,
                    [&](client::Edit& edit, record::Path path) { edit.inc(std::move(path), n); });
}

Write Counter::set(int64_t value) {
    return write_at(*core_, channel_, path_, [&](client::Edit& edit, record::Path path) {
        edit.counter_set(std::move(path), value);
    });
}

Value Set::value() const { return shown_at(*core_, channel_, path_); }

Write Set::add(Value element) {
    return write_at(*core_, channel_, path_, [&](client::Edit& edit, record::Path path) {
        edit.add(std::move(path), sdk::to_base(element));
    });
}

Write Set::remove(Value element) {
    return write_at(*core_, channel_, path_, [&](client::Edit& edit, record::Path path) {
        edit.remove(std::move(path), sdk::to_base(element));
    });
}

Value List::value() const { return shown_at(*core_, channel_, path_); }

std::vector<ItemId> List::items() const {
    std::vector<ItemId> out;
    const auto path = record::parse_path(path_);
    if (!path) return out;
    auto items = core_->call([&] { return core_->session().view(channel_).items(*path); });
    for (auto& item : items)
        out.push_back({std::move(item.id)});
    return out;
}

uint64_t List::total() const {
    const auto at = record::parse_path(path_);
    if (!at) return 0;
    return core_->call([&] { return core_->session().total(channel_, *at); });
}

ItemId List::insert(Value object, const Place& place, Write* write) {
    ItemId item;
    Write done =
        write_at(*core_, channel_, path_, [&](client::Edit& edit, const record::Path& path) {
            item.id = edit.insert(path, to_client(place), sdk::to_base(object));
        });
    if (write != nullptr) *write = std::move(done);
    return item;
}

Write List::move(const ItemId& item, const Place& place) {
    return write_at(
        *core_, channel_, path_in(path_, item),
        [&](client::Edit& edit, const record::Path& path) { edit.move(path, to_client(place)); });
}

Write List::remove(const ItemId& item) {
    return write_at(
        *core_, channel_, path_in(path_, item),
        [](client::Edit& edit, record::Path path) { edit.remove_node(std::move(path)); });
}

Field List::field(const ItemId& item, std::string_view path) {
    return {*core_, channel_, path_in(path_, item, path)};
}

bool History::undo() {
    return core_->call([&] { return core_->take_back(channel_, sdk::Core::Step::undo); });
}
bool History::redo() {
    return core_->call([&] { return core_->take_back(channel_, sdk::Core::Step::redo); });
}
bool History::can_undo() const {
    return core_->call([&] { return core_->session().can_undo(channel_); });
}
bool History::can_redo() const {
    return core_->call([&] { return core_->session().can_redo(channel_); });
}
std::string History::undo_label() const {
    return core_->call([&] { return core_->session().undo_label(channel_); });
}
std::string History::redo_label() const {
    return core_->call([&] { return core_->session().redo_label(channel_); });
}

void Presence::set(Value state) {
    core_->call([&] {
        core_->session().set_presence(core_->now(), channel_, sdk::to_base(state));
        core_->pump();
    });
}

void Presence::leave() {
    core_->call([&] {
        core_->session().leave_presence(core_->now(), channel_);
        core_->pump();
    });
}

std::vector<Member> Presence::others() const {
    return core_->call([&] {
        std::vector<Member> out;
        const std::string self = core_->session().self(channel_);
        for (const auto& [id, member] : core_->session().members(channel_))
            if (id != self) out.push_back({id, member.user, sdk::from_base(member.state)});
        return out;
    });
}

Result<Committed> Channel::wait_ready(std::chrono::milliseconds timeout) {
    return core_->wait_ready(name_, timeout);
}

Result<Committed> Channel::select(const std::vector<std::string>& parts) {
    return core_->call([&] { return core_->follow(name_, parts, sdk::Core::Following::only); });
}
Result<Committed> Channel::load(const std::vector<std::string>& parts) {
    return core_->call([&] { return core_->follow(name_, parts, sdk::Core::Following::also); });
}

Value Channel::value() const { return shown_at(*core_, name_, {}); }
Status Channel::status() const {
    return core_->call([&] { return core_->status(name_); });
}

Write Channel::transact(const std::function<void(Tx&)>& work, TransactOptions options) {
    return core_->call([&] { return core_->transact(name_, work, std::move(options)); });
}

Value Channel::read() {
    return core_->call([&] { return core_->read(name_); });
}
Write Channel::assign(Value object) {
    return core_->call([&] { return core_->assign(name_, object); });
}

std::vector<Conflict> Channel::conflicts() const {
    return core_->call([&] { return core_->conflicts(name_); });
}

void Channel::signal(std::string_view name, Value value) {
    core_->call([&] {
        core_->session().send_signal(core_->now(), name_, name, sdk::to_base(value));
        core_->pump();
    });
}

namespace {

// `About` is what the topic tells.
template <class About, class Callback>
Subscription listen(sdk::Core& core, const std::string& channel, sdk::Topic topic,
                    Callback callback) {
    return core.call([&] {
        return core.listen(channel, topic, [callback = std::move(callback)](const void* about) {
            callback(*static_cast<const About*>(about));
        });
    });
}

}  // namespace

Subscription Channel::on_change(std::function<void(const Change&)> callback) {
    return listen<Change>(*core_, name_, sdk::Topic::change, std::move(callback));
}

Subscription Channel::on_status(std::function<void(const Status&)> callback) {
    return listen<Status>(*core_, name_, sdk::Topic::status, std::move(callback));
}

Subscription Channel::on_conflict(std::function<void(Conflict&)> callback) {
    return listen<Conflict>(
        *core_, name_, sdk::Topic::conflict,
        [callback = std::move(callback)](Conflict conflict) { callback(conflict); });
}

Subscription Channel::on_signal(std::function<void(const Signal&)> callback) {
    return listen<Signal>(*core_, name_, sdk::Topic::signal, std::move(callback));
}

Subscription Channel::on_members(std::function<void()> callback) {
    return listen<Done>(*core_, name_, sdk::Topic::members,
                        [callback = std::move(callback)](const Done&) { callback(); });
}

Subscription Channel::on_refused(std::function<void(const Error&)> callback) {
    return listen<Error>(*core_, name_, sdk::Topic::refused, std::move(callback));
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
    core_->call([&] { core_->subscribe(name, options.select); });
    return {*core_, std::string(name)};
}

int Client::fd() const {
    return core_->call([&] { return core_->fd(); });
}
void Client::poll() { core_->poll(); }
void Client::run() { core_->run(); }
void Client::stop() { core_->stop(); }

}  // namespace tandem
