#include "agent/setup/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"

enum { FILE_MAX = 16384 };

static bool copy_text(char *to, size_t cap, const char *value) {
    return snprintf(to, cap, "%s", value) < (int)cap;
}

static bool add_address(struct identity *identity, const char *value) {
    if (identity->address_count == TOKEN_LINK_ADDRESSES_MAX)
        return false;
    return address_parse(slice_of_text(value),
                         &identity->addresses[identity->address_count++]) == 0;
}

static bool add_pin(struct identity *identity, const char *value) {
    if (identity->pin_count == IDENTITY_PINS_MAX || !token_is_pin(value))
        return false;
    return copy_text(identity->pins[identity->pin_count++], TOKEN_PIN_LEN + 1, value);
}

/* One "key = value" line. */
static bool take_line(struct identity *identity, char *line) {
    char *equals = strstr(line, " = ");
    if (!equals)
        return line[0] == '\0' || line[0] == '#';
    *equals = '\0';
    const char *value = equals + 3;

    if (strcmp(line, "hub") == 0)
        return add_address(identity, value);
    if (strcmp(line, "pin") == 0)
        return add_pin(identity, value);
    if (strcmp(line, "credential") == 0)
        return copy_text(identity->credential, sizeof(identity->credential), value);
    if (strcmp(line, "name") == 0)
        return copy_text(identity->name, sizeof(identity->name), value);
    if (strcmp(line, "instance") == 0)
        return copy_text(identity->instance, sizeof(identity->instance), value);
    if (strcmp(line, "secret") == 0)
        return copy_text(identity->secret_id, sizeof(identity->secret_id), value);
    return true; /* of a newer version: ignoring */
}

int identity_load(const char *dir, struct identity *ret_identity) {
    char *path = file_join(dir, "identity");
    struct identity identity = { 0 };
    struct buf text = { 0 };
    char *rest = NULL;
    bool good = true;

    int r = file_read(path, FILE_MAX, &text);
    free(path);
    if (r < 0) {
        buf_done(&text);
        return r == -ENOENT ? IDENTITY_E_NONE : r;
    }
    buf_text(&text);
    for (char *line = strtok_r((char *)text.data, "\n", &rest); line && good;
         line = strtok_r(NULL, "\n", &rest))
        good = take_line(&identity, line);
    mem_wipe(text.data, text.len);
    buf_done(&text);
    if (!good || identity.address_count == 0 || identity.instance[0] == '\0')
        return IDENTITY_E_DAMAGED;
    *ret_identity = identity;
    return 0;
}

/*
 * What root writes for a service is the service's, like its folder: an agent that runs
 * reads it at once. That owner may put other files here, which are none of our business.
 */
static void hand_over(const char *dir, const char *path) {
    struct stat folder, file;

    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (geteuid() == 0 && stat(dir, &folder) == 0 && folder.st_uid != 0 &&
        fstat(fd, &file) == 0 && file.st_uid == 0 && file.st_nlink == 1 &&
        S_ISREG(file.st_mode) && fchown(fd, folder.st_uid, folder.st_gid) < 0)
        log_debug("%s: %s; it stays root's", path, strerror(errno));
    close(fd);
}

int identity_save(const char *dir, const struct identity *identity) {
    char address[ADDRESS_TEXT_LEN];
    struct buf text = { 0 };

    int r = file_make_dirs(dir, 0700);
    if (r < 0)
        return r;
    buf_add_text(&text, "# Made by roost-agent join. Keep it secret.\n");
    for (size_t i = 0; i < identity->address_count; i++) {
        address_print(&identity->addresses[i], address);
        buf_printf(&text, "hub = %s\n", address);
    }
    for (size_t i = 0; i < identity->pin_count; i++)
        buf_printf(&text, "pin = %s\n", identity->pins[i]);
    buf_printf(&text, "credential = %s\nname = %s\ninstance = %s\n", identity->credential,
               identity->name, identity->instance);
    if (identity->secret_id[0] != '\0')
        buf_printf(&text, "secret = %s\n", identity->secret_id);
    char *path = file_join(dir, "identity");
    r = file_write_atomic(path, buf_slice(&text), 0600);
    if (r == 0)
        hand_over(dir, path);
    free(path);
    mem_wipe(text.data, text.len);
    buf_done(&text);
    return r;
}

int identity_update(const char *dir, const struct identity *identity) {
    struct identity kept;

    int r = identity_load(dir, &kept);
    bool stays = r == 0 && strcmp(kept.credential, identity->credential) != 0;
    mem_wipe(&kept, sizeof(kept));
    return stays ? 0 : identity_save(dir, identity);
}

bool identity_is_same(const struct identity *a, const struct identity *b) {
    bool same = a->address_count == b->address_count && a->pin_count == b->pin_count &&
                strcmp(a->credential, b->credential) == 0;

    for (size_t i = 0; same && i < a->address_count; i++)
        same = a->addresses[i].port == b->addresses[i].port &&
               strcmp(a->addresses[i].host, b->addresses[i].host) == 0;
    for (size_t i = 0; same && i < a->pin_count; i++)
        same = strcmp(a->pins[i], b->pins[i]) == 0;
    return same;
}

void identity_make_instance(struct identity *identity) {
    uint8_t random[IDENTITY_INSTANCE_LEN / 2];

    crypto_random(random, sizeof(random));
    hex_encode(identity->instance, random, sizeof(random));
}

bool identity_set_pins(struct identity *identity, char *const *pins, size_t count) {
    if (count == 0 || count > IDENTITY_PINS_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!token_is_pin(pins[i]))
            return false;
    for (size_t i = 0; i < count; i++)
        copy_text(identity->pins[i], TOKEN_PIN_LEN + 1, pins[i]);
    identity->pin_count = count;
    return true;
}
