#include "loop/tls_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    SESSIONS_MAX = 16, /* an agent knows a few hubs; the oldest goes */
    FILE_MAX = 256 * 1024,
    FIELD_MAX = 16 * 1024, /* a session holds the server's certificate */
};

static const char magic[] = "ROOST-TLS-SESSIONS-1\n";

struct entry {
    struct list node;
    char *key;            /* owned */
    SSL_SESSION *session; /* a reference */
};

struct tls_session_store {
    struct list entries; /* owned; the newest first */
    size_t count;
    char *path; /* owned; NULL: in memory only */
};

static void remove_entry(struct tls_session_store *store, struct entry *entry) {
    list_remove(&entry->node);
    store->count--;
    SSL_SESSION_free(entry->session);
    free(entry->key);
    free(entry);
}

static struct entry *find(struct tls_session_store *store, const char *key) {
    list_for_each_safe(at, after, &store->entries) {
        struct entry *entry = container_of(at, struct entry, node);
        if (strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static void add(struct tls_session_store *store, char *key, SSL_SESSION *session) {
    struct entry *old = find(store, key);
    if (old)
        remove_entry(store, old);
    if (store->count == SESSIONS_MAX)
        remove_entry(store, container_of(store->entries.prev, struct entry, node));

    struct entry *entry = mem_new(sizeof(*entry));
    entry->key = key;
    entry->session = session;
    list_add_head(&store->entries, &entry->node);
    store->count++;
}

/* --- the file: after the magic, key and session as fields of a 4-byte length --- */

static void write_field(struct buf *out, struct slice bytes) {
    uint32_t len = (uint32_t)bytes.len;
    uint8_t head[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                        (uint8_t)len };
    buf_add(out, head, sizeof(head));
    buf_add_slice(out, bytes);
}

static bool read_field(struct slice *rest, struct slice *ret_field) {
    if (rest->len < 4)
        return false;
    const uint8_t *at = rest->at;
    size_t len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (len > FIELD_MAX || rest->len - 4 < len)
        return false;
    *ret_field = slice_of(rest->at + 4, len);
    *rest = slice_after(*rest, 4 + len);
    return true;
}

static void load_entries(struct tls_session_store *store, struct slice rest) {
    struct slice key, packed;

    while (store->count < SESSIONS_MAX && read_field(&rest, &key) &&
           read_field(&rest, &packed)) {
        const unsigned char *at = packed.at;
        SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)packed.len);
        if (!session)
            return;
        add(store, mem_dup(key.at, key.len), session);
    }
}

static void load(struct tls_session_store *store) {
    struct buf content = { 0 };
    size_t magic_len = strlen(magic);

    if (file_read(store->path, FILE_MAX, &content) == 0 && content.len > magic_len &&
        memcmp(content.data, magic, magic_len) == 0)
        load_entries(store, slice_after(buf_slice(&content), magic_len));
    if (content.len > 0)
        mem_wipe(content.data, content.len);
    buf_done(&content);
}

static void write_entry(struct buf *out, const struct entry *entry) {
    unsigned char *packed = NULL;
    int len = i2d_SSL_SESSION(entry->session, &packed);

    if (len > 0 && len <= FIELD_MAX) {
        write_field(out, slice_of_text(entry->key));
        write_field(out, slice_of(packed, (size_t)len));
    }
    OPENSSL_clear_free(packed, len > 0 ? (size_t)len : 0);
}

/* The oldest first, so that reading it in order makes the newest the first again. */
static void write_all(const struct tls_session_store *store, struct buf *out) {
    buf_add_text(out, magic);
    for (struct list *at = store->entries.prev; at != &store->entries; at = at->prev)
        write_entry(out, container_of(at, struct entry, node));
}

/* Replaces the file at once, but lets the disk have it when it likes. */
static int replace_file(const char *path, struct slice content) {
    auto_(mem_freep) char *draft = mem_printf("%s.new", path);

    unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    ssize_t len = write(fd, content.at, content.len);
    int r = len == (ssize_t)content.len ? 0 : -EIO;
    close(fd);
    if (r == 0 && rename(draft, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(draft);
    return r;
}

static void save(const struct tls_session_store *store) {
    struct buf content = { 0 };

    write_all(store, &content);
    int r = replace_file(store->path, buf_slice(&content));
    if (r < 0)
        log_debug("cannot keep TLS sessions in %s: %s", store->path, strerror(-r));
    mem_wipe(content.data, content.len);
    buf_done(&content);
}

struct tls_session_store *tls_session_store_new(const char *path) {
    struct tls_session_store *store = mem_new(sizeof(*store));

    list_init(&store->entries);
    store->path = mem_strdup(path);
    if (path)
        load(store);
    return store;
}

struct tls_session_store *tls_session_store_free(struct tls_session_store *store) {
    if (!store)
        return NULL;
    list_for_each_safe(at, after, &store->entries)
        remove_entry(store, container_of(at, struct entry, node));
    free(store->path);
    free(store);
    return NULL;
}

SSL_SESSION *tls_session_store_find(struct tls_session_store *store, const char *key) {
    struct entry *entry = find(store, key);

    if (!entry || !SSL_SESSION_is_resumable(entry->session))
        return NULL;
    return entry->session;
}

void tls_session_store_put(struct tls_session_store *store,
                           const char *key,
                           SSL_SESSION *session) {
    add(store, mem_strdup(key), session);
    if (store->path)
        save(store);
}
