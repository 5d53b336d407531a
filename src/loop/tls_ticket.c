#include "loop/tls_ticket.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    NAME_LEN = 16,
    SECRET_LEN = 32,
    IV_LEN = 16,
    KEY_COUNT = 2,
    ROTATE_S = 12 * 3600,
    LIFETIME_S = ROTATE_S, /* of a ticket: the key before opens it as long */
};

static const char magic[8] = { 'R', 'T', 'I', 'C', 'K', 'E', 'T', '1' };

struct key {
    uint8_t name[NAME_LEN]; /* stands in the ticket, to find the key */
    uint8_t cipher[SECRET_LEN];
    uint8_t mac[SECRET_LEN];
};

/* As it stands in the file. */
struct stored {
    char magic[sizeof(magic)];
    uint8_t made_s[8]; /* big endian, wall time of keys[0] */
    struct key keys[KEY_COUNT];
};

struct tls_ticket_keys {
    struct key keys[KEY_COUNT]; /* [0] seals */
    int64_t made_s;
    char *path; /* owned; NULL: in memory only */
};

static int64_t now_s(void) {
    return clock_wall_ms() / 1000;
}

static void store_time(uint8_t at[static 8], int64_t time_s) {
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)((uint64_t)time_s >> (56 - 8 * i));
}

static int64_t load_time(const uint8_t at[static 8]) {
    uint64_t time_s = 0;
    for (int i = 0; i < 8; i++)
        time_s = time_s << 8 | at[i];
    return (int64_t)time_s;
}

static int save(const struct tls_ticket_keys *keys) {
    struct stored stored;

    if (!keys->path)
        return 0;
    memcpy(stored.magic, magic, sizeof(magic));
    store_time(stored.made_s, keys->made_s);
    memcpy(stored.keys, keys->keys, sizeof(stored.keys));
    int r = file_write_atomic(keys->path, slice_of(&stored, sizeof(stored)), 0600);
    mem_wipe(&stored, sizeof(stored));
    return r;
}

static void rotate(struct tls_ticket_keys *keys) {
    keys->keys[1] = keys->keys[0];
    crypto_random(&keys->keys[0], sizeof(keys->keys[0]));
    keys->made_s = now_s();
}

/* Also when the clock was set back, lest a key made in the future lives for years. */
static void rotate_if_due(struct tls_ticket_keys *keys) {
    int64_t age_s = now_s() - keys->made_s;

    if (age_s >= 0 && age_s < ROTATE_S)
        return;
    rotate(keys);
    int r = save(keys);
    if (r < 0)
        log_warning("cannot keep TLS ticket keys in %s: %s", keys->path, strerror(-r));
}

struct tls_ticket_keys *tls_ticket_keys_new(void) {
    struct tls_ticket_keys *keys = mem_new(sizeof(*keys));

    tls_ticket_keys_renew(keys);
    return keys;
}

struct tls_ticket_keys *tls_ticket_keys_free(struct tls_ticket_keys *keys) {
    if (!keys)
        return NULL;
    mem_wipe(keys->keys, sizeof(keys->keys));
    free(keys->path);
    free(keys);
    return NULL;
}

int tls_ticket_keys_keep(struct tls_ticket_keys *keys, const char *path) {
    struct buf content = { 0 };
    struct stored stored;

    int r = file_read(path, sizeof(stored), &content);
    bool is_whole = r == 0 && content.len == sizeof(stored) &&
                    memcmp(content.data, magic, sizeof(magic)) == 0;
    if (is_whole) {
        memcpy(&stored, content.data, sizeof(stored));
        memcpy(keys->keys, stored.keys, sizeof(keys->keys));
        keys->made_s = load_time(stored.made_s);
        mem_wipe(&stored, sizeof(stored));
        mem_wipe(content.data, content.len);
    }
    buf_done(&content);
    if (r < 0 && r != -ENOENT && r != -EFBIG)
        return r;

    free(keys->path);
    keys->path = mem_strdup(path);
    return is_whole ? 0 : save(keys);
}

int tls_ticket_keys_renew(struct tls_ticket_keys *keys) {
    rotate(keys);
    rotate(keys);
    return save(keys);
}

static bool set_up(const struct key *key,
                   const uint8_t *iv,
                   EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac,
                   bool seals) {
    char digest[] = "SHA256";
    uint8_t mac_key[SECRET_LEN];

    memcpy(mac_key, key->mac, sizeof(mac_key));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_set = EVP_MAC_CTX_set_params(mac, params) == 1 &&
                  EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv,
                                    seals ? 1 : 0) == 1;
    mem_wipe(mac_key, sizeof(mac_key));
    return is_set;
}

static const struct key *find(const struct tls_ticket_keys *keys, const uint8_t *name) {
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (memcmp(keys->keys[i].name, name, NAME_LEN) == 0)
            return &keys->keys[i];
    return NULL;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 use it, 2 use it and make a new one, 0 no
 * such key, -1 failure. */
static int on_ticket(SSL *ssl,
                     unsigned char *name,
                     unsigned char *iv,
                     EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac,
                     int seals) {
    struct tls_ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    rotate_if_due(keys);
    if (seals) {
        memcpy(name, keys->keys[0].name, NAME_LEN);
        crypto_random(iv, IV_LEN);
        return set_up(&keys->keys[0], iv, cipher, mac, true) ? 1 : -1;
    }
    const struct key *key = find(keys, name);
    if (!key)
        return 0;
    if (!set_up(key, iv, cipher, mac, false))
        return -1;
    return key == &keys->keys[0] ? 1 : 2;
}

void tls_ticket_keys_use(struct tls_ticket_keys *keys, SSL_CTX *ctx) {
    static const unsigned char context[] = "roost";

    SSL_CTX_set_app_data(ctx, keys);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, LIFETIME_S);
    SSL_CTX_set_num_tickets(ctx, 1);
}
