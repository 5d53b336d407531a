#include "store/sqlite/sqlite_schema.h"

#include "base/crypto.h"
#include "base/hex.h"
#include "store/sqlite/sqlite_db.h"
#include "store/store.h"

/* Step n makes version n + 1 of version n. Steps are never changed, only added. */
static const char *const steps[] = {
    "PRAGMA application_id = 0x526f6f73;"
    "CREATE TABLE meta ("
    "  key TEXT PRIMARY KEY,"
    "  value TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE nodes ("
    "  name TEXT PRIMARY KEY,"
    "  title TEXT NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  tags TEXT NOT NULL," /* one a line, as all lists */
    "  created INTEGER NOT NULL,"
    "  online_since INTEGER NOT NULL,"
    "  last_seen INTEGER NOT NULL,"
    "  address TEXT NOT NULL,"
    "  version TEXT NOT NULL,"
    "  capabilities TEXT NOT NULL,"
    "  transport TEXT NOT NULL,"
    "  generation INTEGER NOT NULL,"
    "  instance TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE tokens ("
    "  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),"
    "  kind INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  last_used INTEGER NOT NULL,"
    "  reusable INTEGER NOT NULL,"
    "  used INTEGER NOT NULL,"
    "  revoked INTEGER NOT NULL,"
    "  admin INTEGER NOT NULL,"
    "  role INTEGER NOT NULL,"
    "  nodes TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE activity ("
    "  id INTEGER PRIMARY KEY,"
    "  time INTEGER NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  node TEXT NOT NULL,"
    "  actor TEXT NOT NULL,"
    "  text TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX activity_node ON activity (node, id);"
    "CREATE INDEX activity_actor ON activity (actor, id);"
    "CREATE TABLE claim ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  secret BLOB," /* NULL: used up */
    "  made INTEGER NOT NULL"
    ") STRICT;",
    /* Nodes are never numbered again, so that no journal row finds another owner. */
    "CREATE TABLE samples_nodes ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT UNIQUE," /* NULL: removed */
    "  lost INTEGER NOT NULL,"
    "  facts BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE samples_cursors ("
    "  node INTEGER PRIMARY KEY,"
    "  epoch INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  merged INTEGER NOT NULL,"
    "  tiered INTEGER NOT NULL,"
    "  newest INTEGER NOT NULL,"
    "  pruned INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE samples_catalogues ("
    "  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),"
    "  body BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE samples_journal ("
    "  id INTEGER PRIMARY KEY,"
    "  body BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE samples_series ("
    "  node INTEGER NOT NULL,"
    "  id INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  unit TEXT NOT NULL,"
    "  scale INTEGER NOT NULL,"
    "  interval INTEGER NOT NULL,"
    "  PRIMARY KEY (node, id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE samples_chunks ("
    "  id INTEGER PRIMARY KEY," /* node, tier and start in one number */
    "  first INTEGER NOT NULL,"
    "  last INTEGER NOT NULL,"
    "  rows INTEGER NOT NULL,"
    "  filled INTEGER NOT NULL,"
    "  body BLOB NOT NULL"
    ") STRICT;",
    /* What is newest has the highest id. A key's latest says when it may go. */
    "CREATE TABLE traffic_keys ("
    "  id INTEGER PRIMARY KEY,"
    "  node TEXT NOT NULL,"
    "  caller TEXT NOT NULL,"
    "  method TEXT NOT NULL,"
    "  latest INTEGER NOT NULL,"
    "  UNIQUE (node, caller, method)"
    ") STRICT;"
    "CREATE TABLE traffic ("
    "  id INTEGER PRIMARY KEY,"
    "  time INTEGER NOT NULL,"
    "  key INTEGER NOT NULL,"
    "  calls INTEGER NOT NULL,"
    "  errors INTEGER NOT NULL,"
    "  duration INTEGER NOT NULL,"
    "  longest INTEGER NOT NULL,"
    "  request INTEGER NOT NULL,"
    "  reply INTEGER NOT NULL,"
    "  durations BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX traffic_time ON traffic (time);",
    "CREATE TABLE groups ("
    "  name TEXT PRIMARY KEY,"
    "  members TEXT NOT NULL,"
    "  created INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;",
    /* Who came in by the claim code becomes a user; other tokens stay programs'. */
    "CREATE TABLE users ("
    "  name TEXT PRIMARY KEY,"
    "  admin INTEGER NOT NULL,"
    "  created INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE grants ("
    "  user TEXT NOT NULL,"
    "  nodes TEXT NOT NULL,"
    "  role INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  granted_by TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  PRIMARY KEY (user, nodes)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE identities ("
    "  name TEXT PRIMARY KEY,"
    "  user TEXT NOT NULL,"
    "  created INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE codes ("
    "  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),"
    "  user TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE acts ("
    "  id INTEGER PRIMARY KEY,"
    "  time INTEGER NOT NULL,"
    "  node TEXT NOT NULL,"
    "  actor TEXT NOT NULL,"
    "  method TEXT NOT NULL,"
    "  arguments TEXT NOT NULL"
    ") STRICT;"
    "ALTER TABLE tokens ADD COLUMN user TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE tokens ADD COLUMN device TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE activity ADD COLUMN method TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE activity ADD COLUMN arguments TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE activity ADD COLUMN status INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE activity ADD COLUMN duration INTEGER NOT NULL DEFAULT 0;"
    "INSERT INTO users SELECT name, 1, min(created) FROM tokens"
    "  WHERE kind = 3 AND admin = 1 AND revoked = 0 AND name IN"
    "  (SELECT actor FROM activity WHERE kind = 'user.claimed') GROUP BY name;"
    "UPDATE tokens SET user = name WHERE kind = 3 AND admin = 1 AND revoked = 0"
    "  AND name IN (SELECT name FROM users);",
    /* Whoever sleeps cannot be asked how to be woken. */
    "ALTER TABLE nodes ADD COLUMN networks TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE records ("
    "  space TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  value BLOB NOT NULL,"
    "  PRIMARY KEY (space, key)"
    ") STRICT, WITHOUT ROWID;",
    /* A person in a chat is known by a token, so nobody was ever written here. */
    "DROP TABLE identities;",
};

/* Files of this version were made without room for PRAGMA incremental_vacuum. */
enum { BEFORE_SAMPLES = 1 };

uint64_t sqlite_schema_newest(void) {
    return sizeof(steps) / sizeof(steps[0]);
}

static int read_number(struct store_database *db, const char *sql, uint64_t *ret_number) {
    struct sqlite_query query = sqlite_db_query(db, sql);
    uint64_t number = 0;
    if (sqlite_db_next(&query))
        number = (uint64_t)sqlite_db_int(&query, 0);
    int r = sqlite_db_finish(&query);
    if (r == 0)
        *ret_number = number;
    return r;
}

int sqlite_schema_version(struct store_database *db, uint64_t *ret_version) {
    return read_number(db, "PRAGMA user_version", ret_version);
}

/* An empty file is fine, and one of ours. */
static int check_owner(struct store_database *db) {
    uint64_t application, tables;
    int r = read_number(db, "PRAGMA application_id", &application);
    if (r == 0)
        r = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r != 0)
        return r;
    bool ours = application == SQLITE_SCHEMA_APPLICATION;
    return ours || (application == 0 && tables == 0) ? 0 : STORE_E_DAMAGED;
}

static int set_version(struct store_database *db, uint64_t version) {
    char *sql = sqlite3_mprintf("PRAGMA user_version = %llu", (sqlite3_uint64)version);
    int r = sqlite_db_run(db, sql);
    sqlite3_free(sql);
    return r;
}

static int make_hub_id(struct store_database *db) {
    uint8_t bytes[16];
    char id[33];
    crypto_random(bytes, sizeof(bytes));
    hex_encode(id, bytes, sizeof(bytes));

    struct sqlite_query query =
        sqlite_db_query(db, "INSERT OR IGNORE INTO meta VALUES ('hub_id', ?)");
    sqlite_db_bind_text(&query, id);
    return sqlite_db_finish(&query);
}

int sqlite_schema_check(struct store_database *db) {
    uint64_t version;
    int r = check_owner(db);
    if (r == 0)
        r = sqlite_schema_version(db, &version);
    if (r != 0)
        return r;
    return version > sqlite_schema_newest() ? STORE_E_NEWER : 0;
}

/* All steps that are missing, inside a transaction. */
static int take_steps(struct store_database *db) {
    uint64_t version;
    int r = sqlite_schema_check(db);
    if (r == 0)
        r = sqlite_schema_version(db, &version);
    for (; r == 0 && version < sqlite_schema_newest(); version++) {
        r = sqlite_db_run(db, steps[version]);
        if (r == 0)
            r = set_version(db, version + 1);
    }
    return r == 0 ? make_hub_id(db) : r;
}

int sqlite_schema_update(struct store_database *db) {
    uint64_t version;
    int r = sqlite_schema_version(db, &version);
    if (r != 0 || version == sqlite_schema_newest())
        return r;

    /* The lock first, then the look: another process may be at it as well. */
    r = sqlite_db_run(db, "BEGIN IMMEDIATE");
    if (r != 0)
        return r;
    r = take_steps(db);
    if (r == 0)
        r = sqlite_db_run(db, "COMMIT");
    if (r != 0)
        sqlite_db_run(db, "ROLLBACK");
    if (r == 0 && version == BEFORE_SAMPLES)
        sqlite_db_run(db, "VACUUM"); /* else the file is as good, it just never shrinks */
    return r;
}
