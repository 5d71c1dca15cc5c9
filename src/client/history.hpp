#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "client/types.hpp"
#include "record/op.hpp"
#include "record/view.hpp"

namespace tandem::client {

/// An op that takes another one back, and when it may: a later write of somebody else is left
/// alone.
struct Inverse {
    enum class Guard : uint8_t {
        always = 0,
        shows_value = 1,    ///< `guard_path` shows `guard_value`, which the undone op wrote
        absent = 2,         ///< there is nothing at the op's path, as the undone op left it
        with_previous = 3,  ///< the inverse before it went through
    };
    record::Op op;
    Guard guard = Guard::always;
    record::Path guard_path;
    base::Value guard_value;
};

/// What one push did, to be taken back in this order.
struct Step {
    PushId push = 0;
    std::string label;  ///< what a user calls it; the step that takes it back has the same
    std::vector<Inverse> inverses;
};

/// The ops that take `ops` back, computed from the view before them. `dot` names their push.
std::vector<Inverse> invert(const record::View& before, const std::vector<record::Op>& ops,
                            record::Dot dot);

/// Ops that write again what `view` shows at a path; nothing for nothing.
void rebuild(const record::View& view, const record::Path& path, std::vector<record::Op>& out);

/// The steps of one channel. Only own pushes are in it; undoing is a push like any other.
class History {
  public:
    enum class Origin : uint8_t { user = 0, undo = 1, redo = 2 };

    bool can_undo() const { return !undo_.empty(); }
    bool can_redo() const { return !redo_.empty(); }
    /// Of the newest step; empty when there is none.
    std::string undo_label() const { return undo_.empty() ? std::string() : undo_.back().label; }
    std::string redo_label() const { return redo_.empty() ? std::string() : redo_.back().label; }
    /// A step made by a user's push ends what could be redone.
    void add(Step step, Origin origin, size_t steps_max);
    struct Taken {
        std::vector<record::Op> ops;
        std::string label;
    };
    /// The ops of the newest step that still have an effect; the step leaves the history.
    Taken take_undo(const record::View& shown) { return take(undo_, shown); }
    Taken take_redo(const record::View& shown) { return take(redo_, shown); }
    /// A refused push has nothing to take back.
    void forget(PushId push);

  private:
    static Taken take(std::deque<Step>& steps, const record::View& shown);

    std::deque<Step> undo_;
    std::deque<Step> redo_;
};

}  // namespace tandem::client
