#ifndef TANDEM_TANDEM_H
#define TANDEM_TANDEM_H

/* The C interface of the SDK, for other languages: opaque handles, JSON as text, no exceptions.
   One thread at a time uses a client, and `tandem_client_stop` alone may be called from others;
   with `own_thread` any thread may use it at any time. Texts are UTF-8 and end in a zero byte;
   those given to the caller are freed with `tandem_free`. */

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
/* The same with more to choose. `size` is that of this struct as the program was compiled with it,
   so that members can be added at its end; all else may be zero but the url. */
typedef struct tandem_options {
    size_t size;
    const char* url;
    const char* outbox;
    const char* name; /* for the server's logs */
    int own_thread;   /* not 0: the client runs on a thread of its own, where callbacks come from */
} tandem_options;
tandem_client* tandem_client_open_with(const tandem_options* options,
                                       tandem_error* error) TANDEM_NOEXCEPT;
void tandem_client_close(tandem_client* client) TANDEM_NOEXCEPT;

/* Follows the channel and waits until its record is here. Functions that return int: 0 done, -1
   failed. */
int tandem_channel_wait_ready(tandem_client* client, const char* channel, int64_t timeout_ms,
                              tandem_error* error) TANDEM_NOEXCEPT;
/* Follows only these parts of the channel, such as "cards[0:40]" (none: the whole record), or these
   as well. Neither waits; `tandem_channel_wait_ready` does. */
int tandem_channel_select(tandem_client* client, const char* channel, const char* const* parts,
                          size_t count, tandem_error* error) TANDEM_NOEXCEPT;
int tandem_channel_load(tandem_client* client, const char* channel, const char* const* parts,
                        size_t count, tandem_error* error) TANDEM_NOEXCEPT;
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

/* Moves an item before another one, or to the end when `before` is null. */
int tandem_list_move(tandem_client* client, const char* channel, const char* path, const char* item,
                     const char* before, int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;

/* For programs that have whole objects: `read` gives the record as shown, to be freed; `assign`
   writes what differs from what was last read or assigned, and what others wrote since stays. */
char* tandem_read(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;
int tandem_assign(tandem_client* client, const char* channel, const char* json, int64_t timeout_ms,
                  tandem_error* error) TANDEM_NOEXCEPT;

/* Take back the last own write, or do it again: 1 done, 0 when there is nothing. */
int tandem_undo(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;
int tandem_redo(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;

/* What was shown at a path after an entry of the log, as JSON; free it. The server is asked, for at
   most this long. Null on failure. */
char* tandem_at(tandem_client* client, const char* channel, uint64_t seq, const char* path,
                int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;

/* Open conflicts: [{"path","shown","losers":[value…]}…], to be freed. They are decided for one that
   lost, by its place, or for any value; `not_found` when there is none at the path. */
char* tandem_conflicts(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;
int tandem_conflict_restore(tandem_client* client, const char* channel, const char* path,
                            size_t loser, int64_t timeout_ms, tandem_error* error) TANDEM_NOEXCEPT;
int tandem_conflict_resolve(tandem_client* client, const char* channel, const char* path,
                            const char* json, int64_t timeout_ms,
                            tandem_error* error) TANDEM_NOEXCEPT;

/* What others see of this connection, until it leaves or ends; and who the others are:
   [{"id","user","state"}…], to be freed. */
int tandem_presence_set(tandem_client* client, const char* channel, const char* json,
                        tandem_error* error) TANDEM_NOEXCEPT;
void tandem_presence_leave(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;
char* tandem_presence_others(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;

/* Tells whoever follows the channel now. */
int tandem_signal(tandem_client* client, const char* channel, const char* name, const char* json,
                  tandem_error* error) TANDEM_NOEXCEPT;

/* Number of writes that the server does not have yet. */
uint32_t tandem_pending(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;
/* 1 when it is connected, has all of the record, and nothing is pending. */
int tandem_is_synced(tandem_client* client, const char* channel) TANDEM_NOEXCEPT;

/* Called for each path that changed ("": anything may have); `path` lives until it returns. */
typedef void (*tandem_on_change)(void* user, uint64_t seq, const char* path);
tandem_subscription* tandem_subscribe(tandem_client* client, const char* channel,
                                      tandem_on_change callback, void* user) TANDEM_NOEXCEPT;
/* Called when others come, go or change their state. */
typedef void (*tandem_on_members)(void* user);
tandem_subscription* tandem_subscribe_members(tandem_client* client, const char* channel,
                                              tandem_on_members callback,
                                              void* user) TANDEM_NOEXCEPT;
/* Called for each signal; the texts live until it returns. */
typedef void (*tandem_on_signal)(void* user, const char* from, const char* name, const char* json);
tandem_subscription* tandem_subscribe_signals(tandem_client* client, const char* channel,
                                              tandem_on_signal callback,
                                              void* user) TANDEM_NOEXCEPT;
/* Called for each value that loses at a path. */
typedef void (*tandem_on_conflict)(void* user, const char* path);
tandem_subscription* tandem_subscribe_conflicts(tandem_client* client, const char* channel,
                                                tandem_on_conflict callback,
                                                void* user) TANDEM_NOEXCEPT;
/* Ends the calls; one that another thread is in is waited for. */
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
