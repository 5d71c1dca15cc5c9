// A whole object that a program writes becomes the ops that it means.

#include "hub/channel.hpp"
#include "record/detect.hpp"

namespace tandem::hub {

using base::ErrorCode;
using base::Value;

namespace {

// The id of an item makes its position unique; a position must not end in a zero.
constexpr std::string_view kPositionTail = "V";

class SchemaContext : public record::DocumentContext {
  public:
    SchemaContext(const record::Document& document, const Namespace& ns)
        : DocumentContext(document), namespace_(ns) {}
    record::Kind declared(const record::Path& path) const override {
        const FieldRule* rule = namespace_.rule_for(path);
        return rule == nullptr ? record::Kind::none : rule->kind;
    }

  private:
    const Namespace& namespace_;
};

}  // namespace

base::Result<uint64_t> Channel::seq_read(const WholeWrite& whole) const {
    TANDEM_TRY(const uint64_t seen, effective_base(whole.base));
    // Without what its author has read, nobody can tell which fields a state means to change.
    if (is_lost(whole.base)) return base::fail(ErrorCode::precondition_failed, head_);
    return seen;
}

base::Result<void> Channel::convert_whole(PendingPush& push) const {
    const WholeWrite& whole = *push.whole;
    const record::Document& read = whole.read != nullptr ? *whole.read : document_;
    TANDEM_TRY(push.ops, record::detect_changes(read.shown({}), whole.state,
                                                SchemaContext(read, namespace_), kPositionTail));
    for (record::Op& op : push.ops) {
        TANDEM_CHECK(record::check_op(op));
        op.base = whole.base;
        if (whole.is_conditional) push.if_unchanged.push_back(op.path);
    }
    if (whole.is_conditional) push.condition_base = whole.base;
    return {};
}

}  // namespace tandem::hub
