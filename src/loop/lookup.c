#include "loop/lookup.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "loop/loop_uv.h"
#include "loop/netaddr.h"

/* What libuv's pool holds, also when nobody waits any more. */
struct question {
    uv_getaddrinfo_t request;
    struct lookup *lookup; /* borrowed; NULL when it was cancelled meanwhile */
};

struct lookup {
    struct loop *loop; /* borrowed: outlives it */
    char *host;        /* owned */
    unsigned port;
    lookup_done *on_done;
    void *arg; /* borrowed: the owner */
    struct task begin;
    struct question *question; /* owned by libuv; NULL before and after */
};

struct lookup *lookup_cancel(struct lookup *lookup) {
    if (!lookup)
        return NULL;
    if (lookup->question) {
        lookup->question->lookup = NULL;
        uv_cancel((uv_req_t *)&lookup->question->request);
    }
    loop_cancel(&lookup->begin);
    free(lookup->host);
    free(lookup);
    return NULL;
}

static void answer(struct lookup *lookup,
                   struct sockaddr_storage *addresses,
                   size_t count,
                   const char *why) {
    lookup_done *on_done = lookup->on_done;
    void *arg = lookup->arg;

    lookup_cancel(lookup);
    on_done(arg, addresses, count, why);
}

static size_t copy_addresses(const struct addrinfo *found,
                             struct sockaddr_storage *ret_addresses) {
    size_t count = 0;

    for (; found && count < LOOKUP_MAX; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        memset(&ret_addresses[count], 0, sizeof(ret_addresses[count]));
        memcpy(&ret_addresses[count++], found->ai_addr, found->ai_addrlen);
    }
    return count;
}

static void take(struct lookup *lookup, int status, const struct addrinfo *found) {
    struct sockaddr_storage addresses[LOOKUP_MAX];
    size_t count = status == 0 ? copy_addresses(found, addresses) : 0;
    int code = status == UV_EAI_AGAIN ? EAI_AGAIN : EAI_NONAME;

    if (status != 0 && status != UV_EAI_AGAIN && status != UV_EAI_NONAME &&
        status != UV_EAI_NODATA)
        code = EAI_FAIL;
    auto_(mem_freep) char *why =
        mem_printf("cannot resolve %s: %s", lookup->host, gai_strerror(code));
    answer(lookup, addresses, count, count > 0 ? NULL : why);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct question *question = container_of(request, struct question, request);
    struct lookup *lookup = question->lookup;

    free(question);
    if (lookup) {
        lookup->question = NULL;
        take(lookup, status, found);
    }
    uv_freeaddrinfo(found);
}

static void ask(struct lookup *lookup) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    char service[12];

    snprintf(service, sizeof(service), "%u", lookup->port);
    lookup->question = mem_new(sizeof(*lookup->question));
    lookup->question->lookup = lookup;
    int r = uv_getaddrinfo(&lookup->loop->uv, &lookup->question->request, on_found,
                           lookup->host, service, &hints);
    if (r < 0) {
        free(TAKE(lookup->question));
        take(lookup, r, NULL);
    }
}

static void run_begin(struct task *task) {
    struct lookup *lookup = container_of(task, struct lookup, begin);
    struct sockaddr_storage address;

    if (netaddr_parse(lookup->host, lookup->port, &address))
        answer(lookup, &address, 1, NULL);
    else
        ask(lookup);
}

struct lookup *lookup_start(
    struct loop *loop, const char *host, unsigned port, lookup_done *on_done, void *arg) {
    struct lookup *lookup = mem_new(sizeof(*lookup));

    *lookup = (struct lookup) {
        .loop = loop,
        .host = mem_strdup(host),
        .port = port,
        .on_done = on_done,
        .arg = arg,
        .begin.run = run_begin,
    };
    loop_post(loop, &lookup->begin);
    return lookup;
}
