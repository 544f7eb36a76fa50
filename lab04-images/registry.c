/* registry.c - 4.7: pull and push.
 *
 * A registry is a web server with blobs and manifests, and every one of them is called by
 * its digest. So it makes no difference whether we trust the registry, the network, or a
 * cache between: whoever the bytes come from, they are the right ones or none. What is
 * left to trust is the one thing that has a name and no digest: the tag.
 *
 *     GET  /v2/library/debian/manifests/12        -> the manifest (or an index)
 *     GET  /v2/library/debian/blobs/sha256:...    -> its config, its layers
 *
 * Pushing goes the other way round, the manifest last: nobody shall ever see one whose
 * blobs are not there. And pulling writes the name last, for the same reason.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

/* ---- references ---- */

int
reference_parse(const char *text, struct reference *reference)
{
  /* TODO 4.7: from the back: a digest, a tag, then the host and the rest. Which ":" is
   * a tag's, and which a port's? */
  return todo("4.7", text, reference);
}

/* ---- who asks ---- */

int
registry_login(struct registry *registry, const struct challenge *challenge)
{
  /* TODO 4.7: Basic is easy. For Bearer, look at the realm before you ask there; and
   * whose is the Authorization that you send? */
  return todo("4.7", registry, challenge);
}

int
registry_ask(struct registry *registry, const struct request *request,
             struct answer_http *answer)
{
  /* TODO 4.7: http_ask; on 401, answer the challenge and ask again. For ever? */
  return todo("4.7", registry, request, answer);
}

/* ---- pull ---- */

int
blob_pull(struct registry *registry, int store, const struct descriptor *want)
{
  /* TODO 4.7: write what comes into a blob of 4.1. When the connection is cut, ask for
   * the rest; and blob_finish tells whether it was worth it. */
  return todo("4.7", registry, store, want);
}

int
manifest_pull(struct registry *registry, int store, const char *which,
              struct descriptor *got)
{
  /* TODO 4.7: GET, with an Accept for each of the four types; look at it; and only
   * then write it. */
  return todo("4.7", registry, store, which, got);
}

int
image_pull(struct registry *registry, int store, const struct reference *reference,
           const char *name, const struct platform *want)
{
  /* TODO 4.7: manifest_pull, choice_pull; the config; image_read; the layers; and
   * image_put, when all is there. Who wants to see how far it is: progress_begin with
   * image_bytes, progress_add in blob_pull, progress_end. */
  return todo("4.7", registry, store, reference, name, want);
}

/* ---- push ---- */

int
blob_push(struct registry *registry, int store, const struct descriptor *blob,
          const char *from)
{
  /* TODO 4.7: HEAD; then POST, and PUT to the Location that it gives (url_with). With
   * `from`, the POST may be all that it takes. */
  return todo("4.7", registry, store, blob, from);
}

int
image_push(struct registry *registry, int store, const struct image *image,
           const struct reference *reference)
{
  /* TODO 4.7: config and layers, from where they are if one knows (mount_source); then
   * PUT the manifest, with its own type. Who wants to see how far it is: progress_begin
   * and progress_end; http_ask counts what is sent. */
  return todo("4.7", registry, store, image, reference);
}
