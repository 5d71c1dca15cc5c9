#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::server {

/// What `tandem export` writes: JSON lines. The first is the head with the format, the server's
/// address and the prefix of the names; then one line a channel, with its absolute changes and its
/// texts, each as an update of Yjs in base64; the last one says that nothing is missing.
inline constexpr std::string_view kExportFormat = "tandem-export-2";
/// The former one: a head that tells the format only, and no last line.
inline constexpr std::string_view kFormerExportFormat = "tandem-export-1";

/// "1 channel", "2 channels".
[[nodiscard]] std::string counted(uint64_t count, std::string_view what);

}  // namespace tandem::server
