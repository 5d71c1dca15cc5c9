#include "net/static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <utility>

#include "net/http_response.hpp"
#include "net/io_error.hpp"

namespace tandem::net {

namespace {

std::string make_etag(const struct stat& info) {
    std::string tag = "\"";
    tag.append(std::to_string(info.st_mtim.tv_sec)).append("-");
    tag.append(std::to_string(info.st_mtim.tv_nsec)).append("-");
    tag.append(std::to_string(info.st_size)).append("\"");
    return tag;
}

bool read_all(int fd, size_t size, std::string& out) {
    out.resize(size);
    size_t done = 0;
    while (done < size) {
        const ptrdiff_t got = ::read(fd, out.data() + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<size_t>(got);
    }
    return done == size;
}

bool is_servable_name(std::string_view name) {
    if (name.empty() || name.front() == '.') return false;
    for (const char c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == '/') return false;
    }
    return true;
}

}  // namespace

std::string_view content_type_of(std::string_view path) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kTypes{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/markdown; charset=utf-8"},
        {".xml", "application/xml"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
    }};
    for (const auto& [suffix, type] : kTypes) {
        if (path.ends_with(suffix)) return type;
    }
    return "application/octet-stream";
}

StaticFiles::StaticFiles(StaticFilesOptions options, UniqueFd directory)
    : options_(std::move(options)), directory_(std::move(directory)) {}

base::Result<StaticFiles> StaticFiles::open(StaticFilesOptions options) {
    UniqueFd directory(::open(options.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open()) {
        return io_error();
    }
    return StaticFiles(std::move(options), std::move(directory));
}

bool StaticFiles::covers(const HttpRequest& request) const {
    return request.path.starts_with(options_.url_prefix);
}

UniqueFd StaticFiles::open_file(std::string_view path) const {
    UniqueFd folder;
    int at = directory_.get();
    for (;;) {
        const size_t slash = path.find('/');
        const std::string name(path.substr(0, slash));
        if (!is_servable_name(name)) return {};
        if (slash == std::string_view::npos) {
            // Non-blocking, so that a pipe with this name cannot stop the reactor.
            return UniqueFd(
                ::openat(at, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        }
        UniqueFd next(::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next.is_open()) return {};
        folder = std::move(next);
        at = folder.get();
        path.remove_prefix(slash + 1);
    }
}

HttpResponse StaticFiles::serve(const HttpRequest& request) const {
    if (!covers(request)) return make_status_response(404);
    if (request.method != HttpMethod::kGet && request.method != HttpMethod::kHead) {
        HttpResponse refusal = make_status_response(405);
        refusal.headers.add("Allow", "GET, HEAD");
        return refusal;
    }
    std::string path = request.path.substr(options_.url_prefix.size());
    if (path.empty() || path.back() == '/') path.append("index.html");
    const UniqueFd file = open_file(path);
    struct stat info {};
    if (!file.is_open() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return make_status_response(404);
    }
    HttpResponse response;
    response.headers.add("ETag", make_etag(info));
    response.headers.add("Cache-Control", options_.cache_control);
    if (etag_matches(request.headers.get("if-none-match"), response.headers.get("etag"))) {
        response.status = 304;
        return response;
    }
    const auto size = static_cast<size_t>(info.st_size);
    if (size > options_.file_bytes_max) return make_status_response(413);
    // A file that shrinks while it is read would give a body of other bytes than its tag.
    if (!read_all(file.get(), size, response.body)) return make_status_response(503);
    response.headers.add("Content-Type", content_type_of(path));
    response.headers.add("X-Content-Type-Options", "nosniff");
    if (!options_.content_security_policy.empty()) {
        response.headers.add("Content-Security-Policy", options_.content_security_policy);
    }
    return response;
}

}  // namespace tandem::net
