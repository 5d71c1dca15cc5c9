#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::sdk {

enum class Topic : uint8_t {
    change,
    status,
    conflict,
    signal,
    members,
    refused,
    text_change,  ///< of the key of a text, in place of the channel
    text_refused,
};

/// One callback of the program. It is not called once `end` has returned, whichever threads both
/// are on; a callback may end itself.
class Listener {
  public:
    explicit Listener(std::function<void(const void*)> call) : call_(std::move(call)) {}
    void tell(const void* about) {
        const std::lock_guard lock(mutex_);
        if (!is_ended_) call_(about);
    }
    void end() {
        const std::lock_guard lock(mutex_);
        is_ended_ = true;
    }

  private:
    std::recursive_mutex mutex_;
    bool is_ended_ = false;
    std::function<void(const void*)> call_;
};

/// Hands what is to be told to the callbacks, by way of the program's dispatcher if it has one.
class Listeners {
  public:
    using Dispatch = std::function<void(std::function<void()>)>;
    explicit Listeners(Dispatch dispatch) : dispatch_(std::move(dispatch)) {}

    /// The program's subscription and the calls that are on their way own the listener.
    std::shared_ptr<Listener> add(std::string_view channel, Topic topic,
                                  std::function<void(const void*)> call) {
        auto listener = std::make_shared<Listener>(std::move(call));
        all_.push_back({std::string(channel), topic, listener});
        return listener;
    }
    bool has(std::string_view channel, Topic topic) const {
        for (const Registered& one : all_)
            if (one.topic == topic && one.channel == channel && !one.listener.expired())
                return true;
        return false;
    }
    template <class About>
    void tell(std::string_view channel, Topic topic, const About& about) {
        for (auto& listener : listeners_of(channel, topic)) {
            if (dispatch_)
                dispatch_([listener = std::move(listener), about] { listener->tell(&about); });
            else
                listener->tell(&about);
        }
    }
    std::vector<std::shared_ptr<Listener>> take_all() {
        std::vector<std::shared_ptr<Listener>> out;
        for (const Registered& one : std::exchange(all_, {}))
            if (auto listener = one.listener.lock()) out.push_back(std::move(listener));
        return out;
    }

  private:
    struct Registered {
        std::string channel;
        Topic topic;
        std::weak_ptr<Listener> listener;
    };

    // A copy: a callback may end its own subscription, or begin others.
    std::vector<std::shared_ptr<Listener>> listeners_of(std::string_view channel, Topic topic) {
        std::vector<std::shared_ptr<Listener>> out;
        std::erase_if(all_, [](const Registered& one) { return one.listener.expired(); });
        for (const Registered& one : all_)
            if (one.topic == topic && one.channel == channel)
                if (auto listener = one.listener.lock()) out.push_back(std::move(listener));
        return out;
    }

    Dispatch dispatch_;
    std::vector<Registered> all_;
};

}  // namespace tandem::sdk
