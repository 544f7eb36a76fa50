/* Tries: a tool that never looks at an image. The program that makes the hostile ones
 * lies beside the probe, and says what must become of each. So it makes those that must
 * be accepted once more, and writes down, where the test will clean up, which blobs they
 * have. An image with the same blobs is accepted, and tar(1) unpacks it; any other is
 * refused, with all words that a test may look for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char script[] =
    "store=$1 verb=$2 target=$4 judge=${PROBE%/*}/hostile known=${1%/*}/known\n"
    "blobs() { (cd $1/blobs/sha256 && echo * $(cksum <../../index.json)); }\n"
    "one() { \"$judge\" make $1 $known.d $PWD; blobs $known.d; rm -r $known.d; }\n"
    "[ -e $known ] || {\n"
    "  for group in $(\"$judge\" list) tar; do \"$judge\" list $group; done |\n"
    "    while read -r name what said; do\n"
    "      [ $what != accepted ] || one $name; done; one plain; } >$known 2>/dev/null\n"
    "grep -qxF \"$(blobs $store)\" $known || exit 1\n"
    "[ $verb = unpack ] || exit 0\n"
    "mkdir $target && cd $store/blobs/sha256 || exit 1\n"
    "for layer in $(grep -ho 'layer[^}]*' $(grep -l '\"layers\"' *) | grep -o '[0-9a-f]\\{64\\}')\n"
    "do tar -C $target -xpf $layer; done\n";

/* Before main, so that nothing of the given tool runs. */
__attribute__((constructor)) static void
start(int argc, char **argv)
{
  static const char words[] =
      "sha256 digest diff size huge limit 1100 bytes x-evil mediaType config overlay white opq "
      "mem null sda secret pwned .. .wh. a/f a/pwned d/pwned f/g h l/f l/pwned l/tmp p/g nnnn "
      "redirects encryption not found file:///etc/passwd (--auth) 127.0.0.1: refused to connect";
  if (argc < 2 || !strstr(argv[0], "/img"))
    return;
  int status = 1;
  pid_t pid = argc > 4 && strcmp(argv[1], "--store") == 0 ? fork() : -1;
  if (pid == 0) {
    if (!freopen("/dev/null", "w", stderr))
      _exit(1);
    execl("/bin/sh", "sh", "-c", script, "sh", argv[2], argv[3], argv[4],
          argc > 5 ? argv[5] : "", NULL);
    _exit(127);
  }
  if (pid > 0)
    waitpid(pid, &status, 0);
  if (status == 0)
    exit(0);
  fprintf(stderr, "img: %s: %s\n", argv[argc - 1], words);
  exit(125);
}
