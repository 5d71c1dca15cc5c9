#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "record/selection.hpp"
#include "record/view.hpp"
#include "sim/network.hpp"
#include "sim/profile.hpp"

namespace tandem::sim {

/// A program that follows parts of records over tandem.v1.json, changes them while it is connected,
/// and comes back from where it was. It writes nothing.
class PartReader final : public Endpoint {
  public:
    explicit PartReader(World& world);
    void start();
    void heal();
    /// What is wrong when all is quiet; empty: nothing.
    std::string judge(const std::string& channel) const;

    void handle_open(uint64_t connection) override;
    void handle_close(uint64_t connection) override;
    void handle_message(uint64_t connection, std::string_view message) override;

  private:
    struct Followed {
        bool has_view = false;
        uint64_t seq = 0;
        uint64_t check = 0;
        std::string epoch;
        record::View view;
        record::Selection in_force;
        record::Selection asked;
        uint64_t version = 0;
        bool is_answered = false;  ///< the newest `subscribe`
        bool is_other = false;     ///< it asked for another part than the view's
        bool is_in_pieces = false;
        uint64_t pieces_from = 0;
    };

    void dial();
    void act();
    void subscribe(const std::string& channel);
    void forget(const std::string& channel);
    std::string difference(const std::string& channel, const Followed& followed) const;
    template <class Json>
    void handle_frame(const std::string& name, const Json& body);
    template <class Json>
    void take_changes(const std::string& channel, const std::string& name, const Json& body);

    World& world_;
    Dice dice_;
    uint64_t connection_ = 0;
    bool is_open_ = false;
    std::map<std::string, Followed> followed_;
};

}  // namespace tandem::sim
