#include "wire/http_url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void urls_are_read(void) {
    static const struct {
        const char *text;
        const char *printed;
        unsigned port;
    } rows[] = {
        { "http://example.org", "http://example.org/", 80 },
        { "HTTPS://example.org/a?b#c", "https://example.org/a?b", 443 },
        { "http://example.org:8080?q", "http://example.org:8080/?q", 8080 },
        { "https://example.org:", "https://example.org/", 443 },
        { "https://[::1]/x", "https://[::1]/x", 443 },
        { "https://[::1]:8443", "https://[::1]:8443/", 8443 },
        { "http://192.0.2.1#x", "http://192.0.2.1/", 80 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_url url;
        const char *why = NULL;
        CHECK(http_url_parse(rows[i].text, &url, &why) == 0);
        char *text = http_url_print(&url);
        CHECK_TEXT(text, rows[i].printed);
        CHECK_INT(url.to.port, rows[i].port);
        free(text);
    }
}

static void what_is_no_url_of_the_web_is_refused(void) {
    static const char *const rows[] = {
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http:/example.org",
        "http://",
        "http://:80/",
        "http://a:b@example.org/",
        "http://user@example.org/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org:80:80/",
        "http://[::1/",
        "http://exa mple.org/",
        "http://example.org/a b",
        "http://example.org/a\r\nHost: b",
        "http://::1/",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_url url = { .target = "untouched" };
        const char *why = NULL;
        CHECK(http_url_parse(rows[i], &url, &why) == -EINVAL);
        CHECK(why != NULL);
        CHECK_TEXT(url.target, "untouched");
    }
}

static void a_long_url_is_refused(void) {
    char text[HTTP_URL_MAX + 64] = "http://example.org/";
    struct http_url url;
    const char *why;

    memset(text + strlen(text), 'a', HTTP_URL_MAX);
    text[HTTP_URL_MAX + 19] = '\0';
    CHECK(http_url_parse(text, &url, &why) == -EINVAL);
    CHECK(http_url_parse("http://example.org/dir/file", &url, &why) == 0);
    CHECK(http_url_join(&url, text + 18, &url, &why) == -EINVAL);
    text[HTTP_URL_MAX + 15] = '\0';
    CHECK(http_url_join(&url, text + 19, &url, &why) == -EINVAL);
}

static void redirects_count_from_where_they_come(void) {
    static const struct {
        const char *location;
        const char *printed;
    } rows[] = {
        { "https://other/", "https://other/" },
        { "//other/y", "http://other/y" },
        { "/y", "http://base:81/y" },
        { "y", "http://base:81/dir/y" },
        { "?y", "http://base:81/dir/file?y" },
        { "#y", "http://base:81/dir/file?a/b" },
        { "", "http://base:81/dir/file?a/b" },
        { "y?x=http://z/", "http://base:81/dir/y?x=http://z/" },
    };
    struct http_url base;
    const char *why;

    CHECK(http_url_parse("http://base:81/dir/file?a/b", &base, &why) == 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_url url;
        CHECK(http_url_join(&base, rows[i].location, &url, &why) == 0);
        char *text = http_url_print(&url);
        CHECK_TEXT(text, rows[i].printed);
        free(text);
    }
    static const char *const bad[] = { "javascript:alert(1)", "//", "//a@b/", "x y",
                                       "gopher://x/" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct http_url url;
        CHECK(http_url_join(&base, bad[i], &url, &why) == -EINVAL);
    }
}

TESTS(TEST(urls_are_read),
      TEST(what_is_no_url_of_the_web_is_refused),
      TEST(a_long_url_is_refused),
      TEST(redirects_count_from_where_they_come))
