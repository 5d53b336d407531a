#include "loop/conn_tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn_layer.h"
#include "loop/loop_uv.h"
#include "loop/tls_start.h"

enum { PLAIN_MAX = 16384 /* one TLS record */ };

/* What all TLS conns of a loop work in, one after the other. */
struct conn_scratch {
    BIO_METHOD *method; /* owned */
    struct buf out;     /* records on their way down; empty between steps */
    uint8_t plain[PLAIN_MAX];
};

enum state { SHAKING, OPEN, OVER };

struct conn_tls {
    struct conn conn;
    SSL *ssl;                     /* owned; NULL when it could not be made */
    struct conn_scratch *scratch; /* borrowed: the loop's */
    struct slice input;           /* lent by the lower layer for one step */
    struct tls_client *client;    /* borrowed: outlives the conn; NULL for a server */
    char *session_key;            /* owned; NULL for a server */
    conn_tls_ready *on_ready;
    void *arg; /* borrowed: the listener's or dialler's */
    struct task begin;
    struct task grave;
    enum state state;
    bool peer_done; /* close_notify came */
};

static struct conn_tls *tls_of(const struct conn *conn) {
    return container_of(conn, struct conn_tls, conn);
}

/* --- the BIO: OpenSSL's view of the lower layer --- */

static int bio_read(BIO *bio, char *at, int len) {
    struct conn_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (tls->input.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = tls->input.len < (size_t)len ? tls->input.len : (size_t)len;
    memcpy(at, tls->input.at, n);
    tls->input = slice_after(tls->input, n);
    return (int)n;
}

static int bio_write(BIO *bio, const char *at, int len) {
    struct conn_tls *tls = BIO_get_data(bio);

    buf_add(&tls->scratch->out, at, (size_t)len);
    return len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static struct conn_scratch *scratch_of(struct loop *loop) {
    if (loop->scratch)
        return loop->scratch;

    struct conn_scratch *scratch = mem_grow(NULL, sizeof(*scratch));
    buf_init(&scratch->out);
    scratch->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
    if (!scratch->method)
        abort();
    BIO_meth_set_read(scratch->method, bio_read);
    BIO_meth_set_write(scratch->method, bio_write);
    BIO_meth_set_ctrl(scratch->method, bio_control);
    loop->scratch = scratch;
    return scratch;
}

void conn_tls_scratch_free(struct conn_scratch *scratch) {
    if (!scratch)
        return;
    BIO_meth_free(scratch->method);
    buf_done(&scratch->out);
    free(scratch);
}

/* What somebody left in the thread's queue would be taken for a fault of the next step.
 * Clearing writes all sixteen places of it. */
static void forget_errors(void) {
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* Sends what OpenSSL has made in this step, in one piece. */
static void send_out(struct conn_tls *tls) {
    struct buf *out = &tls->scratch->out;

    if (out->len == 0)
        return;
    conn_send(tls->conn.lower, buf_slice(out));
    buf_clear(out);
}

/* --- the handshake --- */

static void tell_ready(struct conn_tls *tls, int result, const char *why) {
    conn_tls_ready *on_ready = TAKE(tls->on_ready);
    if (on_ready)
        on_ready(tls->arg, result, why);
}

static void fail_shaking(struct conn_tls *tls, int error, const char *why) {
    tls->state = OVER;
    if (tls->client)
        tls_client_note_failure(tls->client, why);
    tell_ready(tls, error, why);
}

static void become_open(struct conn_tls *tls) {
    struct conn_base *base = conn_base(&tls->conn);
    const unsigned char *name = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(tls->ssl, &name, &len);
    if (len < sizeof(base->alpn) && len > 0)
        memcpy(base->alpn, name, len);
    base->is_tls = true;
    base->is_resumed = SSL_session_reused(tls->ssl);
    if (tls->client)
        tls_client_note_success(tls->client, tls->ssl);
    tls->state = OPEN;
    conn_pause(tls->conn.lower, !conn_is_wanted(&tls->conn));
    tell_ready(tls, 0, NULL);
}

static void shake(struct conn_tls *tls) {
    char why[TLS_WHY_LEN];

    forget_errors();
    int r = SSL_do_handshake(tls->ssl);
    int error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, r);
    if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ)
        tls_start_explain(tls->ssl, why);
    send_out(tls);
    if (error == SSL_ERROR_NONE)
        become_open(tls);
    else if (error != SSL_ERROR_WANT_READ)
        fail_shaking(tls, -EPROTO, why);
}

static void run_begin(struct task *task) {
    struct conn_tls *tls = container_of(task, struct conn_tls, begin);

    if (tls->ssl)
        shake(tls);
    else
        fail_shaking(tls, -EPROTO, "TLS is not set up");
}

/* --- open --- */

/* May there be another record, or the rest of one? */
static bool has_more(const struct conn_tls *tls) {
    return tls->input.len > 0 || SSL_has_pending(tls->ssl);
}

static void fail(struct conn_tls *tls) {
    tls->state = OVER;
    conn_hand_end(&tls->conn, -EPROTO);
}

static void read_records(struct conn_tls *tls) {
    while (!tls->conn.closed && tls->state == OPEN && !tls->peer_done && has_more(tls)) {
        forget_errors();
        int n = SSL_read(tls->ssl, tls->scratch->plain, PLAIN_MAX);
        int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, n);
        send_out(tls);
        if (error == SSL_ERROR_WANT_READ)
            return;
        if (error == SSL_ERROR_NONE) {
            conn_hand_bytes(&tls->conn, slice_of(tls->scratch->plain, (size_t)n));
        } else if (error == SSL_ERROR_ZERO_RETURN) {
            tls->peer_done = true;
            if (tls->conn.ending && !tls->conn.finishing)
                conn_finish(tls->conn.lower); /* a peer may leave TCP open */
            else if (!tls->conn.finishing)    /* else the lower conn's end is ours */
                conn_hand_end(&tls->conn, 0);
        } else {
            fail(tls);
        }
    }
}

static void on_lower_bytes(void *owner, struct slice bytes) {
    struct conn_tls *tls = owner;

    tls->input = bytes;
    if (tls->state == SHAKING && tls->ssl)
        shake(tls);
    if (tls->state == OPEN)
        read_records(tls);
    tls->input = slice_of(NULL, 0);
}

static void on_lower_writable(void *owner) {
    struct conn_tls *tls = owner;
    if (tls->state == OPEN)
        conn_hand_writable(&tls->conn);
}

static void on_lower_closed(void *owner, int reason) {
    struct conn_tls *tls = owner;

    if (tls->conn.finishing) {
        conn_hand_end(&tls->conn, reason);
    } else if (tls->state == SHAKING) {
        fail_shaking(tls, reason ? reason : -ECONNRESET,
                     reason ? strerror(-reason)
                            : "the peer closed the connection during the TLS handshake");
    } else if (reason < 0 || !tls->peer_done || tls->conn.ending) {
        /* Without close_notify somebody may have cut off what the peer had to say. */
        bool is_cut = reason == 0 && !tls->peer_done;
        conn_hand_end(&tls->conn, is_cut ? -ECONNRESET : reason);
    }
}

static void tls_send(struct conn *conn, struct slice bytes) {
    struct conn_tls *tls = tls_of(conn);

    while (tls->state == OPEN && bytes.len > 0) {
        size_t n = bytes.len < INT_MAX ? bytes.len : INT_MAX;
        forget_errors();
        if (SSL_write(tls->ssl, bytes.at, (int)n) != (int)n)
            fail(tls);
        bytes = slice_after(bytes, n);
    }
    send_out(tls);
}

static bool tls_is_writable(const struct conn *conn) {
    return tls_of(conn)->state == OPEN && conn_is_writable(conn->lower);
}

static void tls_read(struct conn *conn, bool wanted) {
    if (tls_of(conn)->state == OPEN)
        conn_pause(conn->lower, !wanted);
}

static void tls_finish(struct conn *conn) {
    struct conn_tls *tls = tls_of(conn);

    tls->on_ready = NULL;
    if (tls->state == OPEN) {
        forget_errors();
        SSL_shutdown(tls->ssl);
        send_out(tls);
    }
    conn_finish(conn->lower);
}

static void tls_end(struct conn *conn) {
    struct conn_tls *tls = tls_of(conn);

    if (tls->state != OPEN)
        return;
    forget_errors();
    SSL_shutdown(tls->ssl);
    send_out(tls);
    conn_end(conn->lower);
}

static void run_grave(struct task *task) {
    struct conn_tls *tls = container_of(task, struct conn_tls, grave);

    SSL_free(tls->ssl);
    free(tls->session_key);
    free(tls);
}

static void tls_close(struct conn *conn) {
    struct conn_tls *tls = tls_of(conn);

    tls->state = OVER;
    tls->on_ready = NULL;
    loop_cancel(&tls->begin);
    conn_close(conn->lower);
    loop_bury(conn->loop, &tls->grave);
}

static const struct conn_ops tls_ops = {
    .send = tls_send,
    .read = tls_read,
    .is_writable = tls_is_writable,
    .finish = tls_finish,
    .end = tls_end,
    .close = tls_close,
};

static const struct conn_events lower_events = {
    .on_bytes = on_lower_bytes,
    .on_writable = on_lower_writable,
    .on_closed = on_lower_closed,
};

static struct conn_tls *new_tls(struct conn *lower,
                                SSL *ssl,
                                conn_tls_ready *on_ready,
                                void *arg) {
    struct conn_tls *tls = mem_new(sizeof(*tls));

    conn_init(&tls->conn, &tls_ops, conn_loop(lower), lower);
    tls->scratch = scratch_of(conn_loop(lower));
    tls->on_ready = on_ready;
    tls->arg = arg;
    tls->begin.run = run_begin;
    tls->grave.run = run_grave;
    tls->ssl = ssl;

    BIO *bio = ssl ? BIO_new(tls->scratch->method) : NULL;
    if (bio) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl, bio, bio);
    }
    conn_set_owner(lower, &lower_events, tls);
    return tls;
}

struct conn *conn_tls_accept(struct conn *lower,
                             struct tls_server *server,
                             conn_tls_ready *on_ready,
                             void *arg) {
    struct conn_tls *tls = new_tls(lower, tls_server_start(server), on_ready, arg);

    if (!tls->ssl)
        loop_post(conn_loop(lower), &tls->begin);
    return &tls->conn;
}

struct conn *conn_tls_connect(struct conn *lower,
                              struct tls_client *client,
                              const struct conn_tls_target *target,
                              conn_tls_ready *on_ready,
                              void *arg) {
    char *key = NULL;
    SSL *ssl = tls_client_start(client, target->name, target->port, target->alpn, &key);
    struct conn_tls *tls = new_tls(lower, ssl, on_ready, arg);

    tls->client = client;
    tls->session_key = key;
    loop_post(conn_loop(lower), &tls->begin);
    return &tls->conn;
}

const char *conn_tls_version(const struct conn *conn) {
    return SSL_get_version(tls_of(conn)->ssl);
}
