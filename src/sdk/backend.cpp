#include "tandem/backend.hpp"

#include <algorithm>
#include <utility>

#include "base/value.hpp"
#include "net/http_client.hpp"
#include "net/url.hpp"
#include "sdk/http_answer.hpp"
#include "sdk/values.hpp"

namespace tandem {

namespace {

// Ten days: what is added to a clock must not overflow.
constexpr int64_t kTimeoutMaxMs = 10LL * 24 * 3600 * 1000;

std::string quoted_path(std::string_view path) {
    std::string out;
    base::append_json_string(out, path);
    return out;
}

std::string op_of(std::string_view kind, std::string_view path, const std::string& member) {
    std::string out = "[{\"op\":\"";
    return out.append(kind).append("\",\"path\":") + quoted_path(path) + member + "}]";
}

// Something else may answer on that port, with whatever JSON it has.
bool has_seq(const base::Value& json) {
    const base::Value* seq = json.find("seq");
    return seq != nullptr && seq->is_integer() && seq->as_integer() >= 0;
}

Error no_tandem() { return sdk::to_error(base::fail(base::ErrorCode::protocol_error)); }

Stored stored_of(const base::Value& json) {
    return {sdk::number_of(json, "seq"), json.find("duplicate") != nullptr,
            json.find("unchanged") != nullptr};
}

}  // namespace

class Backend::Impl {
  public:
    Impl(net::Url url, std::chrono::milliseconds timeout, std::function<std::string()> token)
        : url_(std::move(url)),
          token_(std::move(token)),
          timeout_ms_(
              static_cast<uint64_t>(std::clamp<int64_t>(timeout.count(), 1, kTimeoutMaxMs))) {}

    sdk::HttpAnswer ask(net::HttpMethod method, std::string_view channel,
                        const std::string& parameters, const BackendWrite& write,
                        std::string body) const {
        net::HttpClientRequest request;
        request.method = method;
        request.target =
            "/api/v1/channels/" + net::percent_encode(channel) + "/record" + parameters;
        request.timeout_ms = timeout_ms_;
        request.tls = url_.tls;
        request.body = std::move(body);
        if (token_) request.headers.set("Authorization", "Bearer " + token_());
        if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
        if (!write.if_version.empty())
            request.headers.set("If-Match", '"' + write.if_version + '"');
        if (!write.idempotency_key.empty())
            request.headers.set("Idempotency-Key", write.idempotency_key);
        return sdk::answer_of(net::http_fetch(url_.address, request));
    }

    Result<Stored> write(net::HttpMethod method, std::string_view channel,
                         const std::string& parameters, const BackendWrite& write,
                         std::string body) const {
        const sdk::HttpAnswer answer = ask(method, channel, parameters, write, std::move(body));
        if (answer.error) return *answer.error;
        if (!has_seq(answer.json)) return no_tandem();
        return stored_of(answer.json);
    }

  private:
    net::Url url_;
    std::function<std::string()> token_;
    uint64_t timeout_ms_;
};

Backend::Backend(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Backend::~Backend() = default;
Backend::Backend(Backend&&) noexcept = default;
Backend& Backend::operator=(Backend&&) noexcept = default;

Result<Backend> Backend::open(BackendOptions options) {
    auto url = net::open_url(options.url, options.ca_file);
    if (!url) return sdk::to_error(url.error());
    return Backend(
        std::make_unique<Impl>(std::move(*url), options.timeout, std::move(options.token)));
}

Result<ReadRecord> Backend::get(std::string_view channel, std::string_view path) const {
    const std::string parameters = path.empty() ? "" : "?path=" + net::percent_encode(path);
    const sdk::HttpAnswer answer = impl_->ask(net::HttpMethod::kGet, channel, parameters, {}, {});
    if (answer.error) return *answer.error;
    if (!has_seq(answer.json)) return no_tandem();
    ReadRecord read;
    if (const base::Value* value = answer.json.find("value")) read.value = sdk::from_base(*value);
    read.seq = sdk::number_of(answer.json, "seq");
    read.version = sdk::text_of(answer.json, "epoch") + "-" + std::to_string(read.seq);
    return read;
}

Result<Stored> Backend::set(std::string_view channel, std::string_view path, const Value& value,
                            const BackendWrite& write) const {
    return apply(channel, op_of("set", path, ",\"value\":" + value.to_json()), write);
}

Result<Stored> Backend::add(std::string_view channel, std::string_view counter, int64_t by,
                            const BackendWrite& write) const {
    return apply(channel, op_of("inc", counter, ",\"value\":" + std::to_string(by)), write);
}

Result<Stored> Backend::erase(std::string_view channel, std::string_view path,
                              const BackendWrite& write) const {
    return apply(channel, op_of("delete", path, {}), write);
}

Result<Stored> Backend::apply(std::string_view channel, std::string_view ops,
                              const BackendWrite& write) const {
    return impl_->write(net::HttpMethod::kPatch, channel, {}, write,
                        "{\"ops\":" + std::string(ops) + "}");
}

Result<Stored> Backend::replace(std::string_view channel, std::string_view object,
                                const BackendWrite& write) const {
    const std::string parameters =
        write.base.empty() ? std::string() : "?base=" + net::percent_encode(write.base);
    return impl_->write(net::HttpMethod::kPut, channel, parameters, write, std::string(object));
}

}  // namespace tandem
