#include "product/hub_rig.hpp"
#include "yjs/hocuspocus.hpp"

// Tokens: what they permit on each surface of the hub, how they end, and whose actors are whose.
namespace tandem::hub {
namespace {

using namespace testing;
using base::ErrorCode;

/// Tokens are JSON texts of claims, and good as they are.
class TestGate final : public auth::Gate {
  public:
    [[nodiscard]] bool is_required() const override { return required; }
    [[nodiscard]] base::Result<auth::GrantPtr> check(std::string_view token,
                                                     uint64_t now_ms) const override {
        const auto claims = base::parse_json(token);
        if (!claims) return ErrorCode::token_invalid;
        auth::Grant grant;
        grant.subject = claims->find("sub")->as_string();
        grant.id = grant.subject;
        if (const auto* exp = claims->find("exp"))
            grant.expires_ms = static_cast<uint64_t>(exp->as_integer());
        if (const auto* info = claims->find("info")) grant.info = *info;
        grant.claims = *claims;
        grant.rights = *auth::Rights::read(*claims->find("cap"));
        if (grant.expires_ms <= now_ms) return ErrorCode::token_expired;
        if (is_revoked(grant)) return ErrorCode::token_revoked;
        return auth::GrantPtr(std::make_shared<const auth::Grant>(std::move(grant)));
    }
    [[nodiscard]] base::Result<auth::GrantPtr> check_api_key(std::string_view) const override {
        return ErrorCode::token_invalid;
    }
    [[nodiscard]] bool is_revoked(const auth::Grant& grant) const override {
        return revoked == grant.id;
    }
    [[nodiscard]] bool claim_actor(std::string_view subject, uint64_t actor) override {
        return owners.emplace(actor, subject).first->second == subject;
    }

    bool required = true;
    std::string revoked;
    std::map<uint64_t, std::string> owners;
};

std::string token(std::string_view sub, std::string_view cap, uint64_t exp = 0,
                  std::string_view more = "") {
    std::string out = R"({"sub":")" + std::string(sub) + R"(","cap":)" + std::string(cap);
    if (exp != 0) out += ",\"exp\":" + std::to_string(exp);
    return out + std::string(more) + '}';
}

class HubAuth : public ::testing::Test {
  protected:
    HubAuth() : rig(config(gate)) {}
    static Config config(TestGate& gate) {
        Config out = test_config();
        out.gate = &gate;
        FieldRule approved = *make_rule("cards/*/approved", "boolean", "");
        approved.writers = {*make_writer("admin"), *make_writer("claim:role=editor")};
        out.namespaces["typed"].fields.push_back(approved);
        return out;
    }
    ConnectionId join(const std::string& shown, Codec codec = Codec::binary) {
        const ConnectionId id = rig.open(codec);
        hello(id, shown);
        return id;
    }
    void hello(ConnectionId id, const std::string& shown) {
        wire::Hello frame;
        frame.client = "test";
        frame.token = shown;
        rig.send(id, frame);
    }
    /// The code of the one error that comes; empty: none.
    std::string error_of(ConnectionId id) {
        std::string code;
        if (rig.codecs[id] == Codec::json) {
            for (const base::Value& frame : rig.values(id))
                if (const auto* error = frame.find("error"))
                    code = error->find("code")->as_string();
            return code;
        }
        for (const auto& frame : rig.frames(id))
            if (const auto* error = std::get_if<wire::ErrorFrame>(&frame)) code = error->code;
        return code;
    }
    std::vector<ConnectionId> closing() {
        std::vector<ConnectionId> out;
        rig.hub->take_closing(out);
        return out;
    }
    std::string push(ConnectionId id, std::string_view ops, std::string_view channel = "t:a") {
        rig.send(id, std::string_view(R"({"push":{"channel":")" + std::string(channel) +
                                      R"(","ops":)" + std::string(ops) + "}}"));
        rig.settle();
        return error_of(id);
    }

    TestGate gate;
    Rig rig;
};

constexpr std::string_view kSet = R"([{"op":"set","path":"x","value":1}])";

TEST_F(HubAuth, WithoutATokenNothingIsPermitted) {
    const auto id = rig.open(Codec::json);
    rig.send(id, subscribe("t:a"));
    EXPECT_EQ(error_of(id), "unauthenticated");
    EXPECT_EQ(push(id, kSet), "unauthenticated");
    EXPECT_EQ(rig.head("t:a"), 0u);
}

TEST_F(HubAuth, AHelloWithoutATokenOrWithABadOneEndsTheConnection) {
    for (const std::string shown : {"", "no token"}) {
        const auto id = join(shown);
        EXPECT_EQ(error_of(id), shown.empty() ? "unauthenticated" : "token_invalid");
        EXPECT_EQ(closing(), std::vector{id});
        EXPECT_TRUE(rig.hub->refusal_of(id).has_value());
        rig.send(id, subscribe("t:a"));
        EXPECT_TRUE(rig.frames(id).empty()) << "nothing is answered any more";
    }
}

TEST_F(HubAuth, WhoShowsNoTokenInTimeIsClosed) {
    const auto id = rig.open();
    EXPECT_LE(rig.hub->next_timeout(), rig.now.mono_ms + rig.config.limits.auth_timeout_ms);
    rig.pass(rig.config.limits.auth_timeout_ms - 1);
    EXPECT_TRUE(closing().empty());
    rig.pass(1);
    EXPECT_EQ(closing(), std::vector{id});
    EXPECT_EQ(error_of(id), "unauthenticated");
}

TEST_F(HubAuth, WhoSendsTooMuchBeforeATokenIsClosed) {
    const auto id = rig.open(Codec::json);
    const std::string at_limit(rig.config.limits.auth_bytes_max, ' ');
    rig.send(id, std::string_view(at_limit));
    EXPECT_TRUE(closing().empty());
    rig.send(id, std::string_view(" "));
    EXPECT_EQ(closing(), std::vector{id});
}

TEST_F(HubAuth, EachOperationAsksForItsCapability) {
    const auto reader = join(token("ann", R"({"t:a":["read"]})"), Codec::json);
    rig.send(reader, subscribe("t:a"));
    EXPECT_EQ(error_of(reader), "");
    EXPECT_EQ(push(reader, kSet), "forbidden");
    rig.send(reader, wire::PresenceSet{"t:a", json("1"), false});
    EXPECT_EQ(error_of(reader), "forbidden");
    rig.send(reader, wire::SignalSend{"t:a", "ping", json("1")});
    EXPECT_EQ(error_of(reader), "forbidden");
    rig.send(reader, subscribe("t:b"));
    EXPECT_EQ(error_of(reader), "forbidden");
    const auto writer = join(token("bob", R"({"t:*":["write"]})"), Codec::json);
    EXPECT_EQ(push(writer, kSet), "");
    rig.send(writer, subscribe("t:a"));
    EXPECT_EQ(error_of(writer), "forbidden") << "writing is not reading";
    const auto all = join(token("cid", R"({"t:*":["read","presence","signal"]})"), Codec::json);
    rig.send(all, subscribe("t:a"));
    rig.send(all, wire::PresenceSet{"t:a", json("1"), false});
    rig.send(all, wire::SignalSend{"t:a", "ping", json("1")});
    EXPECT_EQ(error_of(all), "");
    for (const base::Value& frame : rig.values(reader))
        EXPECT_TRUE(frame.find("members") == nullptr && frame.find("signal") == nullptr);
}

TEST_F(HubAuth, PresenceIsWhoTheTokenSays) {
    const auto ann =
        join(token("ann", R"({"t:*":["read","presence"]})", 0, R"(,"info":{"name":"Ann"})"));
    rig.send(ann, subscribe("t:a", kAnn));
    rig.frames(ann);
    rig.send(ann, wire::PresenceSet{"t:a", json(R"({"user":"root"})"), false});
    const auto members = rig.only<wire::Members>(ann);
    ASSERT_EQ(members.joined.size(), 1u);
    EXPECT_EQ(members.joined[0].user, "ann");
    EXPECT_EQ(base::to_json(members.joined[0].info), R"({"name":"Ann"})");
}

TEST_F(HubAuth, ATokenEndsAndTheConnectionWithIt) {
    const auto id = join(token("ann", R"({"t:*":["read"]})", rig.now.wall_ms + 1000));
    rig.send(id, subscribe("t:a"));
    EXPECT_EQ(error_of(id), "");
    rig.pass(999);
    EXPECT_TRUE(closing().empty());
    rig.pass(1);
    EXPECT_EQ(closing(), std::vector{id});
    EXPECT_EQ(rig.hub->refusal_of(id), ErrorCode::token_expired);
    EXPECT_EQ(error_of(id), "token_expired");
}

TEST_F(HubAuth, AFreshTokenKeepsTheConnection) {
    const uint64_t start = rig.now.wall_ms;
    const auto id = join(token("ann", R"({"t:*":["read"]})", start + 1000));
    rig.send(id, subscribe("t:a"));
    rig.settle();
    rig.frames(id);
    rig.pass(900);
    hello(id, token("ann", R"({"t:*":["read","write"]})", start + 5000));
    EXPECT_EQ(error_of(id), "");
    rig.pass(3000);
    EXPECT_TRUE(closing().empty());
    EXPECT_EQ(rig.head("t:a"), 0u);
    rig.pass(1100);
    EXPECT_EQ(closing(), std::vector{id});
}

TEST_F(HubAuth, ABadRefreshLeavesTheOldTokenInForce) {
    const auto id = join(token("ann", R"({"t:*":["read"]})", rig.now.wall_ms + 1000));
    hello(id, "rubbish");
    EXPECT_EQ(error_of(id), "token_invalid");
    EXPECT_TRUE(closing().empty());
    hello(id, token("bob", R"({"t:*":["read"]})"));
    EXPECT_EQ(error_of(id), "token_invalid") << "a connection stays one subject's";
    rig.send(id, subscribe("t:a"));
    EXPECT_EQ(error_of(id), "");
}

TEST_F(HubAuth, ARefreshThatTakesReadingAwayEndsTheConnection) {
    const auto id = join(token("ann", R"({"t:*":["read"]})"));
    rig.send(id, subscribe("t:a"));
    rig.settle();
    rig.frames(id);
    hello(id, token("ann", R"({"t:b":["read"]})"));
    EXPECT_EQ(closing(), std::vector{id});
    EXPECT_EQ(error_of(id), "forbidden");
}

TEST_F(HubAuth, NothingIsDeliveredAfterARevocation) {
    const auto ann = join(token("ann", R"({"t:*":["read"]})"));
    const auto bob = join(token("bob", R"({"t:*":["read","write"]})"), Codec::json);
    rig.send(ann, subscribe("t:a"));
    rig.settle();
    rig.frames(ann);
    gate.revoked = "ann";
    rig.hub->recheck_grants(rig.now);
    EXPECT_EQ(closing(), std::vector{ann});
    EXPECT_EQ(push(bob, kSet), "");
    const auto frames = rig.frames(ann);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(std::get<wire::ErrorFrame>(frames[0]).code, "token_revoked");
    const auto again = join(token("ann", R"({"t:*":["read"]})"));
    EXPECT_EQ(error_of(again), "token_revoked");
}

TEST_F(HubAuth, AnActorIsItsSubjectsAlone) {
    const std::string cap = R"({"t:*":["read","write"]})";
    const auto ann = join(token("ann", cap));
    const auto mal = join(token("mal", cap));
    const auto frame = [](uint64_t counter) {
        wire::Push push;
        push.channel = "t:a";
        push.actor = kAnn;
        push.counter = counter;
        record::Op op;
        op.path = path("x");
        op.value = base::Value(1.0);
        record::encode_ops(push.ops, {op}, record::Form::pushed);
        return push;
    };
    rig.send(ann, frame(1));
    rig.settle();
    EXPECT_EQ(error_of(ann), "");
    rig.send(mal, frame(2));
    EXPECT_EQ(error_of(mal), "actor_unknown");
    // Nor does a subscription under it tell anything of it, or take its place.
    rig.send(mal, subscribe("t:a", kAnn));
    rig.settle();
    for (const auto& one : rig.frames(mal)) {
        if (const auto* subscribed = std::get_if<wire::Subscribed>(&one)) {
            EXPECT_EQ(subscribed->acked_counter, 0u);
        }
    }
    rig.send(ann, frame(2));
    rig.settle();
    EXPECT_EQ(error_of(ann), "");
    EXPECT_EQ(rig.head("t:a"), 2u);
}

TEST_F(HubAuth, AResumeIsACursorUnderAValidTokenAndNothingMore) {
    const auto bob = join(token("bob", R"({"t:*":["write"]})"), Codec::json);
    EXPECT_EQ(push(bob, kSet), "");
    wire::Subscribe resume = subscribe("t:a");
    resume.has_after = true;
    resume.after = 0;
    const auto mal = join(token("mal", R"({"t:b":["read"]})"));
    rig.send(mal, resume);
    rig.settle();
    EXPECT_EQ(error_of(mal), "forbidden");
}

TEST_F(HubAuth, FieldsAreWrittenByWhoMayWriteThem) {
    const std::string cap = R"({"typed:*":["read","write"]})";
    const auto user = join(token("ann", cap), Codec::json);
    const auto editor = join(token("ed", cap, 0, R"(,"role":"editor")"), Codec::json);
    const auto admin = join(token("root", R"({"typed:*":["read","write","admin"]})"), Codec::json);
    const auto write = [&](ConnectionId id, std::string_view ops) {
        return push(id, ops, "typed:1");
    };
    EXPECT_EQ(
        write(user, R"([{"op":"insert","path":"cards/@a","position":"M","value":{"text":"x"}}])"),
        "");
    const std::string_view approve = R"([{"op":"set","path":"cards/@a/approved","value":true}])";
    EXPECT_EQ(write(user, approve), "forbidden");
    EXPECT_EQ(write(editor, approve), "");
    EXPECT_EQ(write(admin, approve), "");
    // Not by the way of what holds it either.
    EXPECT_EQ(
        write(user,
              R"([{"op":"insert","path":"cards/@b","position":"N","value":{"approved":true}}])"),
        "forbidden");
    EXPECT_EQ(write(user, R"([{"op":"assign","path":"cards/@a","value":{}}])"), "forbidden");
    EXPECT_EQ(write(user, R"([{"op":"delete","path":"cards/@a"}])"), "forbidden");
    EXPECT_EQ(write(user, R"([{"op":"delete","path":"cards"}])"), "forbidden");
    EXPECT_EQ(write(user, R"([{"op":"assign","path":"","value":{}}])"), "forbidden");
    // Half of a push is never applied.
    const uint64_t before = rig.head("typed:1");
    EXPECT_EQ(
        write(
            user,
            R"([{"op":"set","path":"title","value":"x"},{"op":"set","path":"cards/@a/approved","value":false}])"),
        "forbidden");
    EXPECT_EQ(rig.head("typed:1"), before);
    EXPECT_EQ(write(user, R"([{"op":"set","path":"title","value":"x"}])"), "");
    EXPECT_EQ(write(user, R"([{"op":"set","path":"cards/@a/text","value":"y"}])"), "");
}

TEST_F(HubAuth, WhereTokensAreOptionalWhoBringsOneIsHeldToIt) {
    gate.required = false;
    const auto anybody = join("", Codec::json);
    EXPECT_EQ(push(anybody, kSet), "");
    const auto ann = join(token("ann", R"({"t:a":["read"]})"), Codec::json);
    EXPECT_EQ(push(ann, kSet), "forbidden");
}

TEST_F(HubAuth, TextsAreReadAndWrittenByTheirCapabilities) {
    const auto reader = join(token("ann", R"({"t:a":["read"]})"), Codec::json);
    // A question (step 1) with an empty state vector, then an update.
    rig.send(reader,
             std::string_view(R"({"text":{"channel":"t:a","message":"AAABAA==","ref":1}})"));
    rig.settle();
    const auto code_of_text = [&](ConnectionId id) {
        std::string code;
        for (const base::Value& frame : rig.values(id))
            if (const auto* text = frame.find("text"))
                if (const auto* refused = text->find("code")) code += refused->as_string();
        return code;
    };
    EXPECT_EQ(code_of_text(reader), "");
    const auto other = join(token("bob", R"({"t:b":["read"]})"), Codec::json);
    rig.send(other, std::string_view(R"({"text":{"channel":"t:a","message":"AAABAA==","ref":1}})"));
    rig.settle();
    EXPECT_EQ(code_of_text(other), "forbidden");
}

// What Hocuspocus' provider is told after a token: its scope, or why not.
TEST_F(HubAuth, WhoseTokenIsRefusedHearsOfItOnceAndNotOfAnother) {
    const ConnectionId id = rig.open(Codec::hocuspocus);
    const auto send = [&](std::string message) {
        rig.hub->handle_text(rig.now, id, {"t:a", "main", std::move(message), "t:a"});
        rig.settle();
        std::string told;
        for (const FramePtr& frame : rig.take(id)) {
            const auto read = yjs::read_hocuspocus_frame(frame->payload);
            if (read->message[0] == static_cast<char>(yjs::HocuspocusKind::auth))
                told += std::string(read->message.substr(3)) + ';';
        }
        return told;
    };
    const auto introduce = [&](std::string_view shown) {
        yjs::Buffer out;
        out.var_uint(static_cast<uint64_t>(yjs::HocuspocusKind::auth));
        out.var_uint(0);
        out.var_bytes(shown);
        return send(out.str());
    };
    const std::string question =
        yjs::sync_message(yjs::SyncStep::step1, yjs::encode_state_vector(yjs::StateVector()));
    EXPECT_EQ(send(question), "The connection has not presented a token. (unauthenticated);");
    EXPECT_EQ(introduce(token("bob", R"({"t:b":["read"]})")),
              "The token does not permit this. (forbidden);");
    // It was told; that it has shown none would be wrong.
    EXPECT_EQ(send(question), "");
    EXPECT_EQ(introduce("rubbish"),
              "The token's signature or claims are not valid. (token_invalid);");
    EXPECT_EQ(send(question), "");
    EXPECT_EQ(introduce(token("ann", R"({"t:a":["read"]})")), "readonly;");
    EXPECT_EQ(send(question), "");
    // Reading is taken away by the next one.
    EXPECT_EQ(introduce(token("ann", R"({"t:b":["read"]})")),
              "The token does not permit this. (forbidden);");
    EXPECT_EQ(send(question), "");
    EXPECT_EQ(introduce(token("ann", R"({"t:a":["read","write"]})")), "read-write;");
}

TEST(Writers, AreCapabilitiesOrClaims) {
    EXPECT_TRUE(make_writer("admin").ok());
    EXPECT_TRUE(make_writer("claim:role=editor").ok());
    for (const char* text : {"", "root", "claim:", "claim:role", "claim:=x", "role=editor"})
        EXPECT_FALSE(make_writer(text).ok()) << text;
}

}  // namespace
}  // namespace tandem::hub
