#include "store/sqlite/timed_files.hpp"

#include "store/sqlite/steady_clock.hpp"

namespace tandem::store {

TimedFiles::TimedFiles() : system_(sqlite3_vfs_find(nullptr)) {
    if (system_ == nullptr) return;
    name_ = "tandem-timed-" + std::to_string(reinterpret_cast<uintptr_t>(this));
    static_cast<sqlite3_vfs&>(vfs_) = *system_;
    vfs_.owner = this;
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.xOpen = &TimedFiles::open;
    if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) name_.clear();
}

TimedFiles::~TimedFiles() {
    if (!name_.empty()) sqlite3_vfs_unregister(&vfs_);
}

int TimedFiles::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                     int* out_flags) {
    TimedFiles& self = *static_cast<Vfs*>(vfs)->owner;
    const int code = self.system_->xOpen(self.system_, path, file, flags, out_flags);
    if (file->pMethods != nullptr) file->pMethods = self.methods_for(file->pMethods);
    return code;
}

const TimedFiles::Methods* TimedFiles::methods_for(const sqlite3_io_methods* timed) {
    const std::lock_guard lock(mutex_);
    for (const auto& known : methods_)
        if (known->timed == timed) return known.get();
    auto made = std::make_unique<Methods>();
    static_cast<sqlite3_io_methods&>(*made) = *timed;
    made->xSync = &TimedFiles::sync;
    made->timed = timed;
    made->times = &sync_times_;
    methods_.push_back(std::move(made));
    return methods_.back().get();
}

int TimedFiles::sync(sqlite3_file* file, int flags) {
    const auto& methods = *static_cast<const Methods*>(file->pMethods);
    const uint64_t began_ns = steady_ns();
    const int code = methods.timed->xSync(file, flags);
    methods.times->record_shared(steady_ns() - began_ns);
    return code;
}

}  // namespace tandem::store
