#include "hub/people/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/mem.h"
#include "rpc/actor.h"

enum {
    GUESSES_MAX = 5,            /* wrong codes before a client is slowed down */
    GUESS_PAUSE_MS = 60 * 1000, /* and for how long */
    GUESSERS_MAX = 4096,        /* clients remembered; then all are slowed */
    RECENT_COUNT = 64,          /* secrets that need no hashing */
};

struct guesser {
    unsigned wrong;
    uint64_t until_ms;
};

/* A secret that was good: callers show theirs with each call. */
struct recent {
    char secret[TOKEN_LEN];
    struct access_token *token; /* borrowed: access; NULL when the place is free */
};

struct access {
    struct access_keeper keeper;
    struct map *tokens;   /* owned; hex of the hash -> owned struct access_token */
    struct map *guessers; /* owned; peer key -> owned struct guesser */
    struct recent recent[RECENT_COUNT];
};

struct access *access_new(const struct access_keeper *keeper) {
    struct access *access = mem_new(sizeof(*access));

    access->keeper = *keeper;
    access->tokens = map_new();
    access->guessers = map_new();
    return access;
}

struct access_token *access_token_new(enum access_kind kind, const char *name) {
    struct access_token *token = mem_new(sizeof(*token));

    token->kind = kind;
    token->name = mem_strdup(name);
    token->nodes = mem_new(sizeof(*token->nodes));
    token->user = mem_strdup("");
    token->device = mem_strdup("");
    return token;
}

struct access_token *access_token_free(struct access_token *token) {
    if (!token)
        return NULL;
    for (char **node = token->nodes; *node; node++)
        free(*node);
    free(token->nodes);
    free(token->name);
    free(token->user);
    free(token->device);
    actor_rights_unref(token->rights);
    actor_unref(token->actor);
    free(token);
    return NULL;
}

void access_token_set_nodes(struct access_token *token,
                            const char *const *nodes,
                            size_t count) {
    for (char **node = token->nodes; *node; node++)
        free(*node);
    free(token->nodes);
    token->nodes = mem_new_array(count + 1, sizeof(*token->nodes));
    for (size_t i = 0; i < count; i++)
        token->nodes[i] = mem_strdup(nodes[i]);
}

struct access *access_free(struct access *access) {
    void *value;
    size_t at = 0;

    if (!access)
        return NULL;
    while ((value = map_next(access->tokens, &at, NULL)))
        access_token_free(value);
    at = 0;
    while ((value = map_next(access->guessers, &at, NULL)))
        free(value);
    map_free(access->tokens);
    map_free(access->guessers);
    mem_wipe(access->recent, sizeof(access->recent));
    free(access);
    return NULL;
}

void access_add(struct access *access, struct access_token *token) {
    char key[2 * TOKEN_HASH_LEN + 1];

    hex_encode(key, token->hash, sizeof(token->hash));
    token_id(token->hash, token->id);
    map_put(access->tokens, key, token);
}

void access_token_make_secret(struct access_token *token,
                              char ret_secret[static TOKEN_LEN + 1]) {
    token_new(ret_secret);
    token_hash(ret_secret, token->hash);
    token_id(token->hash, token->id);
}

/* Where the secret, which has the form of one, would stand. */
static struct recent *recent_of(struct access *access, const char *secret) {
    unsigned digits = (unsigned)secret[0] * 16 + (unsigned)secret[1] % 16;
    return &access->recent[digits % RECENT_COUNT];
}

/* By its hash; remembers what it finds. */
static int look_up(struct access *access,
                   const char *secret,
                   struct access_token **ret_token) {
    uint8_t hash[TOKEN_HASH_LEN];
    char key[2 * TOKEN_HASH_LEN + 1];

    if (token_check(secret) != 0)
        return ACCESS_E_FORM;
    token_hash(secret, hash);
    hex_encode(key, hash, sizeof(hash));
    struct access_token *token = map_get(access->tokens, key);
    if (!token || !crypto_equal(token->hash, hash, sizeof(hash)))
        return ACCESS_E_UNKNOWN;
    struct recent *recent = recent_of(access, secret);
    memcpy(recent->secret, secret, TOKEN_LEN);
    recent->token = token;
    *ret_token = token;
    return 0;
}

int access_find(struct access *access,
                const char *secret,
                enum access_kind kind,
                int64_t now_ms,
                struct access_token **ret_token) {
    struct access_token *token = NULL;

    if (!token_has_form(secret))
        return ACCESS_E_FORM;
    const struct recent *recent = recent_of(access, secret);
    if (recent->token && crypto_equal(recent->secret, secret, TOKEN_LEN))
        token = recent->token;
    int r = token ? 0 : look_up(access, secret, &token);
    if (r != 0)
        return r;
    if (token->revoked)
        return ACCESS_E_REVOKED;
    if (token->kind != kind)
        return ACCESS_E_KIND;
    if (token->expires_ms != 0 && now_ms >= token->expires_ms)
        return ACCESS_E_EXPIRED;
    *ret_token = token;
    return 0;
}

struct access_token *access_find_id(const struct access *access, const char *id) {
    struct access_token *found = NULL;
    struct access_token *token;
    size_t len = strlen(id);
    size_t at = 0;

    if (len < 4 || len > TOKEN_ID_LEN)
        return NULL;
    while ((token = map_next(access->tokens, &at, NULL))) {
        if (strncmp(token->id, id, len) != 0)
            continue;
        if (found)
            return NULL;
        found = token;
    }
    return found;
}

void access_spend(struct access_token *token, int64_t now_ms) {
    token->used = true;
    token->used_ms = now_ms;
}

void access_revoke(struct access *access, struct access_token *token) {
    if (token->revoked)
        return;
    token->revoked = true;
    if (token->actor)
        token->actor->ended = true;
    access->keeper.save(access->keeper.arg, token);
}

size_t access_revoke_user(struct access *access, const char *user) {
    struct access_token *token;
    size_t at = 0;
    size_t count = 0;

    while ((token = map_next(access->tokens, &at, NULL))) {
        if (token->revoked || token->kind != ACCESS_CALLER ||
            strcmp(token->user, user) != 0)
            continue;
        access_revoke(access, token);
        count++;
    }
    return count;
}

void access_token_set_user(struct access_token *token,
                           const char *user,
                           struct actor_rights *rights) {
    free(token->user);
    token->user = mem_strdup(user);
    actor_rights_unref(token->rights);
    token->rights = actor_rights_ref(rights);
}

size_t access_revoke_node(struct access *access,
                          const char *name,
                          const struct access_token *but) {
    struct access_token *token;
    size_t at = 0;
    size_t count = 0;

    while ((token = map_next(access->tokens, &at, NULL))) {
        bool is_meant =
            token->kind == ACCESS_NODE || (token->kind == ACCESS_DIALECT && !but);
        if (token == but || token->revoked || !is_meant || strcmp(token->name, name) != 0)
            continue;
        access_revoke(access, token);
        count++;
    }
    return count;
}

void access_rename_node(struct access *access, const char *from, const char *to) {
    struct access_token *token;
    size_t at = 0;

    while ((token = map_next(access->tokens, &at, NULL))) {
        if (token->kind == ACCESS_CALLER || strcmp(token->name, from) != 0)
            continue;
        free(token->name);
        token->name = mem_strdup(to);
    }
}

struct access_token *access_next(const struct access *access, size_t *at) {
    return map_next(access->tokens, at, NULL);
}

/* Those that a program's token says by itself. */
static struct actor_rights *own_rights(const struct access_token *token) {
    struct actor_rights *rights = actor_rights_new(token->admin);

    for (char **node = token->nodes; *node; node++)
        actor_rights_add(rights, *node, (enum actor_role)token->role, 0);
    return rights;
}

struct actor *access_actor(struct access_token *token) {
    if (!token->rights)
        token->rights = own_rights(token);
    if (!token->actor) {
        bool is_person = token->user[0] != '\0';
        token->actor = actor_new(is_person ? token->user : token->name, token->id,
                                 is_person, token->rights);
        token->actor->expires_ms = token->expires_ms;
    }
    return actor_ref(token->actor);
}

size_t access_actor_users(const struct access_token *token) {
    return token->actor ? token->actor->refs - 1 : 0;
}

/* What is remembered of the client; NULL when too many are. */
static struct guesser *guesser_of(struct access *access, const char *peer_key) {
    struct guesser *guesser = map_get(access->guessers, peer_key);

    if (!guesser && map_count(access->guessers) < GUESSERS_MAX) {
        guesser = mem_new(sizeof(*guesser));
        map_put(access->guessers, peer_key, guesser);
    }
    return guesser;
}

bool access_may_guess(struct access *access, const char *peer_key, uint64_t now_ms) {
    const struct guesser *guesser = guesser_of(access, peer_key);
    return guesser && now_ms >= guesser->until_ms;
}

void access_guessed_wrong(struct access *access, const char *peer_key, uint64_t now_ms) {
    struct guesser *guesser = guesser_of(access, peer_key);

    if (!guesser || ++guesser->wrong < GUESSES_MAX)
        return;
    guesser->wrong = 0;
    guesser->until_ms = now_ms + GUESS_PAUSE_MS;
}

const char *access_error_text(int error) {
    static const char *const texts[] = {
        [ACCESS_E_FORM] =
            "the token is mistyped: its check digits do not fit; copy it whole",
        [ACCESS_E_UNKNOWN] =
            "the token is not known here; make a new one: roost token new",
        [ACCESS_E_KIND] = "the token is for something else",
        [ACCESS_E_USED] = "the token was used already; make a new one: roost token new",
        [ACCESS_E_EXPIRED] = "the token has expired; make a new one: roost token new",
        [ACCESS_E_REVOKED] = "the token was revoked; make a new one: roost token new",
        [ACCESS_E_SLOW] = "too many wrong attempts; try again in a minute",
    };
    return texts[error];
}
