/* hash.c - SHA-256, given. libcrypto uses what the processor has for it. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "given.h"

struct hash {
  EVP_MD_CTX *context; /* ours to free */
};

struct hash *
hash_begin(void)
{
  struct hash *hash = calloc(1, sizeof *hash);
  if (hash && (hash->context = EVP_MD_CTX_new()) &&
      EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL))
    return hash;
  hash_drop(hash);
  refuse(ENOMEM, "begin a SHA-256: libcrypto has no memory or no SHA-256");
  return NULL;
}

void
hash_add(struct hash *hash, const void *data, size_t size)
{
  EVP_DigestUpdate(hash->context, data, size);
}

/* "sha256:", and the bytes of the hash in hexadecimal digits. */
static void
digest_write(const unsigned char bytes[32], char digest[DIGEST_SIZE])
{
  int n = snprintf(digest, DIGEST_SIZE, "sha256:");
  for (int i = 0; i < 32; i++)
    n += snprintf(digest + n, DIGEST_SIZE - n, "%02x", bytes[i]);
}

void
hash_end(struct hash *hash, char digest[DIGEST_SIZE])
{
  unsigned char bytes[EVP_MAX_MD_SIZE] = {0};
  EVP_DigestFinal_ex(hash->context, bytes, NULL);
  digest_write(bytes, digest);
  hash_drop(hash);
}

void
hash_drop(struct hash *hash)
{
  if (!hash)
    return;
  EVP_MD_CTX_free(hash->context);
  free(hash);
}

void
digest_of(const void *data, size_t size, char digest[DIGEST_SIZE])
{
  unsigned char bytes[EVP_MAX_MD_SIZE] = {0};
  EVP_Digest(data, size, bytes, NULL, EVP_sha256(), NULL);
  digest_write(bytes, digest);
}
