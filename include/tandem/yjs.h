#ifndef TANDEM_YJS_H
#define TANDEM_YJS_H

/* Yjs documents natively: the C interface of the library in src/yjs. What it writes equals Yjs 13.6
   byte for byte.

   A document, and all that belongs to it, is used by one thread at a time. Positions and lengths
   are in UTF-16 units. Texts are UTF-8 with their size, not ended by a zero byte, and so is JSON.
   Functions that return int give 0, or the number of an error of docs/errors.md; a document is then
   as it was before. A type that is none, or is deleted, is `not_found`, and one of another kind
   than the function is for `wrong_type`; texts that are not UTF-8 are `invalid_argument`. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TANDEM_YJS_NOEXCEPT noexcept
extern "C" {
#else
#define TANDEM_YJS_NOEXCEPT
#endif

#define TANDEM_YJS_ABI_VERSION 2
/* That of the library; a program built for another one must not go on. */
uint32_t tandem_yjs_abi_version(void) TANDEM_YJS_NOEXCEPT;

typedef struct tandem_yjs_doc tandem_yjs_doc;
typedef struct tandem_yjs_undo tandem_yjs_undo;

/* A shared type of a document; 0 is none. It ends with the type being deleted. */
typedef uint32_t tandem_yjs_type;

/* Bytes that the caller lends. */
typedef struct tandem_yjs_view {
    const char* data;
    size_t size;
} tandem_yjs_view;

/* Bytes that the caller owns and gives back with `tandem_yjs_free`. */
typedef struct tandem_yjs_bytes {
    char* data;
    size_t size;
} tandem_yjs_bytes;
void tandem_yjs_free(tandem_yjs_bytes bytes) TANDEM_YJS_NOEXCEPT;

/* The encodings of updates, and kinds of shared types; the numbers are those of Yjs. */
enum { TANDEM_YJS_V1 = 1, TANDEM_YJS_V2 = 2 };
enum {
    TANDEM_YJS_ARRAY = 0,
    TANDEM_YJS_MAP = 1,
    TANDEM_YJS_TEXT = 2,
    TANDEM_YJS_XML_ELEMENT = 3,
    TANDEM_YJS_XML_FRAGMENT = 4,
    TANDEM_YJS_XML_HOOK = 5,
    TANDEM_YJS_XML_TEXT = 6
};

/* `size` is that of this struct as the program was compiled with it, so that members can be added
   at its end. */
typedef struct tandem_yjs_options {
    size_t size;
    uint64_t client;    /* the id of local insertions: at most 53 bits, and of nobody else */
    int keeps_deleted;  /* not 0: what is deleted is not collected, so that snapshots can be read */
    int cleans_formats; /* not 0: superfluous formats are deleted after changes, as editors do */
} tandem_yjs_options;
/* Null if `options` is, or the client has more than 53 bits. */
tandem_yjs_doc* tandem_yjs_doc_new(const tandem_yjs_options* options) TANDEM_YJS_NOEXCEPT;
void tandem_yjs_doc_free(tandem_yjs_doc* doc) TANDEM_YJS_NOEXCEPT;

/* Changes between these two are one transaction; a change outside of them is one of its own.
   `origin` is the caller's word for where changes come from, for undo; 0 for nothing. */
int tandem_yjs_begin(tandem_yjs_doc* doc, uint64_t origin) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_commit(tandem_yjs_doc* doc) TANDEM_YJS_NOEXCEPT;
/* The update that the last transaction comes to; empty if it changed nothing. */
int tandem_yjs_last_update(tandem_yjs_doc* doc, int encoding,
                           tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
/* Commits the next of the transactions that the last one brought about, whose update and events are
   then the last ones: 1, or 0 if there is none that changed anything. */
int tandem_yjs_commit_clean_up(tandem_yjs_doc* doc) TANDEM_YJS_NOEXCEPT;

int tandem_yjs_apply(tandem_yjs_doc* doc, tandem_yjs_view update, int encoding,
                     uint64_t origin) TANDEM_YJS_NOEXCEPT;
/* Everything beyond a state vector, which may be empty, and the whole delete set. */
int tandem_yjs_encode(const tandem_yjs_doc* doc, tandem_yjs_view state_vector, int encoding,
                      tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_state_vector(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* Functions of updates alone. */
int tandem_yjs_merge_updates(const tandem_yjs_view* updates, size_t count, int encoding,
                             tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_diff_update(tandem_yjs_view update, tandem_yjs_view state_vector, int encoding,
                           tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_state_vector_of_update(tandem_yjs_view update, int encoding,
                                      tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_convert_update(tandem_yjs_view update, int from, int to,
                              tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* The root of that name, made if it is not there; 0 for an unknown kind, and for another one than
   it was asked for first. */
tandem_yjs_type tandem_yjs_root(tandem_yjs_doc* doc, tandem_yjs_view name,
                                int kind) TANDEM_YJS_NOEXCEPT;
/* The shared type at a position of a list, or under a key of a map; 0 if there is none. */
tandem_yjs_type tandem_yjs_child_at(const tandem_yjs_doc* doc, tandem_yjs_type list,
                                    uint32_t position) TANDEM_YJS_NOEXCEPT;
tandem_yjs_type tandem_yjs_child_of(const tandem_yjs_doc* doc, tandem_yjs_type map,
                                    tandem_yjs_view key) TANDEM_YJS_NOEXCEPT;
uint32_t tandem_yjs_length(const tandem_yjs_doc* doc, tandem_yjs_type type) TANDEM_YJS_NOEXCEPT;
/* As Yjs' toJSON, toDelta, and toString of XML. */
int tandem_yjs_json(const tandem_yjs_doc* doc, tandem_yjs_type type,
                    tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_delta(const tandem_yjs_doc* doc, tandem_yjs_type text,
                     tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_xml(const tandem_yjs_doc* doc, tandem_yjs_type type,
                   tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* `formats` is a JSON object, or null bytes for the formats in force at the position. */
int tandem_yjs_text_insert(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           tandem_yjs_view utf8, tandem_yjs_view formats) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_text_insert_embed(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                                 tandem_yjs_view json, tandem_yjs_view formats) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_text_format(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           uint32_t len, tandem_yjs_view formats) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_text_delete(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           uint32_t len) TANDEM_YJS_NOEXCEPT;
/* `json` is one value. A new type's `name` is that of an XML element or hook; `made` may be null.
 */
int tandem_yjs_list_insert(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                           tandem_yjs_view json) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_list_insert_type(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                int kind, tandem_yjs_view name,
                                tandem_yjs_type* made) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_list_delete(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                           uint32_t len) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_map_set(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                       tandem_yjs_view json) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_map_set_type(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key, int kind,
                            tandem_yjs_view name, tandem_yjs_type* made) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_map_delete(tandem_yjs_doc* doc, tandem_yjs_type map,
                          tandem_yjs_view key) TANDEM_YJS_NOEXCEPT;

/* Bytes as a value, which are a Uint8Array in Yjs; in JSON they are an array of numbers. */
int tandem_yjs_list_insert_bytes(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                 tandem_yjs_view bytes) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_map_set_bytes(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                             tandem_yjs_view bytes) TANDEM_YJS_NOEXCEPT;
/* Those that are there; `wrong_type` if the value is something else. */
int tandem_yjs_bytes_at(const tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                        tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_bytes_of(const tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                        tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* Documents within a document, which has their names and options alone: what is in one is a
   document of its own, which the caller makes and syncs by its guid. */
typedef struct tandem_yjs_subdoc_options {
    size_t size;
    tandem_yjs_view guid;
    int keeps_deleted;    /* not 0: as of tandem_yjs_options, for everybody who loads it */
    int loads_itself;     /* not 0: everybody who gets it loads it at once (`autoLoad`) */
    tandem_yjs_view meta; /* JSON of the caller's own, or null bytes */
} tandem_yjs_subdoc_options;
int tandem_yjs_list_insert_subdoc(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                  const tandem_yjs_subdoc_options* options) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_map_set_subdoc(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                              const tandem_yjs_subdoc_options* options) TANDEM_YJS_NOEXCEPT;
/* Those that are not deleted, as JSON: [{"id", "guid", "autoLoad", "loaded"}]. An id is good as
   long as its sub-document is not deleted. */
int tandem_yjs_subdocs(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
/* Says that one is loaded, or was given up, in a transaction of its own. */
int tandem_yjs_subdoc_load(tandem_yjs_doc* doc, uint32_t subdoc) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_subdoc_destroy(tandem_yjs_doc* doc, uint32_t subdoc) TANDEM_YJS_NOEXCEPT;
/* What the last transaction, and those that it brought about, did to them, as JSON:
   [{"added", "removed", "loaded"}], each a list as above; those of `loaded` are to be loaded. */
int tandem_yjs_subdoc_events(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* Has changes of a type, or (`is_deep` not 0) of all within it, recorded from now on, or no more.
 */
int tandem_yjs_observe(tandem_yjs_doc* doc, tandem_yjs_type type, int is_deep) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_unobserve(tandem_yjs_doc* doc, tandem_yjs_type type,
                         int is_deep) TANDEM_YJS_NOEXCEPT;
/* What the last transaction did, as JSON, in the order in which Yjs calls its observers:
   [{"type", "deep", "events": [{"path", "keys", "delta", "added", "deleted"}]}]. */
int tandem_yjs_events(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* A place that stays where it is while others edit, in the encoding of Yjs. */
int tandem_yjs_position(const tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t index,
                        int64_t assoc, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
/* Where it is now; `not_found` if what it is next to has not come yet, or is gone for good. */
int tandem_yjs_resolve_position(tandem_yjs_doc* doc, tandem_yjs_view position,
                                tandem_yjs_type* list, uint32_t* index) TANDEM_YJS_NOEXCEPT;

/* A moment of the document, in the encoding of Yjs. */
int tandem_yjs_snapshot(const tandem_yjs_doc* doc, int encoding,
                        tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
/* The document at that moment, as an update; only of one that keeps what is deleted. `encoding` is
   that of the snapshot. */
int tandem_yjs_state_at(tandem_yjs_doc* doc, tandem_yjs_view snapshot, int encoding,
                        int update_encoding, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
/* A text at the moment `now` with what changed since `before`; both in the first encoding, and
   either may be null bytes. */
int tandem_yjs_delta_between(const tandem_yjs_doc* doc, tandem_yjs_type text, tandem_yjs_view now,
                             tandem_yjs_view before, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

/* Undo of the changes of some types that come with one of the origins (none: with 0). `now_ms`
   gives milliseconds since any moment, never 0. The manager ends before its document. */
typedef struct tandem_yjs_undo_options {
    size_t size;
    const tandem_yjs_type* scope;
    size_t scope_count;
    const uint64_t* origins;
    size_t origin_count;
    uint64_t capture_timeout_ms; /* changes within it are undone together */
    uint64_t (*now_ms)(void* user);
    void* user;
} tandem_yjs_undo_options;
/* Null without options or `now_ms`, and if one of the scope is no type. */
tandem_yjs_undo* tandem_yjs_undo_new(tandem_yjs_doc* doc,
                                     const tandem_yjs_undo_options* options) TANDEM_YJS_NOEXCEPT;
void tandem_yjs_undo_free(tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
/* 1, or 0 if there was nothing to take back or bring back. */
int tandem_yjs_undo_undo(tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_undo_redo(tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_undo_can_undo(const tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_undo_can_redo(const tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
void tandem_yjs_undo_stop_capturing(tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
void tandem_yjs_undo_clear(tandem_yjs_undo* undo) TANDEM_YJS_NOEXCEPT;
/* The caller's own word with what is undone at once, such as where the cursor was: of the newest
   that can be undone or redone, or of what the last undo or redo took. `not_found` if there is
   none. What an undo makes to be redone begins without. */
enum { TANDEM_YJS_UNDO = 0, TANDEM_YJS_REDO = 1, TANDEM_YJS_POPPED = 2 };
int tandem_yjs_undo_set_meta(tandem_yjs_undo* undo, int which, tandem_yjs_view key,
                             tandem_yjs_view value) TANDEM_YJS_NOEXCEPT;
int tandem_yjs_undo_meta(tandem_yjs_undo* undo, int which, tandem_yjs_view key,
                         tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;
/* What happened since this was last called, as JSON: [{"what", "redo"}]; `what` is added, updated,
   popped, cleared-undo or cleared-redo. */
int tandem_yjs_undo_events(tandem_yjs_undo* undo, tandem_yjs_bytes* out) TANDEM_YJS_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
