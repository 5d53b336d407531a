/* What is read prints as a URL that is read to the same again; redirects likewise. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/http_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct http_url *url) {
    struct http_url again;
    const char *why;
    char *text = http_url_print(url);

    if (strpbrk(text, " \r\n\t") || url->target[0] != '/')
        abort();
    if (strlen(text) < HTTP_URL_MAX - 1 &&
        (http_url_parse(text, &again, &why) != 0 || again.to.port != url->to.port ||
         strcmp(again.target, url->target) != 0))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = mem_dup(data, size);
    struct http_url url, base;
    const char *why;

    if (http_url_parse(text, &url, &why) == 0)
        check(&url);
    http_url_parse("https://example.org:8443/a/b?c", &base, &why);
    if (http_url_join(&base, text, &url, &why) == 0)
        check(&url);
    free(text);
    return 0;
}
