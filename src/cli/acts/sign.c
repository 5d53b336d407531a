#include "cli/acts/sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/name.h"

enum {
    KEY_FILE_MAX = 4096,
    NODES_FILE_MAX = 4 << 20,
};

/* A file beside the profiles. To be freed. */
static char *find_file(const char *name) {
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && *config == '/')
        return mem_printf("%s/roost/%s", config, name);
    if (home && *home)
        return mem_printf("%s/.config/roost/%s", home, name);
    return NULL;
}

char *sign_path(void) {
    return find_file("operator.key");
}

/* --- the key --- */

static bool read_key(char *text, struct sign_key *ret_key) {
    char *rest = NULL;
    const char *name = strtok_r(text, " \t\r\n", &rest);
    const char *seed = strtok_r(NULL, " \t\r\n", &rest);
    struct buf bytes = { 0 };

    bool is_one = name && seed && !strtok_r(NULL, " \t\r\n", &rest) &&
                  name_is_valid(name) &&
                  base64_decode(&bytes, slice_of_text(seed)) == 0 &&
                  bytes.len == CRYPTO_SIGN_KEY_LEN;
    if (is_one) {
        snprintf(ret_key->name, sizeof(ret_key->name), "%s", name);
        memcpy(ret_key->seed, bytes.data, CRYPTO_SIGN_KEY_LEN);
    }
    if (bytes.data)
        mem_wipe(bytes.data, bytes.cap);
    buf_done(&bytes);
    return is_one;
}

int sign_load(struct sign_key *ret_key) {
    auto_(mem_freep) char *path = sign_path();
    struct stat facts;
    struct buf text = { 0 };

    if (!path)
        return SIGN_E_HOME;
    if (stat(path, &facts) != 0)
        return errno == ENOENT || errno == ENOTDIR ? SIGN_E_NONE : -errno;
    if (facts.st_mode & (S_IRWXG | S_IRWXO))
        return SIGN_E_OPEN;
    int r = file_read(path, KEY_FILE_MAX, &text);
    if (r == 0 && !read_key((char *)(uintptr_t)buf_text(&text), ret_key))
        r = SIGN_E_DAMAGED;
    if (text.data)
        mem_wipe(text.data, text.cap);
    buf_done(&text);
    return r;
}

static int make_folder(const char *path) {
    auto_(mem_freep) char *folder = mem_strdup(path);

    *strrchr(folder, '/') = '\0';
    return file_make_dirs(folder, 0700);
}

int sign_make(const char *name, struct sign_key *ret_key) {
    auto_(mem_freep) char *path = sign_path();
    struct buf text = { 0 };

    if (!path)
        return SIGN_E_HOME;
    if (file_exists(path))
        return -EEXIST;
    snprintf(ret_key->name, sizeof(ret_key->name), "%s", name);
    crypto_sign_make_key(ret_key->seed);
    buf_printf(&text, "%s ", name);
    base64_encode(&text, slice_of(ret_key->seed, CRYPTO_SIGN_KEY_LEN));
    buf_add_byte(&text, '\n');
    int r = make_folder(path);
    if (r == 0)
        r = file_write_atomic(path, buf_slice(&text), 0600);
    mem_wipe(text.data, text.cap);
    buf_done(&text);
    return r;
}

char *sign_line(const struct sign_key *key) {
    uint8_t public_key[CRYPTO_SIGN_KEY_LEN];
    struct buf line = { 0 };

    crypto_sign_public(key->seed, public_key);
    buf_printf(&line, "operator %s ed25519:", key->name);
    base64_encode(&line, slice_of(public_key, sizeof(public_key)));
    return buf_take_text(&line);
}

const char *sign_error_text(int error) {
    switch (error) {
    case SIGN_E_NONE:
        return "there is no operator key here (roost key new makes one)";
    case SIGN_E_OPEN:
        return "the operator key can be read by others (chmod 600 it, or make a new one)";
    case SIGN_E_DAMAGED:
        return "the file of the operator key is damaged";
    case SIGN_E_HOME:
        return "neither HOME nor XDG_CONFIG_HOME is set";
    case SIGN_E_UNKNOWN:
        return "the policy of the host does not know this operator key (roost key show "
               "prints the line that it needs)";
    case SIGN_E_OTHER:
        return "it says to be another host than when it was last signed for; if that is "
               "so, roost key forget NODE";
    default:
        return strerror(-error);
    }
}

/* --- which host it is --- */

/* Does the line say "HUB NODE INSTANCE" of these? */
static bool is_line_of(struct slice line, const char *hub, const char *node) {
    auto_(mem_freep) char *start = mem_printf("%s %s ", hub, node);
    size_t len = strlen(start);

    return line.len > len && memcmp(line.at, start, len) == 0;
}

/* The id that is remembered of the node, or NULL; to be freed. */
static char *find_instance(struct slice text, const char *hub, const char *node) {
    size_t skip = strlen(hub) + strlen(node) + 2;

    while (text.len > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        if (is_line_of(slice_of(text.at, len), hub, node))
            return mem_printf("%.*s", (int)(len - skip), (const char *)text.at + skip);
        text = slice_after(text, end ? len + 1 : len);
    }
    return NULL;
}

/* Is the node the host that it was before? The first time it is believed, and kept. */
static int check_instance(const struct sign_question *question, const char *instance) {
    auto_(mem_freep) char *path = find_file("operator-nodes");
    struct buf text = { 0 };

    if (!path)
        return SIGN_E_HOME;
    int r = file_read(path, NODES_FILE_MAX, &text);
    if (r < 0 && r != -ENOENT) {
        buf_done(&text);
        return r;
    }
    char *known = find_instance(buf_slice(&text), question->hub, question->node);
    buf_done(&text);
    if (known) {
        r = strcmp(known, instance) == 0 ? 0 : SIGN_E_OTHER;
        free(known);
        return r;
    }
    auto_(mem_freep) char *line =
        mem_printf("%s %s %s", question->hub, question->node, instance);
    return file_append_line(path, line, 0600);
}

int sign_forget(const char *hub, const char *node) {
    auto_(mem_freep) char *path = find_file("operator-nodes");
    struct buf text = { 0 };
    struct buf kept = { 0 };

    if (!path)
        return SIGN_E_HOME;
    int r = file_read(path, NODES_FILE_MAX, &text);
    struct slice rest = buf_slice(&text);
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.at, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.at) + 1 : rest.len;
        if (!is_line_of(slice_of(rest.at, len), hub, node))
            buf_add(&kept, rest.at, len);
        rest = slice_after(rest, len);
    }
    if (r == 0)
        r = file_write_atomic(path, buf_slice(&kept), 0600);
    buf_done(&text);
    buf_done(&kept);
    return r == -ENOENT ? 0 : r;
}

static bool is_plain(const char *text) {
    return *text && !strpbrk(text, " \t\r\n");
}

static bool knows(const Roost__V1__ChallengeResponse *challenge, const char *name) {
    for (size_t i = 0; i < challenge->n_keys; i++)
        if (strcmp(challenge->keys[i], name) == 0)
            return true;
    return false;
}

int sign_act(const struct sign_key *key,
             const struct sign_question *question,
             const Roost__V1__ChallengeResponse *challenge,
             char **ret_value) {
    if (!is_plain(challenge->instance_id) ||
        challenge->challenge.len != SIGNED_ACT_CHALLENGE_LEN)
        return -EPROTO;
    if (!knows(challenge, key->name))
        return SIGN_E_UNKNOWN;
    int r = check_instance(question, challenge->instance_id);
    if (r != 0)
        return r;
    struct signed_act act = {
        .instance_id = challenge->instance_id,
        .method = question->method,
        .request = question->request,
        .challenge = slice_of(challenge->challenge.data, challenge->challenge.len),
    };
    *ret_value = signed_act_sign(&act, key->name, key->seed);
    return 0;
}
