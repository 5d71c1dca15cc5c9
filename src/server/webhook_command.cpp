#include "server/webhook_command.hpp"

#include <cstdio>

#include "base/base64.hpp"
#include "base/value.hpp"
#include "hooks/signature.hpp"
#include "server/random.hpp"
#include "server/remote.hpp"

namespace tandem::server {

namespace {

constexpr const char* kTarget = "/api/v1/webhooks";

}  // namespace

int run_webhooks_list(const WebhookCommand& command) {
    base::Value answer;
    if (const int code = get_json(command.url, kTarget, answer); code != 0) return code;
    const base::Value* rows = answer.find("webhooks");
    if (rows == nullptr || !rows->is_array()) return 1;
    if (command.is_json) {
        for (const base::Value& row : rows->as_array())
            print_line(base::to_json(row));
        return 0;
    }
    if (rows->as_array().empty()) {
        std::printf("No webhooks are configured (docs/webhooks.md).\n");
        return 0;
    }
    Table table({"NAME", "STATE", "DELIVERED", "FAILED", "BEHIND", "LAST FAILURE", "URL"});
    for (const base::Value& row : rows->as_array()) {
        std::string failure;
        if (const uint64_t at_ms = number_of(row, "last_failed_ms"); at_ms != 0)
            failure = time_text(at_ms) + " " + text_of(row, "last_reason");
        const base::Value* behind = row.find("behind");
        const bool is_counted = behind != nullptr && behind->is_integer();
        table.add({text_of(row, "name"), text_of(row, "state"),
                   std::to_string(number_of(row, "delivered")),
                   std::to_string(number_of(row, "failed")),
                   is_counted ? std::to_string(behind->as_integer()) : "not counted", failure,
                   text_of(row, "url")});
    }
    table.print();
    return 0;
}

int run_webhooks_action(const WebhookCommand& command, const std::string& action) {
    base::Value body(base::Object{});
    body.put("name", base::Value(command.name));
    body.put("action", base::Value(action));
    base::Value answer;
    if (const int code =
            send_json(command.url, net::HttpMethod::kPost, kTarget, base::to_json(body), answer);
        code != 0)
        return code;
    if (command.is_json) print_line(base::to_json(answer));
    if (const base::Value* delivered = answer.find("delivered"); delivered != nullptr) {
        if (*delivered == base::Value(true)) {
            if (!command.is_json)
                std::printf("%s took it in %llu ms.\n", command.name.c_str(),
                            static_cast<unsigned long long>(number_of(answer, "ms")));
            return 0;
        }
        std::fprintf(stderr, "tandem: %s did not take it: %s\n", command.name.c_str(),
                     text_of(answer, "reason").c_str());
        return 1;
    }
    if (!command.is_json)
        std::printf(
            "%s is %s.\n", command.name.c_str(),
            answer.find("disabled") != nullptr && *answer.find("disabled") == base::Value(true)
                ? "disabled"
                : "told");
    return 0;
}

int run_webhooks_secret() {
    SystemEntropy entropy;
    std::string key;
    while (key.size() < 32) {
        const uint64_t number = entropy.next();
        for (int shift = 0; shift < 64; shift += 8)
            key += static_cast<char>(number >> shift & 255);
    }
    std::printf("%s%s\n", std::string(hooks::kSecretPrefix).c_str(), base::to_base64(key).c_str());
    return 0;
}

}  // namespace tandem::server
