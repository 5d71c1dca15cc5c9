#include "sdk/whole_record.hpp"

#include <utility>

#include "record/detect.hpp"

namespace tandem::sdk {

namespace {

class ViewContext final : public record::DetectContext {
  public:
    ViewContext(const record::View& view, const std::set<record::Path>& removed)
        : view_(view), removed_(removed) {}
    record::Kind kind(const record::Path& path) const override { return view_.shown_kind(path); }
    // A client has no schema; what is there tells how it is kept.
    record::Kind declared(const record::Path&) const override { return record::Kind::none; }
    std::vector<record::Document::ItemView> items(const record::Path& list) const override {
        std::vector<record::Document::ItemView> out;
        for (record::View::Item& item : view_.items(list))
            out.push_back({std::move(item.id), std::move(item.position), item.has_position});
        return out;
    }
    // Of what others removed a view knows nothing.
    bool is_hidden_item(const record::Path& path) const override { return removed_.contains(path); }

  private:
    const record::View& view_;
    const std::set<record::Path>& removed_;
};

}  // namespace

base::Value WholeRecord::value() const {
    base::Value shown = shown_.shown({});
    return shown.is_object() ? shown : base::Value(base::Object{});
}

base::Result<std::vector<record::Op>> WholeRecord::changes_to(const base::Value& after,
                                                              std::string_view tail) const {
    return record::detect_changes(value(), after, ViewContext(shown_, removed_), tail);
}

void WholeRecord::note_written(const std::vector<record::Op>& ops, uint64_t push) {
    for (const record::Op& op : ops) {
        shown_.apply_plain(op, {0, push});
        const bool is_item = !op.path.empty() && op.path.back().is_item();
        if (is_item && op.kind == record::OpKind::remove_node) removed_.insert(op.path);
    }
}

void WholeRecord::read(record::View shown, client::Seen seen) {
    shown_ = std::move(shown);
    seen_ = std::move(seen);
}

}  // namespace tandem::sdk
