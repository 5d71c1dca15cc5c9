#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http_types.hpp"
#include "net/unique_fd.hpp"

namespace tandem::net {

struct StaticFilesOptions {
    std::string directory;
    std::string url_prefix = "/";                                // Begins and ends with '/'.
    std::string content_security_policy = "default-src 'self'";  // Not sent when empty.
    std::string cache_control = "no-cache";
    size_t file_bytes_max = 32U * 1024 * 1024;
};

// Serves the files below one directory. Names that begin with a dot are not served and symbolic
// links are not followed, so that nothing outside the directory can be reached. Files are read
// when they are asked for: it is meant for pages and scripts of a few hundred KiB.
class StaticFiles {
  public:
    // Errors: io_failed with errno when the directory does not open.
    [[nodiscard]] static base::Result<StaticFiles> open(StaticFilesOptions options);

    [[nodiscard]] bool covers(const HttpRequest& request) const;
    // 200, 304, 404, 405 or 413. A path that ends in '/' gives its index.html.
    [[nodiscard]] HttpResponse serve(const HttpRequest& request) const;

  private:
    StaticFiles(StaticFilesOptions options, UniqueFd directory);
    // Opens without following links; not open when there is no such file to be served.
    [[nodiscard]] UniqueFd open_file(std::string_view path) const;

    StaticFilesOptions options_;
    UniqueFd directory_;
};

[[nodiscard]] std::string_view content_type_of(std::string_view path);

}  // namespace tandem::net
