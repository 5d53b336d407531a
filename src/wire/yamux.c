#include "wire/yamux.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"

enum { VERSION = 0 };

enum type { DATA = 0, WINDOW = 1, PING = 2, AWAY = 3 };

enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

enum { ID_MAX = INT32_MAX }; /* far from the end of the odd ids */

struct head {
    uint8_t version;
    uint8_t type;
    uint16_t flags;
    uint32_t id;
    uint32_t len;
};

struct yamux_stream {
    struct list node;
    struct yamux *yamux; /* borrowed: it owns us */
    void *user;          /* borrowed: whoever opened it */
    uint32_t id;
    uint32_t send_window;
    uint32_t receive_window;
    uint32_t taken; /* and not yet given back */
    bool acknowledged;
    bool ended;      /* ours */
    bool peer_ended; /* theirs */
    bool was_reset;
};

struct yamux {
    struct list streams; /* owned */
    uint32_t next_id;
    uint32_t next_ping;
    size_t unacknowledged;
    bool away;      /* we said so */
    bool peer_away; /* or they did */
    bool failed;

    /* Coming in. */
    struct buf in;
    size_t pos; /* of in: what was taken */
    uint32_t body_left;
    struct yamux_stream *body_stream; /* borrowed: of the body; NULL: nobody wants it */
    bool body_ends;                   /* the stream ends behind it */
    struct yamux_stream *news;        /* borrowed: who has events besides data */
    bool news_writable;
    bool news_ended;
    bool news_reset;

    /* Going out. */
    struct buf out;
    unsigned answers; /* since the last drain */
};

/* -- heads ------------------------------------------------------------------------- */

static uint32_t number_of(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct head head_of(const uint8_t at[static YAMUX_HEAD_LEN]) {
    return (struct head) {
        .version = at[0],
        .type = at[1],
        .flags = (uint16_t)(at[2] << 8 | at[3]),
        .id = number_of(at + 4),
        .len = number_of(at + 8),
    };
}

static void add_number(struct buf *out, uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_byte(out, (uint8_t)(number >> shift));
}

static void add_head(
    struct yamux *yamux, enum type type, unsigned flags, uint32_t id, uint32_t len) {
    struct buf *out = &yamux->out;

    buf_add_byte(out, VERSION);
    buf_add_byte(out, (uint8_t)type);
    buf_add_byte(out, (uint8_t)(flags >> 8));
    buf_add_byte(out, (uint8_t)flags);
    add_number(out, id);
    add_number(out, len);
}

/* -- the session --------------------------------------------------------------------- */

struct yamux *yamux_new(void) {
    struct yamux *yamux = mem_new(sizeof(*yamux));

    list_init(&yamux->streams);
    yamux->next_id = 1;
    return yamux;
}

/* Takes the stream out of everything but its list. */
static void forget_stream(struct yamux_stream *stream) {
    struct yamux *yamux = stream->yamux;

    if (!stream->acknowledged)
        yamux->unacknowledged--;
    if (yamux->body_stream == stream)
        yamux->body_stream = NULL;
    if (yamux->news == stream)
        yamux->news = NULL;
    list_remove(&stream->node);
    free(stream);
}

struct yamux *yamux_free(struct yamux *yamux) {
    if (!yamux)
        return NULL;
    list_for_each_safe(at, after, &yamux->streams)
        forget_stream(container_of(at, struct yamux_stream, node));
    buf_done(&yamux->in);
    buf_done(&yamux->out);
    free(yamux);
    return NULL;
}

void yamux_feed(struct yamux *yamux, struct slice bytes) {
    if (yamux->failed)
        return;
    buf_drop(&yamux->in, yamux->pos);
    yamux->pos = 0;
    buf_add_slice(&yamux->in, bytes);
}

static int fail(struct yamux *yamux) {
    yamux->failed = true;
    yamux_go_away(yamux, YAMUX_PROTOCOL);
    return -EPROTO;
}

void yamux_go_away(struct yamux *yamux, uint32_t code) {
    if (yamux->away)
        return;
    yamux->away = true;
    add_head(yamux, AWAY, 0, 0, code);
}

void yamux_ping(struct yamux *yamux) {
    if (!yamux->failed)
        add_head(yamux, PING, SYN, 0, yamux->next_ping++);
}

void yamux_drain(struct yamux *yamux, struct buf *out) {
    buf_add_slice(out, buf_slice(&yamux->out));
    buf_done(&yamux->out);
    yamux->answers = 0;
}

bool yamux_has_output(const struct yamux *yamux) {
    return yamux->out.len > 0;
}

/* -- streams ------------------------------------------------------------------------- */

bool yamux_can_open(const struct yamux *yamux) {
    return !yamux->failed && !yamux->away && !yamux->peer_away &&
           yamux->unacknowledged < YAMUX_BACKLOG && yamux->next_id < ID_MAX;
}

struct yamux_stream *yamux_open(struct yamux *yamux, void *user) {
    if (!yamux_can_open(yamux))
        return NULL;
    struct yamux_stream *stream = mem_new(sizeof(*stream));

    *stream = (struct yamux_stream) {
        .yamux = yamux,
        .user = user,
        .id = yamux->next_id,
        .send_window = YAMUX_WINDOW,
        .receive_window = YAMUX_WINDOW,
    };
    yamux->next_id += 2;
    yamux->unacknowledged++;
    list_add_tail(&yamux->streams, &stream->node);
    add_head(yamux, WINDOW, SYN, stream->id, 0);
    return stream;
}

void *yamux_user(const struct yamux_stream *stream) {
    return stream->user;
}

size_t yamux_room(const struct yamux_stream *stream) {
    bool is_over = stream->ended || stream->was_reset || stream->yamux->failed;
    return is_over ? 0 : stream->send_window;
}

void yamux_write(struct yamux_stream *stream, struct slice bytes) {
    assert(bytes.len <= yamux_room(stream));
    if (bytes.len == 0)
        return;
    stream->send_window -= (uint32_t)bytes.len;
    add_head(stream->yamux, DATA, 0, stream->id, (uint32_t)bytes.len);
    buf_add_slice(&stream->yamux->out, bytes);
}

void yamux_taken(struct yamux_stream *stream, size_t count) {
    stream->taken += (uint32_t)count;
    assert(stream->taken <= YAMUX_WINDOW - stream->receive_window);
    bool is_over = stream->peer_ended || stream->was_reset || stream->yamux->failed;
    if (stream->taken < YAMUX_WINDOW / 2 || is_over)
        return;
    add_head(stream->yamux, WINDOW, 0, stream->id, stream->taken);
    stream->receive_window += stream->taken;
    stream->taken = 0;
}

void yamux_end(struct yamux_stream *stream) {
    if (stream->ended || stream->was_reset || stream->yamux->failed)
        return;
    stream->ended = true;
    add_head(stream->yamux, WINDOW, FIN, stream->id, 0);
}

void yamux_release(struct yamux_stream *stream) {
    if (!stream)
        return;
    bool is_over = (stream->ended && stream->peer_ended) || stream->was_reset;
    if (!is_over && !stream->yamux->failed)
        add_head(stream->yamux, WINDOW, RST, stream->id, 0);
    forget_stream(stream);
}

static struct yamux_stream *find_stream(struct yamux *yamux, uint32_t id) {
    list_for_each_safe(at, after, &yamux->streams) {
        struct yamux_stream *stream = container_of(at, struct yamux_stream, node);
        if (stream->id == id)
            return stream->was_reset ? NULL : stream;
    }
    return NULL;
}

/* -- frames of the peer
 * ------------------------------------------------------------------ */

static void answer(
    struct yamux *yamux, enum type type, unsigned flags, uint32_t id, uint32_t len) {
    if (yamux->answers >= YAMUX_ANSWERS_MAX)
        return;
    yamux->answers++;
    add_head(yamux, type, flags, id, len);
}

static int take_flags(struct yamux_stream *stream, const struct head *head) {
    struct yamux *yamux = stream->yamux;

    if ((head->flags & ACK) && !stream->acknowledged) {
        stream->acknowledged = true;
        yamux->unacknowledged--;
    }
    yamux->news = stream;
    yamux->news_writable = false;
    yamux->news_ended = false;
    yamux->news_reset = head->flags & RST;
    if (head->flags & RST) {
        stream->was_reset = true;
    } else if (head->flags & FIN) {
        if (stream->peer_ended)
            return fail(yamux);
        stream->peer_ended = true;
        yamux->news_ended = head->type != DATA || head->len == 0;
    }
    return 0;
}

static int take_window(struct yamux_stream *stream, const struct head *head) {
    struct yamux *yamux = stream->yamux;

    int r = take_flags(stream, head);
    if (r < 0)
        return r;
    if (head->len > UINT32_MAX - stream->send_window)
        return fail(yamux);
    yamux->news_writable =
        stream->send_window == 0 && head->len > 0 && !stream->ended && !stream->was_reset;
    stream->send_window += head->len;
    return 0;
}

static int take_data(struct yamux_stream *stream, const struct head *head) {
    struct yamux *yamux = stream->yamux;
    bool had_ended = stream->peer_ended;

    int r = take_flags(stream, head);
    if (r < 0)
        return r;
    if (head->len > stream->receive_window)
        return fail(yamux);
    stream->receive_window -= head->len;
    yamux->body_left = head->len;
    yamux->body_stream = had_ended || stream->was_reset ? NULL : stream;
    yamux->body_ends = head->flags & FIN;
    return 0;
}

/* A frame of a stream that we do not know: it was released, or it is the peer's own. */
static void pass_over(struct yamux *yamux, const struct head *head) {
    if (head->flags & SYN)
        answer(yamux, WINDOW, RST, head->id, 0);
    if (head->type == DATA) {
        yamux->body_left = head->len;
        yamux->body_stream = NULL;
    }
}

static int take_stream_frame(struct yamux *yamux, const struct head *head) {
    struct yamux_stream *stream = find_stream(yamux, head->id);

    if (!stream) {
        pass_over(yamux, head);
        return YAMUX_E_MORE;
    }
    if (head->flags & SYN) /* a stream that we opened */
        return fail(yamux);
    int r = head->type == DATA ? take_data(stream, head) : take_window(stream, head);
    return r < 0 ? r : YAMUX_E_MORE;
}

/* Takes a head: 0 and an event, YAMUX_E_MORE when there is none of it, -EPROTO. */
static int take_head(struct yamux *yamux,
                     const struct head *head,
                     struct yamux_event *ret_event) {
    if (head->version != VERSION)
        return fail(yamux);
    switch (head->type) {
    case DATA:
    case WINDOW:
        return take_stream_frame(yamux, head);
    case PING:
        if (head->flags & SYN)
            answer(yamux, PING, ACK, 0, head->len);
        return YAMUX_E_MORE;
    case AWAY:
        yamux->peer_away = true;
        *ret_event = (struct yamux_event) { .kind = YAMUX_AWAY, .code = head->len };
        return 0;
    default:
        return fail(yamux);
    }
}

/* The end of a stream comes behind its last bytes. */
static bool take_news(struct yamux *yamux, struct yamux_event *ret_event) {
    if (!yamux->news)
        return false;
    struct yamux_event event = { .stream = yamux->news };

    if (yamux->news_writable) {
        yamux->news_writable = false;
        event.kind = YAMUX_WRITABLE;
    } else if (yamux->news_ended) {
        yamux->news_ended = false;
        event.kind = YAMUX_ENDED;
    } else if (yamux->news_reset) {
        yamux->news_reset = false;
        event.kind = YAMUX_RESET;
    } else {
        yamux->news = NULL;
        return false;
    }
    *ret_event = event;
    return true;
}

/* Takes what there is of the body: true when somebody is to have it. */
static bool take_body(struct yamux *yamux, struct yamux_event *ret_event) {
    size_t ready = yamux->in.len - yamux->pos;
    size_t n = ready < yamux->body_left ? ready : yamux->body_left;
    struct slice bytes = slice_of(yamux->in.data + yamux->pos, n);
    struct yamux_stream *stream = yamux->body_stream;

    yamux->pos += n;
    yamux->body_left -= (uint32_t)n;
    if (!stream)
        return false;
    if (yamux->body_left == 0 && yamux->body_ends) {
        yamux->news = stream;
        yamux->news_ended = true;
    }
    *ret_event =
        (struct yamux_event) { .kind = YAMUX_DATA, .stream = stream, .bytes = bytes };
    return true;
}

/* An idle session owns no buffer. */
static void keep_nothing(struct yamux *yamux) {
    buf_done(&yamux->in);
    yamux->pos = 0;
}

int yamux_next(struct yamux *yamux, struct yamux_event *ret_event) {
    while (!yamux->failed) {
        size_t ready = yamux->in.len - yamux->pos;
        if (take_news(yamux, ret_event))
            return 0;
        if (ready == 0)
            keep_nothing(yamux);
        if (ready == 0 || (yamux->body_left == 0 && ready < YAMUX_HEAD_LEN))
            return YAMUX_E_MORE;
        if (yamux->body_left > 0) {
            if (take_body(yamux, ret_event))
                return 0;
            continue;
        }
        struct head head = head_of(yamux->in.data + yamux->pos);
        yamux->pos += YAMUX_HEAD_LEN;
        int r = take_head(yamux, &head, ret_event);
        if (r != YAMUX_E_MORE)
            return r;
    }
    return -EPROTO;
}
