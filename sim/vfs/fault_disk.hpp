#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sim {

/// A small seeded generator, so that one seed gives one history on every platform.
class Dice {
  public:
    explicit Dice(uint64_t seed) : state_(seed) {}
    uint64_t next();
    /// Below `bound`, which is not 0.
    uint64_t below(uint64_t bound) { return next() % bound; }

  private:
    uint64_t state_;
};

/// The bytes of one file: what a running system sees, what is on the platter, and the writes that
/// are in one but not yet in the other.
class FaultFile {
  public:
    const std::string& data() const { return data_; }
    const std::string& durable() const { return durable_; }

    void write(uint64_t offset, std::string_view bytes);
    void truncate(uint64_t size);
    void sync();
    /// A sync that fails: some of the writes reach the platter, and no later sync brings the
    /// others, although the running system goes on showing them.
    void lose_some(Dice& dice);
    /// A power cut: of the unsynced writes none, all, a prefix whose last one is torn, or any
    /// subset of their 512-byte pieces stays.
    void crash(Dice& dice);

  private:
    struct Write {
        bool is_truncate = false;
        uint64_t offset = 0;  ///< the new size, of a truncation
        std::string bytes;
    };

    static void apply(std::string& content, const Write& write);
    void keep_pieces(const Write& write, Dice& dice);

    std::string data_;
    std::string durable_;
    std::vector<Write> pending_;
};

/// What a stopped machine has on its disk.
using DiskImage = std::map<std::string, std::string>;

/// A folder of files that can lose power.
///
/// Names become durable as on a journalling file system that SQLite's own VFS uses: a new file's
/// name by the first sync of the file, a removal by a synced removal or by the next sync of a new
/// file of that name. Until then a power cut may lose a new file or bring a removed one back.
class FaultDisk {
  public:
    // Shared, because an open handle keeps a removed file, as on POSIX.
    using FileRef = std::shared_ptr<FaultFile>;

    FileRef find(const std::string& name) const;
    FileRef create(const std::string& name);
    void sync(const std::string& name, const FileRef& file);
    void remove(const std::string& name, bool synced);
    void crash(Dice& dice);

    DiskImage image() const;
    void restore(const DiskImage& image);
    uint64_t bytes() const;

  private:
    std::map<std::string, FileRef> names_;
    std::map<std::string, FileRef> durable_names_;
};

}  // namespace tandem::sim
