#include "sim/vfs/fault_disk.hpp"

#include <algorithm>

namespace tandem::sim {

namespace {

constexpr uint64_t kSectorBytes = 512;

}  // namespace

// SplitMix64.
uint64_t Dice::next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

void FaultFile::apply(std::string& content, const Write& write) {
    if (write.is_truncate) {
        content.resize(write.offset, '\0');
        return;
    }
    uint64_t end = write.offset + write.bytes.size();
    if (content.size() < end) content.resize(end, '\0');
    std::copy(write.bytes.begin(), write.bytes.end(),
              content.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

void FaultFile::write(uint64_t offset, std::string_view bytes) {
    pending_.push_back({false, offset, std::string(bytes)});
    apply(data_, pending_.back());
}

void FaultFile::truncate(uint64_t size) {
    pending_.push_back({true, size, {}});
    apply(data_, pending_.back());
}

void FaultFile::sync() {
    for (const Write& write : pending_)
        apply(durable_, write);
    pending_.clear();
}

// Pieces end at sector boundaries and never reach outside of the write: SQLite counts on a write
// not damaging what is beside it.
void FaultFile::keep_pieces(const Write& write, Dice& dice) {
    if (write.is_truncate) {
        if (dice.below(2) == 0) apply(durable_, write);
        return;
    }
    uint64_t at = 0;
    while (at < write.bytes.size()) {
        uint64_t in_sector = kSectorBytes - (write.offset + at) % kSectorBytes;
        uint64_t size = std::min<uint64_t>(in_sector, write.bytes.size() - at);
        uint64_t kept = size;
        // One piece in 16 is torn within.
        if (dice.below(16) == 0) kept = dice.below(size + 1);
        if (dice.below(2) == 0 && kept != 0) {
            apply(durable_, {false, write.offset + at, write.bytes.substr(at, kept)});
        }
        at += size;
    }
}

void FaultFile::lose_some(Dice& dice) {
    for (const Write& write : pending_)
        keep_pieces(write, dice);
    pending_.clear();
}

void FaultFile::crash(Dice& dice) {
    uint64_t kind = dice.below(4);
    if (kind == 0) {
        pending_.clear();
    } else if (kind == 1) {
        sync();
    } else if (kind == 2 && !pending_.empty()) {
        size_t whole = dice.below(pending_.size());
        for (size_t i = 0; i < whole; ++i)
            apply(durable_, pending_[i]);
        keep_pieces(pending_[whole], dice);
    } else {
        for (const Write& write : pending_)
            keep_pieces(write, dice);
    }
    pending_.clear();
    data_ = durable_;
}

FaultDisk::FileRef FaultDisk::find(const std::string& name) const {
    auto found = names_.find(name);
    return found == names_.end() ? nullptr : found->second;
}

FaultDisk::FileRef FaultDisk::create(const std::string& name) {
    return names_[name] = std::make_shared<FaultFile>();
}

void FaultDisk::sync(const std::string& name, const FileRef& file) {
    file->sync();
    auto found = names_.find(name);
    if (found != names_.end() && found->second == file) durable_names_[name] = file;
}

void FaultDisk::remove(const std::string& name, bool synced) {
    names_.erase(name);
    if (synced) durable_names_.erase(name);
}

void FaultDisk::crash(Dice& dice) {
    std::map<std::string, FileRef> left;
    auto all = names_;
    all.insert(durable_names_.begin(), durable_names_.end());
    for (const auto& [name, unused] : all) {
        auto now = names_.find(name);
        auto durable = durable_names_.find(name);
        bool newest = dice.below(2) == 0;
        if (now != names_.end() && durable != durable_names_.end() &&
            now->second == durable->second) {
            left[name] = now->second;
        } else if (newest) {
            if (now != names_.end()) left[name] = now->second;
        } else if (durable != durable_names_.end()) {
            left[name] = durable->second;
        }
    }
    for (auto& [name, file] : left)
        file->crash(dice);
    names_ = left;
    durable_names_ = std::move(left);
}

DiskImage FaultDisk::image() const {
    DiskImage image;
    for (const auto& [name, file] : names_)
        image[name] = file->data();
    return image;
}

void FaultDisk::restore(const DiskImage& image) {
    names_.clear();
    for (const auto& [name, content] : image) {
        FileRef file = create(name);
        file->write(0, content);
        file->sync();
    }
    durable_names_ = names_;
}

uint64_t FaultDisk::bytes() const {
    uint64_t bytes = 0;
    for (const auto& [name, file] : names_)
        bytes += file->data().size();
    return bytes;
}

}  // namespace tandem::sim
