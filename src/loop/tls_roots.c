#include "loop/tls_roots.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

enum {
    HASH_LEN = 8,
    WHOLE_MIN = 16, /* fewer are somebody's own beside the system's file */
};

/* "5ad8a5d6.0" */
static bool is_hashed(const char *name) {
    size_t len = strspn(name, "0123456789abcdef");
    return len == HASH_LEN && name[len] == '.' && name[len + 1] >= '0' &&
           name[len + 1] <= '9';
}

/* Does the folder have all of them, so that the file is not needed? */
static bool is_whole(const char *folder) {
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    int count = 0;

    if (!entries)
        return false;
    while (count < WHOLE_MIN && (entry = readdir(entries)))
        count += is_hashed(entry->d_name);
    closedir(entries);
    return count == WHOLE_MIN;
}

bool tls_roots_add(SSL_CTX *ctx) {
    const char *folder = getenv(X509_get_default_cert_dir_env());

    if (!getenv(X509_get_default_cert_file_env()) &&
        is_whole(folder ? folder : X509_get_default_cert_dir()))
        return SSL_CTX_set_default_verify_dir(ctx) == 1;
    return SSL_CTX_set_default_verify_paths(ctx) == 1;
}
