/* Two clients of the C interface, as the tests run them: abi_behaviour URL CHANNEL. What is wrong
   is told by its line, and the exit code is 1. */

#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tandem/tandem.h"

#define CHECK(condition)                                                 \
    do {                                                                 \
        if (!(condition)) {                                              \
            printf("line %d: %s does not hold\n", __LINE__, #condition); \
            return 1;                                                    \
        }                                                                \
    } while (0)

static tandem_client* ada;
static tandem_client* grace;
static const char* channel;
static int member_calls = 0;
static int conflict_calls = 0;
static char last_signal[256];

static void on_members(void* user) { ++*(int*)user; }
static void on_conflict(void* user, const char* path) {
    if (strcmp(path, "title") == 0) ++*(int*)user;
}
static void on_signal(void* user, const char* from, const char* name, const char* json) {
    if (from[0] != '\0') snprintf((char*)user, sizeof last_signal, "%s %s", name, json);
}

/* Whether the text is in what a function gave, which is freed. */
static int has(char* given, const char* text) {
    const int has_it = given != NULL && strstr(given, text) != NULL;
    tandem_free(given);
    return has_it;
}

static int ada_shows(const char* path, const char* json) {
    return has(tandem_get(ada, channel, path), json);
}
static int grace_shows(const char* path, const char* json) {
    return has(tandem_get(grace, channel, path), json);
}
static int ada_is_there(void) { return has(tandem_presence_others(grace, channel), "Ada"); }
static int nobody_is_there(void) { return has(tandem_presence_others(grace, channel), "[]"); }
static int are_synced(void) {
    return tandem_is_synced(ada, channel) && tandem_is_synced(grace, channel);
}
static int has_signal(void) { return strcmp(last_signal, "cursor {\"x\":10}") == 0; }
static int has_conflict(void) { return conflict_calls > 0; }
static int has_none(void) {
    return has(tandem_conflicts(ada, channel), "[]") && has(tandem_conflicts(grace, channel), "[]");
}
static int titles_agree(void) {
    char* one = tandem_get(ada, channel, "title");
    char* other = tandem_get(grace, channel, "title");
    const int do_agree = strcmp(one, other) == 0;
    tandem_free(one);
    tandem_free(other);
    return do_agree;
}
static int title_is_hers(void) { return grace_shows("title", "\"Ada's\""); }
static int count_is_seven(void) { return ada_shows("votes", "7"); }

/* Runs both until it holds, for ten seconds at most. */
static int until(int (*holds)(void)) {
    const time_t end = time(NULL) + 10;
    struct pollfd readable[2] = {{tandem_client_fd(ada), POLLIN, 0},
                                 {tandem_client_fd(grace), POLLIN, 0}};
    while (!holds()) {
        if (time(NULL) > end) return 0;
        poll(readable, 2, 100);
        tandem_client_poll(ada);
        tandem_client_poll(grace);
    }
    return 1;
}

static int presence_and_signals(void) {
    tandem_subscription* members =
        tandem_subscribe_members(grace, channel, on_members, &member_calls);
    tandem_subscription* signals = tandem_subscribe_signals(grace, channel, on_signal, last_signal);
    CHECK(tandem_presence_set(ada, channel, "{\"name\":\"Ada\"}", NULL) == 0);
    CHECK(until(ada_is_there) && member_calls > 0);
    CHECK(has(tandem_presence_others(grace, channel), "\"state\":{\"name\":\"Ada\"}"));
    tandem_presence_leave(ada, channel);
    CHECK(until(nobody_is_there));
    CHECK(tandem_presence_set(ada, channel, "{", NULL) == -1);
    CHECK(tandem_signal(ada, channel, "cursor", "{\"x\":10}", NULL) == 0);
    CHECK(until(has_signal));
    CHECK(tandem_signal(ada, channel, "cursor", "no json", NULL) == -1);
    tandem_unsubscribe(members);
    tandem_unsubscribe(signals);
    return 0;
}

static int conflicts(void) {
    tandem_error error;
    tandem_subscription* subscription =
        tandem_subscribe_conflicts(grace, channel, on_conflict, &conflict_calls);
    /* Neither has seen the other's. */
    CHECK(tandem_set(ada, channel, "title", "\"Ada's\"", 0, NULL) == 0);
    CHECK(tandem_set(grace, channel, "title", "\"Grace's\"", 0, NULL) == 0);
    CHECK(until(are_synced) && until(has_conflict) && until(titles_agree));
    CHECK(has(tandem_conflicts(grace, channel), "\"path\":\"title\""));
    CHECK(tandem_conflict_restore(grace, channel, "title", 7, 0, &error) == -1);
    CHECK(strcmp(error.code, "out_of_range") == 0);
    CHECK(tandem_conflict_restore(grace, channel, "price", 0, 0, &error) == -1);
    CHECK(strcmp(error.code, "not_found") == 0);
    const int was_hers = title_is_hers();
    CHECK(tandem_conflict_restore(grace, channel, "title", 0, 10000, &error) == 0);
    CHECK(until(has_none) && until(titles_agree) && title_is_hers() != was_hers);
    CHECK(tandem_set(ada, channel, "title", "\"A\"", 0, NULL) == 0);
    CHECK(tandem_set(grace, channel, "title", "\"G\"", 0, NULL) == 0);
    conflict_calls = 0;
    CHECK(until(are_synced) && until(has_conflict));
    CHECK(tandem_conflict_resolve(grace, channel, "title", "\"Ada's\"", 10000, &error) == 0);
    CHECK(until(has_none) && until(titles_agree) && title_is_hers());
    tandem_unsubscribe(subscription);
    return 0;
}

static int undo_and_the_past(void) {
    CHECK(tandem_set(ada, channel, "title", "\"one\"", 10000, NULL) == 0);
    CHECK(tandem_increment(ada, channel, "votes", 3, 10000, NULL) == 0);
    CHECK(tandem_undo(ada, channel) == 1 && ada_shows("votes", "0"));
    CHECK(tandem_redo(ada, channel) == 1 && ada_shows("votes", "3"));
    CHECK(tandem_redo(ada, channel) == 0);
    CHECK(until(are_synced));
    tandem_error error;
    CHECK(has(tandem_at(ada, channel, 0, "", 10000, &error), "{}") && error.code[0] == '\0');
    CHECK(has(tandem_at(ada, channel, 1, "title", 10000, &error), "\""));
    CHECK(tandem_at(ada, channel, 1000000, "", 10000, &error) == NULL && error.code[0] != '\0');
    return 0;
}

static int whole_objects_and_parts(void) {
    tandem_error error;
    CHECK(until(are_synced));
    char* all = tandem_read(grace, channel);
    CHECK(all != NULL && strstr(all, "\"votes\":3") != NULL);
    CHECK(tandem_increment(ada, channel, "votes", 2, 10000, NULL) == 0);
    /* What she counts meanwhile stays. */
    strstr(all, "\"votes\":3")[8] = '5';
    CHECK(tandem_assign(grace, channel, all, 10000, &error) == 0);
    tandem_free(all);
    CHECK(until(count_is_seven));
    CHECK(tandem_assign(grace, channel, "[]", 10000, &error) == -1);
    CHECK(strcmp(error.code, "wrong_type") == 0);

    char* one = tandem_list_insert(ada, channel, "cards", "{\"text\":\"one\"}", &error);
    char* two = tandem_list_insert(ada, channel, "cards", "{\"text\":\"two\"}", &error);
    CHECK(one != NULL && two != NULL);
    CHECK(tandem_list_move(ada, channel, "cards", two, one, 10000, &error) == 0);
    const char* parts[] = {"cards[0:1]"};
    CHECK(tandem_channel_select(grace, channel, parts, 1, &error) == 0);
    CHECK(tandem_channel_wait_ready(grace, channel, 10000, &error) == 0);
    CHECK(has(tandem_get(grace, channel, "cards"), "two") && grace_shows("title", "null"));
    CHECK(!has(tandem_get(grace, channel, "cards"), "one"));
    CHECK(tandem_list_move(ada, channel, "cards", two, NULL, 10000, &error) == 0);
    const char* more[] = {"title", "cards[1:2]"};
    CHECK(tandem_channel_load(grace, channel, more, 2, &error) == 0);
    CHECK(tandem_channel_wait_ready(grace, channel, 10000, &error) == 0);
    CHECK(has(tandem_get(grace, channel, "cards"), "one") && !grace_shows("title", "null"));
    const char* wrong[] = {"a//b"};
    CHECK(tandem_channel_select(grace, channel, wrong, 1, &error) == -1);
    CHECK(strcmp(error.code, "bad_path") == 0);
    CHECK(tandem_channel_select(grace, channel, NULL, 0, &error) == 0);
    CHECK(tandem_channel_wait_ready(grace, channel, 10000, &error) == 0);
    CHECK(grace_shows("votes", "7"));
    tandem_free(one);
    tandem_free(two);
    return 0;
}

/* A client that runs by itself. */
static int own_thread(const char* url) {
    tandem_error error;
    tandem_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.url = url;
    options.own_thread = 1;
    tandem_client* client = tandem_client_open_with(&options, &error);
    CHECK(client != NULL && tandem_client_fd(client) == -1);
    CHECK(tandem_channel_wait_ready(client, channel, 10000, &error) == 0);
    CHECK(tandem_increment(client, channel, "votes", 1, 10000, &error) == 0);
    CHECK(has(tandem_get(client, channel, "votes"), "8"));
    tandem_client_close(client);
    /* As a program gives it that was compiled before the last members were there. */
    options.size = offsetof(tandem_options, outbox);
    options.outbox = "no such folder/outbox";
    client = tandem_client_open_with(&options, &error);
    CHECK(client != NULL && tandem_client_fd(client) >= 0);
    tandem_client_close(client);
    return 0;
}

int main(int argc, char** argv) {
    if (argc != 3 || tandem_abi_version() != TANDEM_ABI_VERSION) return 2;
    channel = argv[2];
    ada = tandem_client_open(argv[1], NULL, NULL);
    grace = tandem_client_open(argv[1], NULL, NULL);
    if (ada == NULL || grace == NULL) return 3;
    CHECK(tandem_channel_wait_ready(ada, channel, 10000, NULL) == 0);
    CHECK(tandem_channel_wait_ready(grace, channel, 10000, NULL) == 0);
    int failed = presence_and_signals();
    if (!failed) failed = conflicts();
    if (!failed) failed = undo_and_the_past();
    if (!failed) failed = whole_objects_and_parts();
    if (!failed) failed = own_thread(argv[1]);
    tandem_client_close(ada);
    tandem_client_close(grace);
    return failed;
}
