/*
 * h2_internal - what the files of h2 share
 *
 * h2.c is the connection, h2_stream.c what owners do with a stream, h2_entry.c how a
 * stream lives and ends, h2_events.c the engine's callbacks, h2_guard.c the budget
 * against floods, h2_past.c what the client has ended, h2_mem.c the engine's memory.
 * Nobody else includes this.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "wire/h2.h"
#include "wire/h2_guard.h"
#include "wire/h2_past.h"
#include "wire/h2_window.h"

struct h2_mem;

enum { H2_OUTPUT_MAX = 65536 }; /* body bytes that wait in a stream's output */

struct h2 {
    enum h2_role role;
    struct h2_limits limits;
    struct h2_mem *mem;       /* owned */
    nghttp2_session *session; /* owned */
    struct list entries;      /* owned: streams that the engine or an owner knows */
    struct list news;         /* borrowed: entries */
    size_t open;              /* streams that the engine has */
    struct h2_guard guard;
    struct h2_past past; /* server: of the client's streams */
    struct h2_window_path path;
    uint64_t now_us;  /* as the owner said last */
    struct buf early; /* frames that the engine gave before the owner drained */
    uint64_t pongs;
    uint64_t pings_open; /* sent and not yet answered */
    bool failed;         /* no more input is taken */
    bool greeted;        /* the peer's SETTINGS came */
    bool leaving;        /* we sent GOAWAY by h2_goaway() */
    uint32_t leaving_code;
    bool noticed;       /* a notice of h2_leave() waits for its PING's answer */
    bool draining;      /* the peer sent GOAWAY */
    uint32_t peer_code; /* the error code of that GOAWAY */
    void (*on_output)(void *arg);
    void *on_output_arg; /* borrowed: the owner's */
};

/* A stream with what only we need. */
struct h2_entry {
    struct h2_stream stream; /* first: the owner's view */
    struct list node;        /* in h2.entries */
    struct list news;        /* in h2.news */
    struct pipe out;         /* body bytes that the engine has not yet taken */
    struct headers out_trailers;
    struct h2_window window; /* what we grant */
    size_t owed;             /* credit that the peer has not been told of */
    size_t shrunk;           /* bytes by which it shrank and has not grown again */
    size_t credit;           /* body bytes that came and were not consumed */
    size_t head_size;        /* what the header list being read would count to */
    bool engine_open;        /* the engine has it: its user data points here */
    bool given;              /* the owner knows it */
    bool released;           /* the owner has forgotten it */
    bool sent;               /* client: the request's head is on its way */
    bool responded;          /* server: the response's head is queued */
    bool out_ended;          /* our END_STREAM follows what is in out */
    bool end_sent;           /* our END_STREAM is on its way */
    bool deferred;           /* the engine waits for nghttp2_session_resume_data() */
    bool wants_room;         /* the owner saw a full output */
    bool ignoring;           /* what still comes is dropped */
    bool our_reset;          /* the RST_STREAM that leaves was the owner's decision */
};

static inline struct h2_entry *h2_entry_of(const struct h2_stream *stream) {
    return container_of(stream, struct h2_entry, stream);
}

/* h2.c */

/* Is to be called after whatever may have made output. */
void h2_touch(struct h2 *h2);

/* The peer answered a PING of ours. */
/* Sends a PING to measure the round trip. */
void h2_ping_path(struct h2 *h2);

void h2_ping_answered(struct h2 *h2, const uint8_t opaque[static 8]);

/* Ends the connection with a GOAWAY that carries the code; every stream closes. */
void h2_fail(struct h2 *h2, uint32_t code);

/* h2_entry.c */

/* Adds a stream; given says whether the owner knows it already. */
struct h2_entry *h2_entry_new(struct h2 *h2, int32_t id, bool given);

/* Puts the stream in the queue of news. */
void h2_entry_tell(struct h2_entry *entry);

/* Marks it closed, which is news, unless it is closed already. */
void h2_entry_close(struct h2_entry *entry, bool was_reset, uint32_t code);

/* Frees it when neither the engine nor an owner has it any more. */
void h2_entry_settle(struct h2_entry *entry);

/* Drops what waits in either direction. */
void h2_entry_drop_output(struct h2_entry *entry);
void h2_entry_drop_input(struct h2_entry *entry);

/* Sends RST_STREAM by the owner's decision and closes the stream. */
void h2_entry_reset(struct h2_entry *entry, uint32_t code);

/* Lets the engine ask for body bytes again. */
void h2_entry_resume(struct h2_entry *entry);

/* The engine's form of the fields; lends names and values, free() the array. */
nghttp2_nv *h2_entry_fields(const struct headers *headers);

/* The engine's source of a stream's body and trailers. */
nghttp2_data_provider h2_entry_source(struct h2_entry *entry);

/* h2_events.c */

/* Fills in the callbacks; their user data is the struct h2. */
void h2_events_set(nghttp2_session_callbacks *callbacks);

/* h2_mem.c */

/* Memory for one engine; free it after the engine. The pool as in struct h2_limits. */
struct h2_mem *h2_mem_new(struct h2_mem_pool *pool);
struct h2_mem *h2_mem_free(struct h2_mem *mem);
nghttp2_mem *h2_mem_engine(struct h2_mem *mem);
