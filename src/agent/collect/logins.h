/*
 * logins - who is logged in, from utmp
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LOGINS_MAX = 4096 };

struct login {
    char user[33];
    char terminal[33];
    char from[257]; /* "" when it is this host's own terminal */
    int64_t since_ms;
    uint32_t pid;
};

struct logins {
    struct login *items; /* owned */
    size_t count;
};

/* Reads ROOT/run/utmp; those whose process is gone are left out, and so are all when
 * there is no such file. End it with logins_done(). */
void logins_read(struct logins *logins, const char *root);
void logins_done(struct logins *logins);
