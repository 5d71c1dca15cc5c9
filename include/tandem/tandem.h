#ifndef TANDEM_TANDEM_H
#define TANDEM_TANDEM_H

/* The C interface of the SDK, for other languages: opaque handles, JSON as text, no exceptions.
   One thread uses a client; `tandem_client_stop` alone may be called from others. Texts are UTF-8
   and end in a zero byte; those given to the caller are freed with `tandem_free`. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TANDEM_NOEXCEPT noexcept
extern "C" {
#else
#define TANDEM_NOEXCEPT
#endif

#define TANDEM_ABI_VERSION 1
/* That of the library; a program built for another one must not go on. */
uint32_t tandem_abi_version(void) TANDEM_NOEXCEPT;

typedef struct tandem_client tandem_client;
typedef struct tandem_subscription tandem_subscription;

/* What went wrong. Texts are empty when nothing did; they are cut to their room. */
typedef struct tandem_error {
    char code[64]; /* of docs/errors.md */
    char message[256];
    char hint[256];
} tandem_error;

/* Null on failure. `outbox` is a file, or null: pending writes end with the program. `error` may be
   null, here and below. */
tandem_client* tandem_client_open(const char* url, const char* outbox,
                                  tandem_error* error) TANDEM_NOEXCEPT;
void tandem_client_close(tandem_client* client) TANDEM_NOEXCEPT;

/* Follows the channel and waits until its record is here. Functions that return int: 0 done, -1
   failed. */
int tandem_channel_wait_ready(tandem_client* client, const char* channel, int64_t timeout_ms,
                              tandem_error* error) TANDEM_NOEXCEPT;
/* What is shown at a path ("": the record), as JSON; free it. Null only without memory. */
char* tandem_get(tandem_client* client, const char* channel, const char* path) TANDEM_NOEXCEPT;

/* Each call is one write of its own. With `timeout_ms` above 0 it waits until the server has
 * decided; `timed_out` leaves it pending. */
int tandem_set(tandem_client* client, const char* channel, const char* path, const char* json,
               int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;
int tandem_remove(tandem_client* client, const char* channel, const char* path, int64_t timeout_ms,
                  tandem_error* error) TANDEM_NOEXCEPT;
int tandem_increment(tandem_client* client, const char* channel, const char* path, int64_t n,
                     int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;
int tandem_set_add(tandem_client* client, const char* channel, const char* path, const char* json,
                   int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;
int tandem_set_remove(tandem_client* client, const char* channel, const char* path,
                      const char* json, int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;
/* Appends an item to a list; its id, to be freed, or null on failure. */
char* tandem_list_insert(tandem_client* client, const char* channel, const char* path,
                         const char* json, tandem_error* error) TANDEM_NOEXCEPT;

/* Number of writes that the server does not have yet. */
uint32_t tandem_pending(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;

/* Called for each path that changed ("": anything may have); `path` lives until it returns. */
typedef void (*tandem_on_change)(void* user, uint64_t seq, const char* path);
tandem_subscription* tandem_subscribe(tandem_client* client, const char* channel,
                                      tandem_on_change callback, void* user) TANDEM_NOEXCEPT;
void tandem_unsubscribe(tandem_subscription* subscription) TANDEM_NOEXCEPT;

/* For the program's own loop: `poll` when `fd` is readable. */
int tandem_client_fd(tandem_client* client) TANDEM_NOEXCEPT;
void tandem_client_poll(tandem_client* client) TANDEM_NOEXCEPT;
void tandem_client_run(tandem_client* client) TANDEM_NOEXCEPT;
void tandem_client_stop(tandem_client* client) TANDEM_NOEXCEPT;

void tandem_free(void* text) TANDEM_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
