#include "server/store_errors.hpp"

#include <cerrno>
#include <cstring>

namespace tandem::server {

Problem explain_store_error(base::Error error, const std::string& path) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::storage_locked:
            return {"the store " + path + " is in use by another process",
                    "Stop that server first, or choose another folder with --data."};
        case ErrorCode::storage_corrupt:
            return {"the store " + path + " is damaged or is no Tandem store",
                    "Keep the file, and bring a backup back with `tandem restore BACKUP --data "
                    "DIR`."};
        case ErrorCode::storage_newer:
            return {"the store " + path + " was written by a newer version (format " +
                        std::to_string(error.detail) + ")",
                    "Start that version, or choose another folder with --data."};
        case ErrorCode::storage_full:
            return {"there is no space left for the store " + path, "Free space and start again."};
        case ErrorCode::io_failed:
            if (error.detail == EIO)
                return {"the disk of the store " + path + " failed: " + std::strerror(EIO),
                        "Look into the system's log for what the disk says. What was acknowledged "
                        "is read again when the disk works."};
            return {"the store " + path +
                        " cannot be opened: " + std::strerror(static_cast<int>(error.detail)),
                    "Check that the folder exists and that this user may write to it."};
        default:
            return {"the store " + path + ": " + std::string(base::error_message(error.code)),
                    std::string(base::error_hint(error.code))};
    }
}

}  // namespace tandem::server
