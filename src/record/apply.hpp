#pragma once

#include <vector>

#include "record/document_impl.hpp"

namespace tandem::record {

/// One entry on its way into a document.
class Applier {
  public:
    Applier(Document::Impl& document, const Entry& entry);

    void run();

  private:
    void apply(const Op& op);
    /// The node at the path of an op, or null where the op ends early.
    Node* approach(const Op& op);
    void write_register(Node& node, const base::Value& value);
    void write_object(Node& node, const base::Value& object);
    void write_counter(Node& node, const Op& op);
    /// Replaces the seen siblings of a register, or of an item's position, by one of this entry.
    void write_sibling(std::vector<Sibling>& siblings, Node& node, base::Value value,
                       Resolver resolver);
    void increment(Node& node, int64_t n);
    /// A removed counter is there again, whole, for an op that has seen no removal of it, and gone
    /// for one that has.
    void revive_counter(Node& node);
    void drop_counter(Node& node);
    void add_element(Node& node, const base::Value& value);
    void remove_element(Node& node, const base::Value& value);
    void write_position(Item& item, const std::string& position);
    void remember(Node& node, Kind kind, const Op& op);

    // What a resolver computes, and what it needs for that (docs/merge.md, section 2.1).
    void use_resolver(Node& node, Resolver resolver);
    void note_base(Node& node);
    void bring_blend_in_line(Node& node);
    void note_version(Node& node);

    // Removing seen content (docs/merge.md, section 4).
    void remove_slot(Node& node, Kind slot);
    void remove_content(Node& node);
    void clear_other_slots(Node& node, Kind kept);
    void remove_item(Item& item);
    void renew(Item& item);
    void lose_seen(SetSlot& slot, Element& element, Node& node);

    Node& child_of(Node& node, std::string_view name);
    Item& item_of(Node& node, std::string_view id);

    // Bringing kinds, recency and rows in line after the ops.
    void touch(Node& node);
    void change(Node& node);
    void settle();
    void reorder();
    void settle(Node& node);
    void reconcile(Node& node);
    void reconcile_below(Node& node);

    Tag tag() const { return {entry_.seq, entry_.actor, entry_.counter}; }
    Dot dot() const { return {entry_.actor, entry_.counter}; }

    Document::Impl& document_;
    const Entry& entry_;
    Seen seen_;
    std::vector<Node*> touched_;        ///< parents before children
    std::vector<const Node*> decided_;  ///< where an op of this entry was a decision
    std::string scratch_;
};

}  // namespace tandem::record
