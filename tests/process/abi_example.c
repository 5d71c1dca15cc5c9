/* A C program of the SDK, as the tests run it: abi_example URL CHANNEL. */

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "tandem/tandem.h"

static int changes = 0;

static void on_change(void* user, uint64_t seq, const char* path) {
    (void)path;
    if (seq > 0) ++*(int*)user;
}

int main(int argc, char** argv) {
    tandem_error error;
    if (argc != 3 || tandem_abi_version() != TANDEM_ABI_VERSION) return 2;
    if (tandem_client_open("nonsense", NULL, &error) != NULL) return 3;
    if (strcmp(error.code, "invalid_argument") != 0 || error.hint[0] == '\0') return 4;

    tandem_client* client = tandem_client_open(argv[1], NULL, &error);
    if (client == NULL) return 5;
    const char* channel = argv[2];
    if (tandem_channel_wait_ready(client, channel, 10000, &error) != 0) return 6;
    tandem_subscription* subscription = tandem_subscribe(client, channel, on_change, &changes);
    if (tandem_set(client, channel, "title", "\"Plan\"", 0, &error) != 0) return 7;
    if (tandem_increment(client, channel, "votes", 3, 0, &error) != 0) return 8;
    if (tandem_set_add(client, channel, "labels", "\"a\"", 0, &error) != 0) return 9;
    if (tandem_set_add(client, channel, "labels", "\"b\"", 0, &error) != 0) return 10;
    if (tandem_set_remove(client, channel, "labels", "\"a\"", 0, &error) != 0) return 11;
    if (tandem_set(client, channel, "gone", "1", 0, NULL) != 0) return 12;
    if (tandem_remove(client, channel, "gone", 10000, &error) != 0) return 13;
    if (tandem_set(client, channel, "title", "{", 0, &error) != -1) return 14;
    if (tandem_set(client, channel, "title", "5", 10000, &error) != -1) return 15;
    if (strcmp(error.code, "wrong_type") != 0) return 16;
    char* item = tandem_list_insert(client, channel, "cards", "{\"text\":\"x\"}", &error);
    if (item == NULL || item[0] == '\0') return 17;
    tandem_free(item);

    struct pollfd readable = {tandem_client_fd(client), POLLIN, 0};
    while (tandem_pending(client, channel) > 0) {
        if (poll(&readable, 1, 10000) <= 0) return 18;
        tandem_client_poll(client);
    }
    tandem_unsubscribe(subscription);
    char* json = tandem_get(client, channel, "");
    printf("%s\n", json);
    tandem_free(json);
    tandem_client_close(client);
    return changes > 0 ? 0 : 19;
}
