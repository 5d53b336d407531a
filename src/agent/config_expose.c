#include "agent/config_expose.h"

#include <string.h>

#include "base/address.h"
#include "base/token.h"

#define AT(field) .at = offsetof(struct config_expose, field)

const char *config_expose_check_address(const char *text) {
    struct address address;

    if (strncmp(text, "unix:/", 6) == 0 && text[6])
        return NULL;
    return address_parse(slice_of_text(text), &address) == 0
               ? NULL
               : "an address is HOST:PORT or unix:/PATH";
}

static const char *check_pin(const char *text) {
    return token_is_pin(text) ? NULL
                              : "a pin is the SHA-256 of a CA's public key in base64url, "
                                "43 characters";
}

static const char *check_host(const char *text) {
    return address_is_host(slice_of_text(text)) ? NULL : "not a name of a host";
}

/* "package.Service": letters, digits, '_' and '.'. */
static const char *check_service(const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_.";
    size_t len = strlen(text);
    return len > 0 && len < 256 && strspn(text, allowed) == len && text[0] != '.'
               ? NULL
               : "a service is called package.Service";
}

static const struct settings_row rows[] = {
    { .section = "expose NAME",
      .name = "address",
      .kind = SETTINGS_TEXT,
      AT(address),
      .check = config_expose_check_address,
      .argument = "HOST:PORT",
      .help = "A gRPC server that callers of the hub may reach through this agent: "
              "HOST:PORT, or unix:/PATH",
      .live = true },
    { .section = "expose NAME",
      .name = "tls",
      .kind = SETTINGS_BOOL,
      AT(tls),
      .fallback = "no",
      .help = "Whether it speaks TLS; else plain HTTP/2 (h2c)",
      .live = true },
    { .section = "expose NAME",
      .name = "ca",
      .kind = SETTINGS_TEXT,
      AT(ca),
      .argument = "FILE",
      .help = "With tls: trusts these CAs (PEM), a path below the state folder unless it "
              "begins with /; unset: the system's",
      .live = true },
    { .section = "expose NAME",
      .name = "pin",
      .kind = SETTINGS_TEXT,
      AT(pin),
      .check = check_pin,
      .help = "With tls: trusts the CA, or the certificate itself, whose public key has "
              "this SHA-256 (base64url), whatever its name and dates",
      .live = true },
    { .section = "expose NAME",
      .name = "server_name",
      .kind = SETTINGS_TEXT,
      AT(server_name),
      .check = check_host,
      .argument = "HOST",
      .help = "With tls: the name that its certificate has, and that calls ask for; "
              "unset: the host of the address",
      .live = true },
    { .section = "expose NAME",
      .name = "services",
      .kind = SETTINGS_LIST,
      AT(services),
      .check = check_service,
      .help = "The services to reach, package.Service; unset: what its reflection or the "
              "descriptors say; a single back end without any of these gets every call "
              "that is not the agent's own",
      .live = true },
    { .section = "expose NAME",
      .name = "descriptors",
      .kind = SETTINGS_TEXT,
      AT(descriptors),
      .argument = "FILE",
      .help = "A FileDescriptorSet (protoc --include_imports --descriptor_set_out) of "
              "what it serves: the agent answers reflection from it",
      .live = true },
};

const struct settings_table config_expose_table = {
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct config_expose),
};

const char *config_expose_check(const void *values) {
    const struct config_expose *expose = values;

    if (!expose->address)
        return "address is needed: HOST:PORT or unix:/PATH";
    if (expose->ca && expose->pin)
        return "either ca or pin, not both";
    if (!expose->tls && (expose->ca || expose->pin || expose->server_name))
        return "ca, pin and server_name need tls = yes";
    return NULL;
}
