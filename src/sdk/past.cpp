// The past of a channel, which the server is asked for over HTTP.

#include <atomic>
#include <charconv>
#include <utility>

#include "net/http_client.hpp"
#include "record/revert.hpp"
#include "sdk/core.hpp"
#include "sdk/http_answer.hpp"
#include "sdk/values.hpp"

namespace tandem {

namespace sdk {

/// What a view of the past reads.
struct PastState {
    record::View view;
};

namespace {

const base::Array& rows_of(const base::Value& json, std::string_view key, const base::Array& none) {
    const base::Value* found = json.find(key);
    return found != nullptr && found->is_array() ? found->as_array() : none;
}

std::chrono::system_clock::time_point time_of(const base::Value& json, std::string_view key) {
    return std::chrono::system_clock::time_point(std::chrono::milliseconds(number_of(json, key)));
}

// What a program says of a state: its place in the log, or its name.
std::string named(uint64_t seq) { return "at=" + std::to_string(seq); }
std::string named(std::string_view version) { return "version=" + net::percent_encode(version); }

}  // namespace

Core::Answer Core::ask(const std::string& channel, const Question& question) {
    if (!may_wait()) return {{}, to_error(base::fail(base::ErrorCode::would_block)), 0};
    net::HttpClientRequest request;
    request.method = question.method;
    request.target = "/api/v1/channels/" + net::percent_encode(channel) + question.what;
    request.body = question.body;
    request.tls = url_.tls;
    request.timeout_ms = static_cast<uint64_t>(std::max<int64_t>(question.timeout.count(), 1));
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    if (options_.token) request.headers.set("Authorization", "Bearer " + options_.token());
    if (executor_.has_own_thread()) return answer_of(net::http_fetch(url_.address, request));
    // The client goes on while a helper waits.
    std::optional<base::Result<net::HttpResponse>> response;
    std::atomic<bool> is_here{false};
    auto helper = start_thread([&] {
        response = net::http_fetch(url_.address, request);
        is_here.store(true, std::memory_order_release);
        reactor_->post([] {});
    });
    if (!helper) return {{}, to_error(base::fail(base::ErrorCode::io_failed)), 0};
    // It keeps to the time by itself.
    (void)run_until([&] { return is_here.load(std::memory_order_acquire); },
                    std::chrono::hours(24));
    helper->join();
    return answer_of(*response);
}

}  // namespace sdk

namespace {

using sdk::Core;

Result<std::pair<uint64_t, record::View>> load(Core& core, const std::string& channel,
                                               const std::string& which,
                                               std::chrono::milliseconds timeout) {
    Core::Question question;
    question.what = "/record?form=changes&" + which;
    question.timeout = timeout;
    const Core::Answer answer = core.ask(channel, question);
    if (answer.error) return *answer.error;
    record::View view;
    const base::Array none;
    for (const base::Value& row : sdk::rows_of(answer.json, "changes", none)) {
        const auto change = record::change_from_json(row);
        if (!change) return sdk::to_error(change.error());
        // Conflicts are of today.
        if (change->kind != record::ChangeKind::conflict) view.apply(*change);
    }
    return std::pair(sdk::number_of(answer.json, "seq"), std::move(view));
}

Write restore_to(Core& core, const std::string& channel, const std::string& which,
                 const std::string& label, const std::string& body,
                 std::chrono::milliseconds timeout) {
    const bool is_whole =
        core.call([&] { return core.session().selection_in_force(channel).is_whole(); });
    if (is_whole) {
        const auto then = load(core, channel, which, timeout);
        if (!then) return core.failed(then.error());
        Write write = core.call([&] {
            const auto ops = record::revert_ops(core.session().view(channel), then->second, {});
            client::PushOptions options;
            options.label = label;
            return core.push(
                channel,
                [&](client::Edit& edit) -> base::Result<void> {
                    edit.append(ops);
                    return {};
                },
                std::move(options));
        });
        const auto decided = write.wait(std::chrono::milliseconds(0));
        const bool is_too_large = !decided && (decided.error().code() == "too_large" ||
                                               decided.error().code() == "too_many_keys");
        if (!is_too_large) return write;
    }
    Core::Question question;
    question.method = net::HttpMethod::kPost;
    question.what = "/restore";
    question.body = body;
    question.timeout = timeout;
    const Core::Answer answer = core.ask(channel, question);
    return answer.error ? core.failed(*answer.error)
                        : core.committed(sdk::number_of(answer.json, "seq"));
}

std::string quoted(std::string_view text) {
    std::string out;
    base::append_json_string(out, text);
    return out;
}

}  // namespace

PastView::PastView(uint64_t seq, std::unique_ptr<const sdk::PastState> state)
    : seq_(seq), state_(std::move(state)) {}
PastView::~PastView() = default;
PastView::PastView(PastView&&) noexcept = default;
PastView& PastView::operator=(PastView&&) noexcept = default;

Value PastView::value(std::string_view path) const {
    const auto at = record::parse_path(path);
    if (!at) return {};
    base::Value shown = state_->view.shown(*at);
    if (at->empty() && shown.is_null()) shown = base::Value(base::Object{});
    return sdk::from_base(shown);
}

std::vector<ItemId> PastView::items(std::string_view list) const {
    std::vector<ItemId> out;
    const auto at = record::parse_path(list);
    if (!at) return out;
    for (record::View::Item& item : state_->view.items(*at))
        out.push_back({std::move(item.id)});
    return out;
}

Result<PastRange> Past::range() const {
    Core::Question question;
    // Only its number is wanted.
    question.what = "/record?path=%2F";
    question.timeout = timeout_;
    const Core::Answer head = core_->ask(channel_, question);
    if (head.error) return *head.error;
    const uint64_t newest = sdk::number_of(head.json, "seq");
    question.what = "/record?at=0";
    const Core::Answer first = core_->ask(channel_, question);
    if (!first.error) return PastRange{0, newest};
    if (first.error->code() != "state_gone") return *first.error;
    return PastRange{first.detail, newest};
}

Result<PastView> Past::at(uint64_t seq) const {
    auto then = load(*core_, channel_, sdk::named(seq), timeout_);
    if (!then) return then.error();
    auto state = std::make_unique<const sdk::PastState>(std::move(then->second));
    return PastView(then->first, std::move(state));
}

Result<PastView> Past::at(std::string_view version) const {
    auto then = load(*core_, channel_, sdk::named(version), timeout_);
    if (!then) return then.error();
    auto state = std::make_unique<const sdk::PastState>(std::move(then->second));
    return PastView(then->first, std::move(state));
}

Result<std::vector<PastChange>> Past::changes_between(uint64_t from, uint64_t to) const {
    std::vector<PastChange> out;
    const std::string end = to == 0 ? std::string() : "&to=" + std::to_string(to);
    for (std::optional<uint64_t> next = from; next;) {
        Core::Question question;
        question.what = "/changes?from=" + std::to_string(*next) + end;
        question.timeout = timeout_;
        const Core::Answer page = core_->ask(channel_, question);
        if (page.error) return *page.error;
        const base::Array none;
        for (const base::Value& row : sdk::rows_of(page.json, "changes", none)) {
            PastChange& change = out.emplace_back();
            change.seq = sdk::number_of(row, "seq");
            change.at = sdk::time_of(row, "when_ms");
            if (const base::Value* by = row.find("by"); by != nullptr)
                change.by = by->is_string() ? by->as_string() : base::to_json(*by);
            change.op = sdk::text_of(row, "op");
            change.path = sdk::text_of(row, "path");
            if (const base::Value* before = row.find("before"))
                change.before = sdk::from_base(*before);
            if (const base::Value* after = row.find("after")) change.after = sdk::from_base(*after);
        }
        const base::Value* more = page.json.find("next");
        next = more != nullptr && more->is_integer()
                   ? std::optional(static_cast<uint64_t>(more->as_integer()))
                   : std::nullopt;
    }
    return out;
}

Result<std::vector<Version>> Past::versions() const {
    Core::Question question;
    question.what = "/versions";
    question.timeout = timeout_;
    const Core::Answer answer = core_->ask(channel_, question);
    if (answer.error) return *answer.error;
    std::vector<Version> out;
    const base::Array none;
    for (const base::Value& row : sdk::rows_of(answer.json, "versions", none))
        out.push_back({sdk::text_of(row, "name"), sdk::number_of(row, "seq"),
                       sdk::time_of(row, "created_ms"), sdk::number_of(row, "bytes")});
    return out;
}

Result<Committed> Past::save_version(std::string_view name, std::optional<uint64_t> seq) const {
    Core::Question question;
    question.method = net::HttpMethod::kPost;
    question.what = "/versions";
    question.body = "{\"name\":" + quoted(name);
    if (seq) question.body += ",\"at\":" + std::to_string(*seq);
    question.body += "}";
    question.timeout = timeout_;
    const Core::Answer answer = core_->ask(channel_, question);
    if (answer.error) return *answer.error;
    return Committed{sdk::number_of(answer.json, "seq")};
}

Result<Done> Past::delete_version(std::string_view name) const {
    Core::Question question;
    question.method = net::HttpMethod::kDelete;
    question.what = "/versions?name=" + net::percent_encode(name);
    question.timeout = timeout_;
    const Core::Answer answer = core_->ask(channel_, question);
    if (answer.error) return *answer.error;
    return Done{};
}

Write Past::restore(uint64_t seq) const {
    return restore_to(*core_, channel_, sdk::named(seq), "Restore",
                      "{\"at\":" + std::to_string(seq) + "}", timeout_);
}

Write Past::restore(std::string_view version) const {
    return restore_to(*core_, channel_, sdk::named(version), "Restore " + std::string(version),
                      "{\"version\":" + quoted(version) + "}", timeout_);
}

}  // namespace tandem
