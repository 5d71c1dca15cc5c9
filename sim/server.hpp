#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub.hpp"
#include "port/entropy.hpp"
#include "sim/shadow.hpp"
#include "sim/text_editor.hpp"
#include "sim/vfs/fault_vfs.hpp"
#include "store/sqlite/inline_store.hpp"

namespace tandem::sim {

/// The server's machine: its disk, which stays, and the process on it, which comes and goes.
class Server {
  public:
    explicit Server(World& world);
    ~Server();

    /// Opens the store and starts a process; tries again later when that fails.
    void boot();
    /// The power goes off; comes back after some time.
    void crash(uint64_t down_ms);
    /// The process ends by itself; what the system holds for the disk stays.
    void exit(uint64_t down_ms);
    void shut_down(uint64_t down_ms);
    bool is_up() const { return hub_ != nullptr; }
    /// Another number for each process.
    uint64_t process() const { return process_; }

    void open(uint64_t id, hub::Codec codec, const std::string& subject);
    void close(uint64_t id, hub::Hub::Farewell farewell);
    void input(uint64_t id, std::string_view message);
    bool poll_transmit(uint64_t id, size_t budget, std::vector<hub::FramePtr>& out);

    using Answer = std::function<void(const hub::Reply&)>;
    /// False when nobody is there. An answer may never come, when the process ends.
    bool request(hub::Request request, Answer answer);

    bool has_backup() const { return !backup_.empty(); }
    void take_backup();
    /// Puts the backup in place, as `tandem restore` does, and starts again.
    void restore_backup(uint64_t down_ms);

    /// WorldBug::disk_lies: a crash brings back the disk as it is now.
    void remember_lie();

    void jump_clock(int64_t by_ms);
    /// The clock, or what it was before a jump that is so recent that a write may have been stamped
    /// before it.
    uint64_t highest_recent_wall_ms() const;
    FaultVfs& disk() { return vfs_; }
    const hub::Hub* hub() const { return hub_.get(); }
    /// The entries that the store holds, read past the hub.
    base::Result<port::StoreReply> read_store(const port::StoreRequest& request);
    /// No more faults of its own.
    void heal();

  private:
    struct Entropy final : port::Entropy {
        explicit Entropy(uint64_t seed) : dice(seed) {}
        uint64_t next() override { return dice.next(); }
        Dice dice;
    };

    hub::Now now() const;
    void input_decoded(uint64_t id, std::string_view message);
    void after_input();
    void run_store();
    void arm_timer();
    void end_process();
    void boot_after(uint64_t down_ms);
    bool finish_restore();

    World& world_;
    FaultVfs vfs_;
    Entropy entropy_;
    std::unique_ptr<store::InlineStore> store_;
    std::unique_ptr<WitnessStore> witness_;
    std::unique_ptr<hub::Hub> hub_;
    uint64_t process_ = 0;  ///< so that events of a former process do nothing
    bool is_flush_due_ = false;
    bool is_store_due_ = false;
    uint64_t timer_ms_ = UINT64_MAX;
    uint64_t last_request_ = 0;
    std::map<uint64_t, Answer> answers_;
    std::map<uint64_t, hub::Codec> codecs_;  ///< of open connections
    std::map<uint64_t, Room> rooms_;         ///< of those that are providers'
    int64_t wall_offset_ms_ = 1'700'000'000'000;
    uint64_t wall_before_jump_ms_ = 0;
    uint64_t jumped_at_ms_ = 0;
    DiskImage backup_;
    ShadowLogs::Marks backup_marks_;
    DiskImage lying_;
    bool must_fork_ = false;
    bool is_healed_ = false;
};

}  // namespace tandem::sim
