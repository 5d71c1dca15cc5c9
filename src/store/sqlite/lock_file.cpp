#include "store/sqlite/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tandem::store {

using base::ErrorCode;
using base::fail;

namespace {

base::Error system_failure() { return fail(ErrorCode::io_failed, static_cast<uint64_t>(errno)); }

}  // namespace

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

LockFile::~LockFile() {
    if (fd_ >= 0) ::close(fd_);
}

base::Result<LockFile> LockFile::take(const std::string& path) {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return system_failure();
    LockFile lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return fail(ErrorCode::storage_locked);
        return system_failure();
    }
    return lock;
}

std::string folder_of(const std::string& path) {
    size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

base::Status sync_folder(const std::string& folder) {
    int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_failure();
    bool synced = ::fsync(fd) == 0;
    base::Error error = synced ? base::Error{} : system_failure();
    ::close(fd);
    if (!synced) return error;
    return {};
}

}  // namespace tandem::store
