#include "hub/config.hpp"

#include "base/value.hpp"

namespace tandem::hub {

base::Result<const Namespace*> find_namespace(const Config& config, std::string_view channel) {
    const size_t colon = channel.find(':');
    if (channel.size() > base::kChannelNameBytesMax || colon == std::string_view::npos ||
        colon == 0 || colon + 1 == channel.size() || !base::is_key(channel))
        return base::fail(base::ErrorCode::bad_channel);
    const auto found = config.namespaces.find(channel.substr(0, colon));
    if (found == config.namespaces.end()) return base::fail(base::ErrorCode::unknown_namespace);
    return &found->second;
}

}  // namespace tandem::hub
