#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/value.hpp"
#include "hub/requests.hpp"
#include "net/http_parser.hpp"
#include "net/http_types.hpp"

namespace tandem::gateway {

/// What is wrong with the request at hand, where the words of the catalogue are too general for it;
/// what is empty here is said in the catalogue's words.
struct Told {
    std::string what;
    std::string hint;
};

/// What a request is about, as far as errors of the hub mean something of their own for it.
enum class About : uint8_t {
    other,
    seq,
    range,
    version_name,
    hashes,
    whole_state,
    text,
    text_edit,
    text_past,
    text_version
};
[[nodiscard]] About about(const hub::Request& request);
[[nodiscard]] Told told_of(base::Error error, About about);

[[nodiscard]] net::HttpResponse make_refusal(base::Error error, std::string_view channel,
                                             const std::string& docs_url, const Told& told = {});

/// The answer to what is no request that could be handled; `status` is what the parser says, and
/// `body_bytes_max` how much it takes.
[[nodiscard]] net::HttpResponse make_failure(int status, const std::string& docs_url,
                                             size_t body_bytes_max = net::kHttpBodyBytesMaxDefault);

/// What is told of the first member that is not `known`; nothing: all are.
[[nodiscard]] std::optional<Told> unknown_member(const base::Value& body,
                                                 std::initializer_list<std::string_view> known);
/// The same for the ops of a write.
[[nodiscard]] std::optional<Told> unknown_op_member(const base::Value& ops);

/// A body that is to be a JSON object; `told` is set when it is none.
[[nodiscard]] base::Result<base::Value> object_in(const std::string& body, Told& told);

}  // namespace tandem::gateway
