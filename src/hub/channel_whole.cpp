// A whole object that a program writes becomes the ops that it means.

#include "hub/channel.hpp"
#include "record/detect.hpp"

namespace tandem::hub {

using base::ErrorCode;
using base::Value;

namespace {

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

base::Result<void> Channel::convert_whole(PendingPush& push) const {
    const WholeWrite& whole = *push.whole;
    TANDEM_TRY(const uint64_t seen, effective_base(whole.base));
    const bool is_head = document_.changed_seq({}) <= seen;
    Value shown;
    if (is_head) shown = document_.shown({});
    const Value* before = is_head ? &shown : read_states.at(seen);
    // Without what the author has read, nobody can tell which fields it means to change.
    if (before == nullptr) return base::fail(ErrorCode::precondition_failed, head_);
    TANDEM_TRY(push.ops,
               record::detect_changes(*before, whole.state, SchemaContext(document_, namespace_),
                                      position_tail(assigned_ + 1, 0)));
    if (push.ops.size() > base::kOpsPerPushMax) return base::fail(ErrorCode::too_large);
    for (record::Op& op : push.ops) {
        TANDEM_CHECK(record::check_op(op));
        op.base = whole.base;
        if (whole.is_conditional) push.if_unchanged.push_back(op.path);
    }
    if (whole.is_conditional) push.condition_base = whole.base;
    return {};
}

}  // namespace tandem::hub
