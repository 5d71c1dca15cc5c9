#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/grant.hpp"
#include "base/result.hpp"
#include "record/op.hpp"

namespace tandem::hub {

/// What a register may hold; `any` for the other kinds.
enum class ValueType : uint8_t { any = 0, string = 1, number = 2, boolean = 3, json = 4 };

/// Who may write a field: who has the capability on the channel, or a claim of that value.
struct Writer {
    auth::Capabilities capability = 0;
    std::string claim;
    std::string value;
};

/// From the text of the configuration, `admin` or `claim:role=editor`; `invalid_argument`.
[[nodiscard]] base::Result<Writer> make_writer(std::string_view text);

/// What the schema says of the fields that a pattern matches.
struct FieldRule {
    std::vector<std::string> pattern;  ///< segments; "*" matches one key or item
    record::Kind kind = record::Kind::none;
    ValueType type = ValueType::any;
    record::Resolver resolver = record::Resolver::lww;
    /// Who may write it; any of them may. Empty: whoever may write the channel.
    std::vector<Writer> writers = {};
};

/// What editors may do with the texts of a namespace. Programs write them over HTTP all the same.
enum class TextAccess : uint8_t { write, read };

/// One `[namespaces.NAME]` of the configuration.
struct Namespace {
    std::string name;
    std::vector<FieldRule> fields;
    bool is_strict = false;  ///< refuse fields that no rule matches
    TextAccess text_access = TextAccess::write;

    /// The most exact rule for a path (literal segments before wildcards), or null. Borrowed.
    const FieldRule* rule_for(const record::Path& path) const;
};

/// A rule from the texts of the configuration: pattern `cards/*/text`, type one of
/// `string number boolean json counter set list map`, resolver `lww` (or empty), `max`, `min`,
/// `mean` (of numbers), `union` (of json), `text3` (of strings), `manual` or `agent`. Refuses with
/// `bad_path` (the pattern), `wrong_type` (the type is unknown), `unknown_operation` (the resolver
/// is unknown), `invalid_argument` (the resolver does not fit the type).
[[nodiscard]] base::Result<FieldRule> make_rule(std::string_view pattern, std::string_view type,
                                                std::string_view resolver);

/// Checks an op against the schema and fills in its resolver and declared kind. Refuses with
/// `wrong_type`, `bad_path`, `out_of_range`.
[[nodiscard]] base::Result<void> check_op(const Namespace& ns, record::Op& op);

/// Whether that grant (null: anybody's) may write what the op writes, by the rules of its own path,
/// of those above it, and of those below it that it writes, replaces or removes. Refuses with
/// `forbidden`.
[[nodiscard]] base::Result<void> check_writer(const Namespace& ns, std::string_view channel,
                                              const auth::Grant* grant, const record::Op& op);

/// An `assign` or `insert` names no resolvers for the members of its object. Those whose rule has
/// one other than `lww` are taken out of it and written by a `set` of their own behind it, with its
/// base; the state is the same but for the resolver, which the field has from its first value on.
/// For checked ops with fixed bases. Does nothing where the entry would get too many ops.
void carry_resolvers(const Namespace& ns, std::vector<record::Op>& ops);

}  // namespace tandem::hub
