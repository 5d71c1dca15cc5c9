#include "yjs/client_list.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "yjs/clock_directory.hpp"

namespace tandem::yjs {
namespace {

class Dice {
  public:
    explicit Dice(uint32_t seed) : engine_(seed) {}
    uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

  private:
    std::mt19937 engine_;
};

/// A list beside a plain vector of the same items.
class ClientListTest : public testing::Test {
  protected:
    Handle item(uint32_t clock, uint32_t len) {
        const Handle made = pool_.add();
        pool_[made].clock = clock;
        pool_[made].len = len;
        return made;
    }
    uint32_t end() const { return model_.empty() ? 0 : pool_[model_.back()].end(); }

    void append(uint32_t len) {
        model_.push_back(item(end(), len));
        list_.append(model_.back(), pool_);
    }
    void append_run(uint32_t count, uint32_t len) {
        std::vector<Handle> fresh;
        // Handles that were given back need not follow each other.
        while (fresh.size() < count) {
            const Handle made = item(0, len);
            if (!fresh.empty() && made != fresh.back() + 1) fresh.clear();
            fresh.push_back(made);
        }
        for (const Handle made : fresh) {
            pool_[made].clock = end();
            model_.push_back(made);
        }
        list_.append_run(fresh.front(), count, pool_);
    }
    void split(size_t at, uint32_t len) {
        const Handle right = item(pool_[model_[at]].clock + len, pool_[model_[at]].len - len);
        pool_[model_[at]].len = len;
        list_.insert_after(list_.find(pool_[model_[at]].clock, pool_), right, pool_);
        model_.insert(model_.begin() + static_cast<ptrdiff_t>(at) + 1, right);
    }
    void join(size_t at) {
        const Handle gone = model_[at + 1];
        pool_[model_[at]].len += pool_[gone].len;
        list_.erase(list_.find(pool_[gone].clock, pool_), pool_);
        model_.erase(model_.begin() + static_cast<ptrdiff_t>(at) + 1);
        pool_.remove(gone);
    }
    void shift(size_t at, uint32_t len) {
        pool_[model_[at]].len -= len;
        Item& after = pool_[model_[at + 1]];
        const ClientList::Position position = list_.find(after.clock, pool_);
        after.clock -= len;
        after.len += len;
        list_.set_clock(position, after.clock);
    }

    void expect_same() {
        std::vector<Handle> seen;
        list_.for_each([&](Handle handle) { seen.push_back(handle); });
        ASSERT_EQ(seen, model_);
        ASSERT_EQ(list_.empty(), model_.empty());
        if (model_.empty()) return;
        ClientList::Position at = list_.last();
        for (size_t i = model_.size(); i-- > 0;) {
            ASSERT_EQ(list_.at(at), model_[i]);
            ASSERT_EQ(list_.previous(at), i > 0);
        }
        for (size_t i = 0; i < model_.size(); ++i) {
            ASSERT_EQ(list_.at(at), model_[i]);
            ASSERT_EQ(list_.next(at), i + 1 < model_.size());
            const Item& item = pool_[model_[i]];
            for (const uint32_t clock : {item.clock, item.last_clock()})
                ASSERT_EQ(list_.at(list_.find(clock, pool_)), model_[i]) << clock;
        }
    }

    ItemPool pool_;
    ClientList list_;
    std::vector<Handle> model_;
};

TEST_F(ClientListTest, IsWhatAVectorIsWhateverIsDoneToIt) {
    for (uint32_t seed = 0; seed < 40; ++seed) {
        Dice dice(seed);
        ItemPool().swap(pool_);
        list_ = {};
        model_.clear();
        for (int step = 0; step < 300; ++step) {
            const size_t at = model_.empty() ? 0 : dice() % model_.size();
            const bool has_next = at + 1 < model_.size();
            switch (dice() % 7) {
                case 0:
                case 1:
                    append(1 + dice() % 20);
                    break;
                case 2:
                    append_run(1 + dice() % (dice() % 10 == 0 ? 300 : 5), 1 + dice() % 20);
                    break;
                case 3:
                case 4:
                    if (!model_.empty() && pool_[model_[at]].len > 1)
                        split(at, 1 + dice() % (pool_[model_[at]].len - 1));
                    break;
                case 5:
                    if (has_next) join(at);
                    break;
                default:
                    if (dice() % 20 == 0)
                        list_.shrink();
                    else if (has_next && pool_[model_[at]].len > 1)
                        shift(at, 1 + dice() % (pool_[model_[at]].len - 1));
            }
            if (step % 20 == 0) expect_same();
            if (HasFatalFailure()) FAIL() << "seed " << seed << " step " << step;
        }
        expect_same();
    }
}

TEST_F(ClientListTest, ARunOfHandlesTakesNoMemory) {
    append_run(100, 3);
    EXPECT_EQ(list_.memory_bytes(), 0u);
    expect_same();
    split(50, 1);
    EXPECT_GT(list_.memory_bytes(), 0u);
    join(50);
    list_.shrink();
    EXPECT_EQ(list_.memory_bytes(), 0u) << "they follow each other again";
    expect_same();
}

class ClockDirectoryTest : public ClientListTest {
  protected:
    static constexpr ClientIndex kClient = 3;

    void open() { directory_.open(kClient, model_.data(), model_.size(), pool_); }
    ClockDirectory directory_;
};

TEST_F(ClockDirectoryTest, FindsNoOtherItemThanTheListDoes) {
    for (uint32_t seed = 0; seed < 60; ++seed) {
        Dice dice(seed);
        ItemPool().swap(pool_);
        list_ = {};
        model_.clear();
        const uint32_t longest = seed % 3 == 0 ? 1 : 1 + dice() % 200;
        const uint32_t count = 64 + dice() % 400;
        // Some are far longer than the others, so that a bucket holds many short ones.
        for (uint32_t i = 0; i < count; ++i)
            append(dice() % 50 == 0 ? 5'000 : 1 + dice() % longest);
        open();
        uint32_t found = 0;
        for (uint32_t clock = 0; clock < end(); ++clock) {
            const Handle guess = directory_.find(kClient, clock);
            if (guess == 0) continue;
            ++found;
            ASSERT_EQ(guess, list_.at(list_.find(clock, pool_))) << seed << ' ' << clock;
        }
        EXPECT_GT(found, end() / 2) << seed;
        EXPECT_EQ(directory_.find(kClient, end()), 0u);
        EXPECT_EQ(directory_.find(kClient, UINT32_MAX), 0u);
        EXPECT_EQ(directory_.find(kClient + 1, 0), 0u);
        directory_.close();
        EXPECT_EQ(directory_.find(kClient, 0), 0u);
    }
}

TEST_F(ClockDirectoryTest, StaysClosedForFewAndForThoseThatDoNotFollow) {
    for (int i = 0; i < 10; ++i)
        append(2);
    open();
    EXPECT_EQ(directory_.find(kClient, 0), 0u) << "few";
    for (int i = 0; i < 100; ++i)
        append(2);
    pool_[model_[70]].clock += 1;
    open();
    EXPECT_EQ(directory_.find(kClient, 0), 0u) << "a gap";
    pool_[model_[70]].clock -= 1;
    pool_[model_[0]].clock = 1;
    open();
    EXPECT_EQ(directory_.find(kClient, 1), 0u) << "does not begin at 0";
}

TEST_F(ClockDirectoryTest, ToldOfAnItemThatWasCutSinceItNamesTheFirstPart) {
    for (int i = 0; i < 100; ++i)
        append(10);
    open();
    const Handle whole = model_[40];
    split(40, 4);
    EXPECT_EQ(directory_.find(kClient, 409), whole);
}

}  // namespace
}  // namespace tandem::yjs
