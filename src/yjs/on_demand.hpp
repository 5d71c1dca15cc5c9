#pragma once

#include <memory>

namespace tandem::yjs {

/// A part that most objects never need: made when it is first asked for, a pointer until then.
template <class Part>
class OnDemand {
  public:
    /// Null while nobody has asked for it.
    Part* peek() const { return part_.get(); }
    Part* operator->() const { return &get(); }
    Part& get() const {
        if (!part_) [[unlikely]]
            make();
        return *part_;
    }
    void reset() { part_.reset(); }

  private:
    [[gnu::noinline]] void make() const { part_ = std::make_unique<Part>(); }

    /// Asking an object that cannot be changed for a part that is still empty makes it too.
    mutable std::unique_ptr<Part> part_;
};

}  // namespace tandem::yjs
