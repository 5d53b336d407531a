#include "hub/front/keyring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { CHAIN_MAX = 16 };

void keyring_init(struct keyring *keyring, const char *data) {
    *keyring = (struct keyring) {
        .path = file_join(data, "tls"),
        .next_path = file_join(data, "tls/next"),
        .tickets = file_join(data, "tls/tickets"),
    };
    crypto_folder_init(&keyring->now, keyring->path);
    crypto_folder_init(&keyring->next, keyring->next_path);
}

void keyring_done(struct keyring *keyring) {
    crypto_folder_done(&keyring->now);
    crypto_folder_done(&keyring->next);
    free(keyring->path);
    free(keyring->next_path);
    free(keyring->tickets);
}

int keyring_make_next(const struct keyring *keyring,
                      const char *const *names,
                      size_t count,
                      int64_t now_ms) {
    int r = file_make_dirs(keyring->next_path, 0700);
    return r == 0 ? crypto_folder_renew(&keyring->next, names, count, now_ms, true) : r;
}

bool keyring_has_next(const struct keyring *keyring) {
    return file_exists(keyring->next.ca_key) &&
           crypto_cert_check_key(keyring->next.cert, keyring->next.key) == 0;
}

static int keep_old_and_move(const char *from, const char *to) {
    char *old = mem_printf("%s.old", to);
    int r = 0;

    if (rename(to, old) < 0 && errno != ENOENT)
        r = -errno;
    if (r == 0 && rename(from, to) < 0)
        r = -errno;
    free(old);
    return r;
}

int keyring_take_next(const struct keyring *keyring) {
    const struct crypto_folder *from = &keyring->next;
    const struct crypto_folder *to = &keyring->now;

    int r = keep_old_and_move(from->ca_key, to->ca_key);
    if (r == 0)
        r = keep_old_and_move(from->ca_cert, to->ca_cert);
    if (r == 0)
        r = keep_old_and_move(from->key, to->key);
    if (r == 0)
        r = keep_old_and_move(from->cert, to->cert);
    if (r == 0 && rmdir(keyring->next_path) < 0)
        r = -errno;
    return r;
}

int keyring_read_pin(const char *path,
                     char ret_pin[static CRYPTO_CERT_PIN_LEN + 1],
                     bool *ret_self_signed) {
    struct crypto_cert_facts facts = { 0 };
    int r = crypto_cert_read(path, 0, &facts);

    if (r != 0)
        return r;
    for (size_t i = 1; i < CHAIN_MAX; i++) {
        struct crypto_cert_facts next = { 0 };
        if (crypto_cert_read(path, i, &next) != 0)
            break;
        crypto_cert_facts_done(&facts);
        facts = next;
    }
    memcpy(ret_pin, facts.pin, sizeof(facts.pin));
    *ret_self_signed = strcmp(facts.subject, facts.issuer) == 0;
    crypto_cert_facts_done(&facts);
    return 0;
}
