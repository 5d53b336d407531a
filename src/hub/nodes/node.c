#include "hub/nodes/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/samples/latest.h"

struct node *node_new(const char *name) {
    struct node *node = mem_new(sizeof(*node));

    *node = (struct node) {
        .name = mem_strdup(name),
        .title = mem_strdup(""),
        .tags = mem_new(sizeof(*node->tags)),
        .instance = mem_strdup(""),
        .address = mem_strdup(""),
        .version = mem_strdup(""),
        .capabilities = mem_strdup(""),
        .networks = mem_strdup(""),
        .transport = mem_strdup(""),
        .ended = mem_strdup(""),
        .refused = mem_strdup(""),
        .kind = NODE_AGENT,
    };
    return node;
}

static void clear_services(struct node_services *services) {
    for (size_t i = 0; i < services->count; i++) {
        free(services->items[i].name);
        free(services->items[i].back_end);
    }
    free(services->items);
    *services = (struct node_services) { 0 };
}

struct node *node_free(struct node *node) {
    if (!node)
        return NULL;
    for (char **tag = node->tags; *tag; tag++)
        free(*tag);
    free(node->tags);
    free(node->name);
    free(node->title);
    free(node->instance);
    free(node->address);
    free(node->version);
    free(node->capabilities);
    free(node->networks);
    free(node->transport);
    free(node->ended);
    free(node->refused);
    clear_services(&node->services);
    latest_free(node->latest);
    free(node);
    return NULL;
}

enum actor_role node_role(const struct node *node, const struct actor *actor) {
    return actor_role_on(actor, node->name, node->tags);
}

void node_set(char **field, const char *text) {
    char *copy = mem_strdup(text);
    free(*field);
    *field = copy;
}

size_t node_tag_count(const struct node *node) {
    size_t count = 0;
    while (node->tags[count])
        count++;
    return count;
}

bool node_has_tag(const struct node *node, const char *tag) {
    for (char **at = node->tags; *at; at++)
        if (strcmp(*at, tag) == 0)
            return true;
    return false;
}

bool node_add_tag(struct node *node, const char *tag) {
    size_t count = node_tag_count(node);
    size_t at = 0;

    if (count >= NODE_TAGS_MAX || node_has_tag(node, tag))
        return false;
    while (at < count && strcmp(node->tags[at], tag) < 0)
        at++;
    node->tags = mem_grow(node->tags, (count + 2) * sizeof(*node->tags));
    memmove(node->tags + at + 1, node->tags + at, (count + 1 - at) * sizeof(*node->tags));
    node->tags[at] = mem_strdup(tag);
    return true;
}

bool node_remove_tag(struct node *node, const char *tag) {
    size_t count = node_tag_count(node);

    for (size_t at = 0; at < count; at++) {
        if (strcmp(node->tags[at], tag) != 0)
            continue;
        free(node->tags[at]);
        memmove(node->tags + at, node->tags + at + 1, (count - at) * sizeof(*node->tags));
        return true;
    }
    return false;
}

static int compare_services(const struct node_service *a, const struct node_service *b) {
    int r = strcmp(a->name, b->name);
    return r != 0 ? r : strcmp(a->back_end, b->back_end);
}

void node_services_add(struct node_services *services,
                       const char *name,
                       const char *back_end) {
    const struct node_service wanted = { .name = (char *)name,
                                         .back_end = (char *)back_end };
    size_t at = services->count;

    while (at > 0 && compare_services(&services->items[at - 1], &wanted) > 0)
        at--;
    if (at > 0 && compare_services(&services->items[at - 1], &wanted) == 0)
        return;
    services->items =
        mem_grow(services->items, (services->count + 1) * sizeof(*services->items));
    memmove(services->items + at + 1, services->items + at,
            (services->count - at) * sizeof(*services->items));
    services->items[at].name = mem_strdup(name);
    services->items[at].back_end = mem_strdup(back_end);
    services->count++;
}

bool node_set_services(struct node *node, struct node_services *services) {
    bool same = node->services.count == services->count;

    for (size_t i = 0; i < services->count && same; i++)
        same = compare_services(&node->services.items[i], &services->items[i]) == 0;
    clear_services(&node->services);
    node->services = *services;
    *services = (struct node_services) { 0 };
    node->tells_services = true;
    return !same;
}

/* What stands in no list: every node's, Roost's own, and the older hub's. */
static bool is_unlisted(const char *service) {
    return strncmp(service, "grpc.", 5) == 0 || strncmp(service, "roost.v1.", 9) == 0 ||
           strncmp(service, "external.", 9) == 0;
}

bool node_may_serve(const struct node *node, const char *service) {
    if (!node->tells_services || is_unlisted(service))
        return true;
    for (size_t i = 0; i < node->services.count; i++) {
        const char *name = node->services.items[i].name;
        if (strcmp(name, service) == 0 || strcmp(name, "*") == 0)
            return true;
    }
    return false;
}
