#include "cli/hub/url.h"

#include "base/check.h"

#define PIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void what_people_type_is_understood(void) {
    static const struct {
        const char *text;
        const char *printed;
        const char *trust;
    } rows[] = {
        { "https://hub.example.org:8443", "https://hub.example.org:8443", "" },
        { "https://hub.example.org", "https://hub.example.org:8000", "" },
        { "HTTPS://hub.example.org/", "https://hub.example.org:8000", "" },
        { "hub.example.org:1", "https://hub.example.org:1", "" },
        { "192.0.2.1", "https://192.0.2.1:8000", "" },
        { "https://[2001:db8::1]:9", "https://[2001:db8::1]:9", "" },
        { "https://[2001:db8::1]", "https://[2001:db8::1]:8000", "" },
        { "2001:db8::1", "https://[2001:db8::1]:8000", "" },
        { "http://127.0.0.1:8080", "http://127.0.0.1:8080", "" },
        { "http://localhost:8080", "http://localhost:8080", "" },
        { "https://a:1#web", "https://a:1", "web" },
        { "https://a:1#" PIN, "https://a:1", PIN },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url url;
        CHECK_INT(url_parse(rows[i].text, &url), 0);
        char *printed = url_print(&url);
        CHECK_TEXT(printed, rows[i].printed);
        CHECK_TEXT(url.trust, rows[i].trust);
        free(printed);
    }
}

static void what_is_no_hub_is_refused(void) {
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        { "", URL_E_ADDRESS },
        { "https://", URL_E_ADDRESS },
        { "https:///", URL_E_ADDRESS },
        { "https://#web", URL_E_ADDRESS },
        { "ftp://a", URL_E_SCHEME },
        { "roost://a:1", URL_E_SCHEME },
        { "https://a:0", URL_E_ADDRESS },
        { "https://a:65536", URL_E_ADDRESS },
        { "https://a b:1", URL_E_ADDRESS },
        { "https://a:1/x", URL_E_PATH },
        { "https://a:1#nonsense", URL_E_TRUST },
        { "https://a:1#", URL_E_TRUST },
        { "http://192.0.2.1:80", URL_E_PLAIN },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url url;
        CHECK_INT(url_parse(rows[i].text, &url), rows[i].error);
        CHECK(strlen(url_error_text(rows[i].error)) > 0);
    }
}

TESTS(TEST(what_people_type_is_understood), TEST(what_is_no_hub_is_refused))
