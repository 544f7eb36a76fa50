/* url.c - parts of URLs, and what goes into them. Given. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

/* Copy one part of a URL. False if there is none, or it is too long. */
static bool
part(CURLU *url, CURLUPart which, char *to, size_t size)
{
  char *text = NULL;
  if (curl_url_get(url, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
    return false;
  bool fits = (size_t)snprintf(to, size, "%s", text) < size;
  curl_free(text);
  return fits;
}

int
url_origin(const char *text, struct origin *origin)
{
  CURLU *url = curl_url();
  bool good = url &&
              curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK &&
              part(url, CURLUPART_SCHEME, origin->scheme, sizeof origin->scheme) &&
              part(url, CURLUPART_HOST, origin->host, sizeof origin->host) &&
              part(url, CURLUPART_PORT, origin->port, sizeof origin->port) &&
              (strcmp(origin->scheme, "https") == 0 || strcmp(origin->scheme, "http") == 0);
  curl_url_cleanup(url);
  return good ? 0 : refuse(EPERM, "\"%.200s\" is no URL of https or http that we would "
                           "ask", text);
}

bool
host_is_here(const char *host)
{
  /* libcurl itself takes "localhost" for this machine, whatever a name server says. */
  struct in_addr address;
  return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
         (inet_pton(AF_INET, host, &address) == 1 &&
          ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

char *
url_with(const char *url, const char *name, const char *value)
{
  char *text = NULL;
  char *escaped = curl_easy_escape(NULL, value, strlen(value));
  if (!escaped ||
      asprintf(&text, "%s%c%s=%s", url, strchr(url, '?') ? '&' : '?', name, escaped) < 0)
    text = NULL;
  curl_free(escaped);
  if (!text)
    refuse(ENOMEM, "no memory for a URL");
  return text;
}

char *
basic_authorization(const char *user)
{
  size_t size = strlen(user);
  autofree unsigned char *base64 = malloc(size / 3 * 4 + 5);
  char *text = NULL;
  if (!base64) {
    fail("find memory for a password");
    return NULL;
  }
  EVP_EncodeBlock(base64, (const unsigned char *)user, size);
  if (asprintf(&text, "Basic %s", base64) < 0) {
    refuse(ENOMEM, "no memory for a password");
    return NULL;
  }
  return text;
}
