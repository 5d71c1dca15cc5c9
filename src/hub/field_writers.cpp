// Who may write which field.

#include <algorithm>
#include <optional>
#include <string>

#include "hub/schema.hpp"

namespace tandem::hub {

using base::ErrorCode;
using record::OpKind;

namespace {

constexpr std::string_view kClaim = "claim:";

bool is_writer(const std::vector<Writer>& writers, auth::Capabilities rights,
               const auth::Grant& grant) {
    return std::any_of(writers.begin(), writers.end(), [&](const Writer& writer) {
        return (rights & writer.capability) != 0 ||
               (!writer.claim.empty() && grant.claims_that(writer.claim, writer.value));
    });
}

// Whether the pattern and the path are the same as far as both go.
bool is_on_one_line(const FieldRule& rule, const record::Path& path) {
    const size_t common = std::min(rule.pattern.size(), path.size());
    for (size_t i = 0; i < common; ++i)
        if (rule.pattern[i] != "*" && rule.pattern[i] != path[i].name) return false;
    return true;
}

bool has_member(const base::Value& value, const std::vector<std::string>& pattern, size_t at) {
    if (at == pattern.size()) return true;
    if (!value.is_object()) return false;
    return std::any_of(value.as_object().begin(), value.as_object().end(),
                       [&](const base::Member& member) {
                           return (pattern[at] == "*" || pattern[at] == member.key) &&
                                  has_member(member.value, pattern, at + 1);
                       });
}

// Of a field below the op's path.
bool reaches_down(const record::Op& op, const FieldRule& rule) {
    switch (op.kind) {
        case OpKind::set:
        case OpKind::assign:
        case OpKind::remove_node:
            // What is there goes with it, whatever comes in its place.
            return true;
        case OpKind::insert:
            return has_member(op.value, rule.pattern, op.path.size());
        case OpKind::inc:
        case OpKind::counter_set:
        case OpKind::add:
        case OpKind::remove:
        case OpKind::move:
            break;
    }
    return false;
}

}  // namespace

base::Result<Writer> make_writer(std::string_view text) {
    Writer writer;
    if (const auto capability = auth::capability_of(text)) {
        writer.capability = static_cast<auth::Capabilities>(*capability);
        return writer;
    }
    const size_t equals = text.find('=');
    if (!text.starts_with(kClaim) || equals == std::string_view::npos || equals <= kClaim.size())
        return ErrorCode::invalid_argument;
    writer.claim = text.substr(kClaim.size(), equals - kClaim.size());
    writer.value = text.substr(equals + 1);
    return writer;
}

base::Result<void> check_writer(const Namespace& ns, std::string_view channel,
                                const auth::Grant* grant, const record::Op& op) {
    if (grant == nullptr) return {};
    std::optional<auth::Capabilities> rights;
    for (const FieldRule& rule : ns.fields) {
        if (rule.writers.empty() || !is_on_one_line(rule, op.path)) continue;
        if (rule.pattern.size() > op.path.size() && !reaches_down(op, rule)) continue;
        if (!rights) rights = grant->rights.on(channel);
        if (!is_writer(rule.writers, *rights, *grant)) return ErrorCode::forbidden;
    }
    return {};
}

}  // namespace tandem::hub
