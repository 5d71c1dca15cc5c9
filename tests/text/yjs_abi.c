/* The C interface of the Yjs library, used by a program in C. What is wrong is told by its line, and
   the exit code is 1. */

#include <stdio.h>
#include <string.h>

#include "tandem/yjs.h"

static int failures = 0;

#define CHECK(condition)                                                 \
    do {                                                                 \
        if (!(condition)) {                                              \
            printf("line %d: %s does not hold\n", __LINE__, #condition); \
            ++failures;                                                  \
        }                                                                \
    } while (0)

static const tandem_yjs_view kNone = {NULL, 0};

static tandem_yjs_view view(const char* text) {
    tandem_yjs_view result = {text, strlen(text)};
    return result;
}

static tandem_yjs_view lend(tandem_yjs_bytes bytes) {
    tandem_yjs_view result = {bytes.data, bytes.size};
    return result;
}

/* Whether bytes are this text; they are freed. */
static int is(tandem_yjs_bytes bytes, const char* text) {
    const int same = bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
    if (!same) printf("it is %.*s\n", (int)bytes.size, bytes.data);
    tandem_yjs_free(bytes);
    return same;
}

static tandem_yjs_doc* new_doc(uint64_t client, int keeps_deleted) {
    tandem_yjs_options options = {sizeof(options), 0, 0, 0};
    options.client = client;
    options.keeps_deleted = keeps_deleted;
    return tandem_yjs_doc_new(&options);
}

static uint64_t clock_ms = 1000;
static uint64_t now_ms(void* user) { return *(uint64_t*)user; }

static void texts_and_updates(void) {
    tandem_yjs_doc* ada = new_doc(1, 0);
    tandem_yjs_doc* grace = new_doc(2, 0);
    const tandem_yjs_type text = tandem_yjs_root(ada, view("t"), TANDEM_YJS_TEXT);
    const tandem_yjs_type map = tandem_yjs_root(ada, view("m"), TANDEM_YJS_MAP);
    tandem_yjs_type list = 0;
    tandem_yjs_bytes first;
    tandem_yjs_bytes second;
    tandem_yjs_bytes out;
    tandem_yjs_view both[2];

    CHECK(tandem_yjs_text_insert(ada, text, 0, view("hello"), kNone) == 0);
    CHECK(tandem_yjs_last_update(ada, TANDEM_YJS_V1, &first) == 0);
    CHECK(tandem_yjs_begin(ada, 0) == 0);
    CHECK(tandem_yjs_begin(ada, 0) != 0);
    CHECK(tandem_yjs_text_format(ada, text, 0, 2, view("{\"bold\":true}")) == 0);
    CHECK(tandem_yjs_text_insert_embed(ada, text, 5, view("{\"image\":\"u\"}"), kNone) == 0);
    CHECK(tandem_yjs_text_delete(ada, text, 3, 1) == 0);
    CHECK(tandem_yjs_map_set(ada, map, view("k"), view("[1,\"x\"]")) == 0);
    CHECK(tandem_yjs_map_set_type(ada, map, view("list"), TANDEM_YJS_ARRAY, kNone, &list) == 0);
    CHECK(tandem_yjs_list_insert(ada, list, 0, view("1.5")) == 0);
    CHECK(tandem_yjs_commit(ada) == 0);
    CHECK(tandem_yjs_commit(ada) != 0);
    CHECK(tandem_yjs_last_update(ada, TANDEM_YJS_V1, &second) == 0);

    both[0] = lend(second);
    both[1] = lend(first);
    CHECK(tandem_yjs_merge_updates(both, 2, TANDEM_YJS_V1, &out) == 0);
    CHECK(tandem_yjs_apply(grace, lend(out), TANDEM_YJS_V1, 0) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_delta(grace, tandem_yjs_root(grace, view("t"), TANDEM_YJS_TEXT), &out) == 0);
    CHECK(is(out,
             "[{\"insert\":\"he\",\"attributes\":{\"bold\":true}},{\"insert\":\"lo\"},"
             "{\"insert\":{\"image\":\"u\"}}]"));
    CHECK(tandem_yjs_json(grace, tandem_yjs_root(grace, view("m"), TANDEM_YJS_MAP), &out) == 0);
    CHECK(is(out, "{\"k\":[1,\"x\"],\"list\":[1.5]}"));
    CHECK(tandem_yjs_child_of(ada, map, view("list")) == list);
    CHECK(tandem_yjs_length(ada, list) == 1);

    CHECK(tandem_yjs_state_vector(grace, &out) == 0);
    CHECK(tandem_yjs_text_insert(ada, text, 0, view("Oh "), view("{}")) == 0);
    tandem_yjs_free(first);
    CHECK(tandem_yjs_encode(ada, lend(out), TANDEM_YJS_V2, &first) == 0);
    CHECK(tandem_yjs_apply(grace, lend(first), TANDEM_YJS_V2, 0) == 0);
    CHECK(tandem_yjs_length(grace, tandem_yjs_root(grace, view("t"), TANDEM_YJS_TEXT)) == 8);
    tandem_yjs_free(out);
    tandem_yjs_free(first);
    tandem_yjs_free(second);

    /* What is wrong is refused, and changes nothing. */
    CHECK(tandem_yjs_apply(grace, view("\xff\xff"), TANDEM_YJS_V1, 0) != 0);
    CHECK(tandem_yjs_apply(grace, view(""), 3, 0) != 0);
    CHECK(tandem_yjs_text_insert(ada, text, 99, view("x"), kNone) != 0);
    CHECK(tandem_yjs_text_format(ada, text, 0, 1, view("[]")) != 0);
    CHECK(tandem_yjs_map_set(ada, map, view("k"), view("{")) != 0);
    CHECK(tandem_yjs_list_insert(ada, 4711, 0, view("1")) != 0);
    CHECK(tandem_yjs_root(ada, view("t"), 99) == 0);
    tandem_yjs_doc_free(ada);
    tandem_yjs_doc_free(grace);
}

static void events_and_places(void) {
    tandem_yjs_doc* doc = new_doc(1, 0);
    const tandem_yjs_type text = tandem_yjs_root(doc, view("t"), TANDEM_YJS_TEXT);
    tandem_yjs_type found = 0;
    uint32_t index = 0;
    tandem_yjs_bytes place;
    tandem_yjs_bytes out;
    char expected[256];

    CHECK(tandem_yjs_text_insert(doc, text, 0, view("abc"), kNone) == 0);
    CHECK(tandem_yjs_position(doc, text, 1, 0, &place) == 0);
    CHECK(tandem_yjs_observe(doc, text, 0) == 0);
    CHECK(tandem_yjs_text_insert(doc, text, 0, view("xx"), kNone) == 0);
    CHECK(tandem_yjs_events(doc, &out) == 0);
    snprintf(expected, sizeof expected,
             "[{\"type\":%u,\"deep\":false,\"events\":[{\"path\":[],\"keys\":{},"
             "\"delta\":[{\"insert\":\"xx\"}],\"added\":[],\"deleted\":[]}]}]",
             (unsigned)text);
    CHECK(is(out, expected));
    CHECK(tandem_yjs_unobserve(doc, text, 0) == 0);
    CHECK(tandem_yjs_text_delete(doc, text, 0, 1) == 0);
    CHECK(tandem_yjs_events(doc, &out) == 0);
    CHECK(is(out, "[]"));
    CHECK(tandem_yjs_resolve_position(doc, lend(place), &found, &index) == 0);
    CHECK(found == text && index == 2);
    CHECK(tandem_yjs_resolve_position(doc, view("?"), &found, &index) != 0);
    tandem_yjs_free(place);
    tandem_yjs_doc_free(doc);
}

static void the_past(void) {
    tandem_yjs_doc* doc = new_doc(1, 1);
    tandem_yjs_doc* past = new_doc(2, 0);
    const tandem_yjs_type text = tandem_yjs_root(doc, view("t"), TANDEM_YJS_TEXT);
    tandem_yjs_bytes before;
    tandem_yjs_bytes out;

    CHECK(tandem_yjs_text_insert(doc, text, 0, view("old"), kNone) == 0);
    CHECK(tandem_yjs_snapshot(doc, TANDEM_YJS_V1, &before) == 0);
    CHECK(tandem_yjs_text_delete(doc, text, 0, 3) == 0);
    CHECK(tandem_yjs_text_insert(doc, text, 0, view("new"), kNone) == 0);
    CHECK(tandem_yjs_delta_between(doc, text, lend(before), kNone, &out) == 0);
    CHECK(is(out, "[{\"insert\":\"old\"}]"));
    CHECK(tandem_yjs_state_at(doc, lend(before), TANDEM_YJS_V1, TANDEM_YJS_V1, &out) == 0);
    CHECK(tandem_yjs_apply(past, lend(out), TANDEM_YJS_V1, 0) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_json(past, tandem_yjs_root(past, view("t"), TANDEM_YJS_TEXT), &out) == 0);
    CHECK(is(out, "\"old\""));
    CHECK(tandem_yjs_state_at(doc, lend(before), TANDEM_YJS_V1, TANDEM_YJS_V2, &out) == 0);
    CHECK(tandem_yjs_apply(past, lend(out), TANDEM_YJS_V2, 0) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_state_at(doc, lend(before), TANDEM_YJS_V1, 3, &out) != 0);
    CHECK(tandem_yjs_state_at(past, lend(before), TANDEM_YJS_V1, TANDEM_YJS_V1, &out) != 0);
    tandem_yjs_free(before);
    tandem_yjs_doc_free(doc);
    tandem_yjs_doc_free(past);
}

static void undo(void) {
    tandem_yjs_doc* doc = new_doc(1, 0);
    const tandem_yjs_type text = tandem_yjs_root(doc, view("t"), TANDEM_YJS_TEXT);
    tandem_yjs_undo_options options;
    tandem_yjs_undo* manager;
    tandem_yjs_bytes out;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.scope = &text;
    options.scope_count = 1;
    options.capture_timeout_ms = 500;
    CHECK(tandem_yjs_undo_new(doc, &options) == NULL);
    CHECK(tandem_yjs_undo_new(doc, NULL) == NULL);
    options.now_ms = now_ms;
    options.user = &clock_ms;
    manager = tandem_yjs_undo_new(doc, &options);
    CHECK(tandem_yjs_undo_undo(manager) == 0);
    CHECK(tandem_yjs_text_insert(doc, text, 0, view("a"), kNone) == 0);
    clock_ms += 1000;
    CHECK(tandem_yjs_text_insert(doc, text, 1, view("b"), kNone) == 0);
    CHECK(tandem_yjs_undo_undo(manager) == 1);
    CHECK(tandem_yjs_json(doc, text, &out) == 0);
    CHECK(is(out, "\"a\""));
    CHECK(tandem_yjs_undo_can_redo(manager) == 1);
    CHECK(tandem_yjs_undo_redo(manager) == 1);
    CHECK(tandem_yjs_json(doc, text, &out) == 0);
    CHECK(is(out, "\"ab\""));

    /* What the program keeps with what can be undone. */
    CHECK(tandem_yjs_undo_events(manager, &out) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_undo_set_meta(manager, TANDEM_YJS_REDO, view("cursor"), view("0")) != 0);
    CHECK(tandem_yjs_undo_set_meta(manager, TANDEM_YJS_UNDO, view("cursor"), view("2")) == 0);
    CHECK(tandem_yjs_undo_meta(manager, TANDEM_YJS_UNDO, view("cursor"), &out) == 0);
    CHECK(is(out, "2"));
    CHECK(tandem_yjs_undo_meta(manager, TANDEM_YJS_UNDO, view("other"), &out) != 0);
    CHECK(tandem_yjs_undo_undo(manager) == 1);
    CHECK(tandem_yjs_undo_meta(manager, TANDEM_YJS_POPPED, view("cursor"), &out) == 0);
    CHECK(is(out, "2"));
    CHECK(tandem_yjs_undo_meta(manager, TANDEM_YJS_REDO, view("cursor"), &out) != 0);
    CHECK(tandem_yjs_undo_events(manager, &out) == 0);
    CHECK(is(out, "[{\"what\":\"added\",\"redo\":true},{\"what\":\"popped\",\"redo\":false}]"));
    CHECK(tandem_yjs_undo_events(manager, &out) == 0);
    CHECK(is(out, "[]"));
    tandem_yjs_undo_clear(manager);
    CHECK(tandem_yjs_undo_can_undo(manager) == 0);
    tandem_yjs_undo_free(manager);
    tandem_yjs_doc_free(doc);
}

/* A type is used as what it is. */
static void kinds_of_types(void) {
    tandem_yjs_doc* doc = new_doc(1, 0);
    const tandem_yjs_type text = tandem_yjs_root(doc, view("t"), TANDEM_YJS_TEXT);
    const tandem_yjs_type map = tandem_yjs_root(doc, view("m"), TANDEM_YJS_MAP);
    const tandem_yjs_type list = tandem_yjs_root(doc, view("l"), TANDEM_YJS_ARRAY);
    const tandem_yjs_type xml = tandem_yjs_root(doc, view("x"), TANDEM_YJS_XML_FRAGMENT);
    tandem_yjs_type inner = 0;
    tandem_yjs_bytes before;
    tandem_yjs_bytes out;
    const int wrong_type = 12;
    const int not_found = 21;
    const int invalid_argument = 25;

    CHECK(tandem_yjs_root(doc, view("t"), TANDEM_YJS_TEXT) == text);
    CHECK(tandem_yjs_root(doc, view("t"), TANDEM_YJS_MAP) == 0);
    CHECK(tandem_yjs_root(doc, view("\xff"), TANDEM_YJS_MAP) == 0);
    CHECK(tandem_yjs_list_insert_type(doc, list, 0, TANDEM_YJS_ARRAY, kNone, &inner) == 0);
    CHECK(tandem_yjs_encode(doc, kNone, TANDEM_YJS_V1, &before) == 0);
    CHECK(tandem_yjs_map_set(doc, text, view("k"), view("1")) == wrong_type);
    CHECK(tandem_yjs_map_set(doc, list, view("k"), view("1")) == wrong_type);
    CHECK(tandem_yjs_map_set_type(doc, text, view("k"), TANDEM_YJS_MAP, kNone, NULL) == wrong_type);
    CHECK(tandem_yjs_map_delete(doc, list, view("k")) == wrong_type);
    CHECK(tandem_yjs_list_insert(doc, map, 0, view("1")) == wrong_type);
    CHECK(tandem_yjs_list_insert(doc, text, 0, view("1")) == wrong_type);
    CHECK(tandem_yjs_list_insert(doc, xml, 0, view("1")) == wrong_type);
    CHECK(tandem_yjs_list_insert_type(doc, map, 0, TANDEM_YJS_MAP, kNone, NULL) == wrong_type);
    CHECK(tandem_yjs_list_delete(doc, text, 0, 0) == wrong_type);
    CHECK(tandem_yjs_text_insert(doc, map, 0, view("x"), kNone) == wrong_type);
    CHECK(tandem_yjs_text_insert_embed(doc, list, 0, view("1"), kNone) == wrong_type);
    CHECK(tandem_yjs_text_format(doc, map, 0, 0, view("{}")) == wrong_type);
    CHECK(tandem_yjs_text_delete(doc, list, 0, 0) == wrong_type);
    CHECK(tandem_yjs_delta(doc, map, &out) == wrong_type);
    CHECK(tandem_yjs_xml(doc, text, &out) == wrong_type);
    CHECK(tandem_yjs_delta_between(doc, list, kNone, kNone, &out) == wrong_type);
    CHECK(tandem_yjs_position(doc, map, 0, 0, &out) == wrong_type);
    CHECK(tandem_yjs_map_set(doc, map, view("\xff"), view("1")) == invalid_argument);
    CHECK(tandem_yjs_encode(doc, kNone, TANDEM_YJS_V1, &out) == 0);
    CHECK(out.size == before.size && memcmp(out.data, before.data, out.size) == 0);
    tandem_yjs_free(out);
    tandem_yjs_free(before);

    /* One that is deleted is none. */
    CHECK(tandem_yjs_begin(doc, 0) == 0);
    CHECK(tandem_yjs_list_delete(doc, list, 0, 1) == 0);
    CHECK(tandem_yjs_list_insert(doc, inner, 0, view("1")) == not_found);
    CHECK(tandem_yjs_commit(doc) == 0);
    CHECK(tandem_yjs_list_insert(doc, inner, 0, view("1")) == not_found);
    CHECK(tandem_yjs_json(doc, inner, &out) == not_found);
    CHECK(tandem_yjs_observe(doc, inner, 0) == not_found);
    tandem_yjs_doc_free(doc);
}

static void ids_of_clients(void) {
    tandem_yjs_options options = {sizeof(options), 0, 0, 0};
    tandem_yjs_doc* doc;

    CHECK(tandem_yjs_doc_new(NULL) == NULL);
    options.client = (uint64_t)1 << 53;
    CHECK(tandem_yjs_doc_new(&options) == NULL);
    options.client -= 1;
    doc = tandem_yjs_doc_new(&options);
    CHECK(doc != NULL);
    tandem_yjs_doc_free(doc);
}

static void bytes(void) {
    tandem_yjs_doc* doc = new_doc(1, 0);
    tandem_yjs_doc* copy = new_doc(2, 0);
    const tandem_yjs_type map = tandem_yjs_root(doc, view("m"), TANDEM_YJS_MAP);
    const tandem_yjs_type list = tandem_yjs_root(doc, view("l"), TANDEM_YJS_ARRAY);
    const tandem_yjs_view some = {"\0\xff", 2};
    tandem_yjs_bytes out;

    CHECK(tandem_yjs_map_set_bytes(doc, map, view("b"), some) == 0);
    CHECK(tandem_yjs_map_set(doc, map, view("v"), view("1")) == 0);
    CHECK(tandem_yjs_list_insert(doc, list, 0, view("1")) == 0);
    CHECK(tandem_yjs_list_insert_bytes(doc, list, 1, some) == 0);
    CHECK(tandem_yjs_encode(doc, kNone, TANDEM_YJS_V1, &out) == 0);
    CHECK(tandem_yjs_apply(copy, lend(out), TANDEM_YJS_V1, 0) == 0);
    tandem_yjs_free(out);
    tandem_yjs_root(copy, view("m"), TANDEM_YJS_MAP);
    CHECK(tandem_yjs_bytes_of(copy, tandem_yjs_root(copy, view("m"), TANDEM_YJS_MAP), view("b"),
                              &out) == 0);
    CHECK(out.size == 2 && memcmp(out.data, some.data, 2) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_bytes_at(copy, tandem_yjs_root(copy, view("l"), TANDEM_YJS_ARRAY), 1, &out) ==
          0);
    CHECK(out.size == 2 && memcmp(out.data, some.data, 2) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_bytes_of(doc, map, view("v"), &out) != 0);
    CHECK(tandem_yjs_bytes_of(doc, map, view("none"), &out) != 0);
    CHECK(tandem_yjs_bytes_at(doc, list, 0, &out) != 0);
    CHECK(tandem_yjs_bytes_at(doc, list, 2, &out) != 0);
    CHECK(tandem_yjs_json(doc, map, &out) == 0);
    CHECK(is(out, "{\"b\":[0,255],\"v\":1}"));
    tandem_yjs_doc_free(doc);
    tandem_yjs_doc_free(copy);
}

static void documents_within(void) {
    tandem_yjs_doc* doc = new_doc(1, 0);
    tandem_yjs_doc* copy = new_doc(2, 0);
    const tandem_yjs_type map = tandem_yjs_root(doc, view("m"), TANDEM_YJS_MAP);
    const tandem_yjs_type list = tandem_yjs_root(doc, view("l"), TANDEM_YJS_ARRAY);
    tandem_yjs_subdoc_options options;
    tandem_yjs_bytes out;
    unsigned id = 0;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    CHECK(tandem_yjs_map_set_subdoc(doc, map, view("a"), &options) != 0);
    CHECK(tandem_yjs_map_set_subdoc(doc, map, view("a"), NULL) != 0);
    options.guid = view("one");
    options.meta = view("{\"title\":1}");
    CHECK(tandem_yjs_map_set_subdoc(doc, map, view("a"), &options) == 0);
    CHECK(tandem_yjs_subdoc_events(doc, &out) == 0);
    CHECK(strstr(out.data, "[{\"added\":[{\"id\":") == out.data);
    tandem_yjs_free(out);
    options.guid = view("two");
    options.loads_itself = 1;
    CHECK(tandem_yjs_list_insert_subdoc(doc, list, 0, &options) == 0);

    CHECK(tandem_yjs_encode(doc, kNone, TANDEM_YJS_V1, &out) == 0);
    CHECK(tandem_yjs_apply(copy, lend(out), TANDEM_YJS_V1, 0) == 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_subdoc_events(copy, &out) == 0);
    CHECK(strstr(out.data, "\"loaded\":[{") != NULL && strstr(out.data, "\"guid\":\"two\"") != NULL);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_subdocs(copy, &out) == 0);
    CHECK(strstr(out.data, "\"guid\":\"one\",\"autoLoad\":false,\"loaded\":false}") != NULL);
    CHECK(sscanf(out.data, "[{\"id\":%u,\"guid\":\"one\"", &id) == 1 || id != 0);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_subdoc_load(copy, id) == 0);
    CHECK(tandem_yjs_subdocs(copy, &out) == 0);
    CHECK(strstr(out.data, "\"guid\":\"one\",\"autoLoad\":false,\"loaded\":true}") != NULL);
    tandem_yjs_free(out);
    CHECK(tandem_yjs_subdoc_destroy(copy, id) == 0);
    CHECK(tandem_yjs_subdoc_load(copy, 4711) != 0);
    CHECK(tandem_yjs_begin(copy, 0) == 0);
    CHECK(tandem_yjs_subdoc_load(copy, id) != 0);
    CHECK(tandem_yjs_commit(copy) == 0);
    CHECK(tandem_yjs_map_delete(doc, map, view("a")) == 0);
    CHECK(tandem_yjs_subdoc_events(doc, &out) == 0);
    CHECK(strstr(out.data, "\"removed\":[{") != NULL);
    tandem_yjs_free(out);
    tandem_yjs_doc_free(doc);
    tandem_yjs_doc_free(copy);
}

int main(void) {
    CHECK(tandem_yjs_abi_version() == TANDEM_YJS_ABI_VERSION);
    texts_and_updates();
    events_and_places();
    the_past();
    undo();
    kinds_of_types();
    ids_of_clients();
    bytes();
    documents_within();
    return failures == 0 ? 0 : 1;
}
