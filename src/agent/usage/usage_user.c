#include "agent/usage/usage_user.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { ACCOUNT_LEN_MAX = 65536 }; /* an entry of the directory */

char *usage_user_home(const char *user, uid_t *ret_uid) {
    auto_(mem_freep) char *room = mem_new(ACCOUNT_LEN_MAX);
    struct passwd account, *found = NULL;

    if (user)
        getpwnam_r(user, &account, room, ACCOUNT_LEN_MAX, &found);
    else
        getpwuid_r(geteuid(), &account, room, ACCOUNT_LEN_MAX, &found);
    if (!found)
        return NULL;
    *ret_uid = found->pw_uid;
    return mem_strdup(found->pw_dir);
}

int usage_user_find(const char *user, uid_t *ret_uid) {
    auto_(mem_freep) char *home = usage_user_home(user, ret_uid);
    return home ? 0 : -ENOENT;
}
