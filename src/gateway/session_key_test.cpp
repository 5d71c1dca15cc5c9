#include "gateway/session_key.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tandem::gateway {
namespace {

class Counting final : public port::Entropy {
  public:
    uint64_t next() override { return ++last_ * 0x9e3779b97f4a7c15; }

  private:
    uint64_t last_ = 0;
};

TEST(SessionKey, NamesItsShardAndIsNeverTheSame) {
    Counting entropy;
    std::set<std::string> seen;
    for (uint32_t shard = 0; shard < 64; ++shard)
        for (int i = 0; i < 16; ++i) {
            const std::string key = make_session_key(shard, entropy);
            EXPECT_EQ(key.size(), kSessionKeyChars);
            EXPECT_EQ(shard_of_session_key(key), shard);
            EXPECT_TRUE(seen.insert(key).second);
        }
}

// 17 bytes of it are random: two words and a byte of a third.
TEST(SessionKey, TakesMoreThan128BitsOfEntropy) {
    class Flipped final : public port::Entropy {
      public:
        explicit Flipped(uint64_t bit) : bit_(bit) {}
        uint64_t next() override {
            const uint64_t word = bit_ / 64 == calls_ ? uint64_t{1} << bit_ % 64 : 0;
            ++calls_;
            return word;
        }

      private:
        uint64_t bit_;
        uint64_t calls_ = 0;
    };
    std::set<std::string> seen;
    for (uint64_t bit = 0; bit < 136; ++bit) {
        Flipped entropy(bit);
        seen.insert(make_session_key(0, entropy));
    }
    EXPECT_EQ(seen.size(), 136U);
}

TEST(SessionKey, OtherTextIsNoKey) {
    Counting entropy;
    const std::string key = make_session_key(1, entropy);
    for (const std::string& text :
         {std::string(), key.substr(1), key + "A", key.substr(0, 23) + "=", key.substr(0, 23) + "+",
          std::string(24, '\0')})
        EXPECT_FALSE(shard_of_session_key(text).has_value()) << text;
}

}  // namespace
}  // namespace tandem::gateway
