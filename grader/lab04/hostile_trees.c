/* hostile_trees.c - archives that are in order, of trees that are not. What a script
 * and a result mean say hostile_tar.c and hostile_judge.c. Beside some cases stands
 * where it was seen in earnest. */
#include "hostile.h"

/* 3,645 bytes, in 36 directories. */
#define FIFTY "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define LONG "nnnnnnnn/<" FIFTY FIFTY "nnn/*35>"

/* Where a path leads. */
static const struct hostile paths[] = {
    {"plain", ACCEPTED, .result = "d=d755 d/f=f644:one l=l:/etc h=^d/f p=p",
     .script = "d d|f d/f one|l l /etc|h h d/f|p p"},
    {"dotdot", REFUSED, "\\.\\.", .script = "f ok 1|f @/pwned x"},
    {"dotdot-first", REFUSED, "\\.\\.", .script = "f ../pwned x"},
    {"dotdot-inside", REFUSED, "a/", .script = "d a|f a/../../pwned x"},
    {"dotdot-harmless", REFUSED, "a/", .script = "d a|d b|f a/../b/f x"},
    {"dotdot-last", REFUSED, "a/", .script = "d a|d a/.."},
    {"dotdot-absolute", REFUSED, "\\.\\.", .script = "f /@/pwned x"},
    {"dotdot-pax", REFUSED, "pwned", .script = "x path=@/pwned|f harmless x"},
    {"dotdot-gnu", REFUSED, "pwned", .script = "L @/pwned|f harmless x"},
    {"dotdot-terminal", REFUSED, "pwned", .script = "f ok 1|f ../\033]0;pwned\a\033[31m x"},
    /* Records for all entries: libarchive leaves them out. */
    {"dotdot-global", EITHER, .script = "g path=@/pwned|f harmless x"},
    {"absolute", ACCEPTED, .result = "%/pwned=f:x", .script = "f %/pwned x"},
    {"slashes", ACCEPTED, .result = "a=d700 a/b=f:x",
     .script = "m 700|d ///a//.//|f .//a/./b x"},
    {"dots", ACCEPTED, .result = "...=f:1 ..a=f:2 a..=f:3 .b=f:4",
     .script = "f ... 1|f ..a 2|f a.. 3|f .b 4"},
    {"backslashes", ACCEPTED, .result = "..\\..\\f=f:x", .script = "f ..\\..\\f x"},
    {"newline", ACCEPTED, .result = "a\nb=f:x", .script = "f a\nb x"},
    {"not-utf-8", ACCEPTED, .result = "a\xff\xfe" "b=f:x \xe9=d",
     .script = "f a\xff\xfe" "b x|d \xe9"},
    {"utf-8", ACCEPTED, .result = "\xed\x95\xad\xec\x95\x84\xeb\xa6\xac=f:x",
     .script = "x path=\xed\x95\xad\xec\x95\x84\xeb\xa6\xac|f x x"},
    {"name-255", ACCEPTED, .result = "<n*255>=f:x", .script = "f <n*255> x"},
    {"name-256", REFUSED, "nnnn", .script = "f <n*256> x"},
    {"name-300", REFUSED, "nnnn", .script = "f d/<n*300>/f x"},
    {"path-4000", ACCEPTED, .result = LONG "f=f:x", .script = "f " LONG "f x"},
    {"path-5000", REFUSED, "nnnn", .script = "f <nnnnnnnnn/*500>f x"},
    {"levels-500", ACCEPTED, .result = "<d/*500>f=f:x", .script = "f <d/*500>f x"},
    /* By way of a link a path gets longer than any that the kernel takes. */
    {"path-8000", ACCEPTED, .result = "nnnnnnnn=-",
     .script = "d " LONG "|l l " LONG "|f l/" LONG "f x|+|f .wh.nnnnnnnn"},
    {"root-file-slash", REFUSED, "", .script = "f ok 1|f / x"},
    {"root-file", REFUSED, "", .script = "f ./ x"},
    {"root-file-dot", REFUSED, "", .script = "f ok 1|f . x"},
    /* CVE-2021-29136, umoci: then the rest goes there. */
    {"root-link", REFUSED, "", .script = "l ./ %|f pwned x"},
    {"root-link-dot", REFUSED, "", .script = "l . %|f pwned x"},
    {"root-hard-link", REFUSED, "", .script = "f f x|h . f"},
    {"root-mode", ACCEPTED, .result = ".=d700 f=f:x", .script = "m 700|d ./|f f x"},
};

/* Symbolic links. */
static const struct hostile links[] = {
    {"link-absolute", REFUSED, "l/pwned", .script = "l l %|f l/pwned x"},
    {"link-relative", REFUSED, "l/pwned", .script = "d a|l a/l @|f a/l/pwned x"},
    {"link-parent", ACCEPTED, .result = "pwned=f:x", .script = "l l ../../..|f l/pwned x"},
    {"link-dot-dot-up", REFUSED, "l/", .script = "l l .|f l/../pwned x"},
    {"link-chain", REFUSED, "a/pwned",
     .script = "l a b|l b c|l c d/e|d d|l d/e @|f a/pwned x"},
    {"link-loop", REFUSED, "a/f", .script = "l a b|l b a|f a/f x"},
    {"link-self", REFUSED, "a/f", .script = "l a a|f a/f x"},
    {"link-proc", REFUSED, "l/pwned", .script = "l l /proc/self/cwd|f l/pwned x"},
    {"link-root", REFUSED, "l/tmp", .script = "l l /proc/1/root|f l/tmp/pwned x"},
    {"link-nowhere", REFUSED, "l/f", .script = "l l nowhere|f l/f x"},
    {"link-to-file", REFUSED, "l/f", .script = "f g x|l l g|f l/f x"},
    {"link-empty", REFUSED, "l", .script = "f ok 1|l l"},
    {"link-5000", REFUSED, "l", .script = "f ok 1|l l <nnnnnnnnn/*500>"},
    {"link-inside", ACCEPTED, .result = "usr/lib/f=f:x lib=l:usr/lib",
     .script = "d usr|d usr/lib|l lib usr/lib|f lib/f x"},
    {"link-inside-absolute", ACCEPTED, .result = "usr/lib/f=f:x lib=l:/usr/lib",
     .script = "d usr|d usr/lib|l lib /usr/lib|f lib/f x"},
    /* CVE-2014-6407, Docker: the file goes to where the link of its name leads. */
    {"link-then-file", ACCEPTED, .result = "l=f:x", .script = "l l %/secret|f l x"},
    {"link-then-directory", ACCEPTED, .result = "l=d700 l/f=f:x",
     .script = "l l %|m 700|d l|f l/f x"},
    {"link-then-fifo", ACCEPTED, .result = "l=p", .script = "l l %/secret|p l"},
    {"link-later-layer", REFUSED, "d/pwned", .script = "d d|f d/f x|+|l d %|+|f d/pwned x"},
    {"link-later-file", ACCEPTED, .result = "f=f:two", .script = "l f %/secret|+|f f two"},
    {"link-swapped", REFUSED, "d/pwned", .script = "d d|f d/f x|l d %|f d/pwned x"},
    {"link-swapped-above", ACCEPTED, .result = "d=l:o o/e/g=f:y o/e/f=-",
     .script = "d o|d o/e|d d|d d/e|f d/e/f x|l d o|f d/e/g y"},
    {"link-swapped-back", ACCEPTED, .result = "d=d d/g=f:y o/g=- o/f=f:x",
     .script = "d o|l d o|f d/f x|d d|f d/g y"},
    /* CVE-2021-32760, containerd: mode, owner and time go there, too. */
    {"link-attributes", ACCEPTED, .result = "l=l:%/secret m=l:%",
     .script = "m 6777|o 1000|l l %/secret|m 777|o 1000|l m %"},
    {"link-xattr", EITHER, .script = "x SCHILY.xattr.user.pwned=x|l l %/secret"},
    {"link-hard-linked", ACCEPTED, .result = "h=^l h=l:%/secret",
     .script = "l l %/secret|h h l"},
    {"link-hard-linked-file", ACCEPTED, .result = "h=f:x l=l:%/secret",
     .script = "l l %/secret|h h l|f h x"},
};

/* Hard links. The test's own directory is the canary's, where there is a "secret". */
static const struct hostile hard_links[] = {
    /* CVE-2014-6407 */
    {"hard-absolute", REFUSED, "h", .script = "f ok 1|h h %/secret"},
    {"hard-dotdot", REFUSED, "\\.\\.", .script = "f ok 1|h h @/secret"},
    {"hard-dotdot-pax", REFUSED, "\\.\\.", .script = "f ok 1|x linkpath=@/secret|h h ok"},
    {"hard-dotdot-gnu", REFUSED, "\\.\\.", .script = "f ok 1|K @/secret|h h ok"},
    /* CVE-2026-50163, oras: it was looked for in the working directory. */
    {"hard-in-cwd", REFUSED, "h", .script = "f ok 1|h h secret"},
    {"hard-through-link", REFUSED, "h", .script = "l l %|h h l/secret"},
    {"hard-through-relative-link", REFUSED, "h", .script = "l l @|h h l/secret"},
    {"hard-missing", REFUSED, "h", .script = "f ok 1|h h nothing"},
    {"hard-later", REFUSED, "h", .script = "h h f|f f x"},
    {"hard-directory", REFUSED, "h", .script = "d d|h h d"},
    {"hard-to-root", REFUSED, "h", .script = "d d|h h /"},
    {"hard-self", ACCEPTED, .result = "f=f:x", .script = "f f x|h f f"},
    {"hard-self-otherwise", ACCEPTED, .result = "d/f=f:x",
     .script = "d d|f d/f x|h d/f ./d//f"},
    {"hard-absolute-inside", ACCEPTED, .result = "h=^d/f",
     .script = "d d|f d/f x|h h /d/f"},
    {"hard-over-link", ACCEPTED, .result = "l=^f l=f:x",
     .script = "f f x|l l %/secret|h l f"},
    {"hard-over-directory", ACCEPTED, .result = "d=^f",
     .script = "f f x|d d|f d/g y|h d f"},
    /* Its mode is that of the file, whatever its header says. */
    {"hard-mode", ACCEPTED, .result = "f=f640:x h=^f",
     .script = "m 640|f f x|m 6777|o 1000|h h f"},
    /* Who writes into the file that is there changes another one. */
    {"hard-then-file", ACCEPTED, .result = "f=f:two g=f:one",
     .script = "f f one|h g f|f f two"},
    {"hard-then-file-later", ACCEPTED, .result = "f=f:two g=f:one",
     .script = "f f one|h g f|+|f f two"},
    {"hard-whited-out", REFUSED, "h", .script = "f f one|+|f .wh.f|h h f"},
};

/* Whiteouts. */
static const struct hostile whiteouts[] = {
    {"white", ACCEPTED, .result = "d/f=- d=d g=f:y",
     .script = "d d|f d/f x|f g y|+|f d/.wh.f"},
    {"white-nothing", ACCEPTED, .result = "d=d .wh.f=-",
     .script = "d d|+|f .wh.f|f d/.wh.f"},
    {"white-dotdot", REFUSED, "\\.wh\\.", .script = "d d|f d/f x|+|f d/.wh..."},
    {"white-dot", REFUSED, "\\.wh\\.", .script = "d d|f d/f x|+|f d/.wh.."},
    {"white-empty", REFUSED, "\\.wh\\.", .script = "d d|f d/f x|+|f d/.wh."},
    {"white-twice", REFUSED, "\\.wh\\.", .script = "d d|f d/f x|+|f .wh..wh.d"},
    {"white-aufs", REFUSED, "\\.wh\\.", .script = "d d|f d/f x|+|d .wh..wh.plnk"},
    {"white-parent", REFUSED, "\\.\\.", .script = "d d|+|f d/../.wh.d"},
    {"white-outside", REFUSED, "\\.\\.", .script = "f ok 1|+|f @/.wh.secret"},
    {"white-through-link", REFUSED, "secret", .script = "l l %|+|f l/.wh.secret"},
    {"white-through-relative-link", REFUSED, "secret", .script = "l l @|+|f l/.wh.secret"},
    {"white-of-link", ACCEPTED, .result = "l=- m=-",
     .script = "l l %|l m %/secret|+|f .wh.l|f .wh.m"},
    {"white-of-tree-with-links", ACCEPTED, .result = "d=-",
     .script = "d d|l d/a %|l d/b %/secret|d d/e|l d/e/c @|+|f .wh.d"},
    {"white-as-link", ACCEPTED, .result = "f=- .wh.f=-",
     .script = "f f x|+|l .wh.f %/secret"},
    {"white-as-directory", ACCEPTED, .result = "f=- .wh.f=-", .script = "f f x|+|d .wh.f"},
    {"white-then-again", ACCEPTED, .result = "f=f:two",
     .script = "f f one|+|f .wh.f|f f two"},
    {"white-of-new", ACCEPTED, .result = "f=f:two", .script = "f f one|+|f f two|f .wh.f"},
    {"opaque", ACCEPTED, .result = "d=d d/f=- d/g=f:y h=f:z",
     .script = "d d|f d/f x|f h z|+|d d|f d/.wh..wh..opq|f d/g y"},
    {"opaque-last", ACCEPTED, .result = "d/f=- d/g=f:y",
     .script = "d d|f d/f x|+|d d|f d/g y|f d/.wh..wh..opq"},
    {"opaque-root", ACCEPTED, .result = "d=- f=- g=f:y",
     .script = "d d|f d/f x|f f x|+|f g y|f .wh..wh..opq"},
    {"opaque-through-link", REFUSED, "opq", .script = "l l %|+|f l/.wh..wh..opq"},
    {"opaque-outside", REFUSED, "\\.\\.", .script = "f ok 1|+|f @/.wh..wh..opq"},
    {"opaque-with-links", ACCEPTED, .result = "d=d d/a=- d/e=-",
     .script = "d d|l d/a %|d d/e|l d/e/b @|+|d d|f d/.wh..wh..opq"},
};

/* Entries in the place of others. */
static const struct hostile replaced[] = {
    {"twice", ACCEPTED, .result = "f=f644:two", .script = "m 600|f f one|f f two"},
    {"file-for-directory", ACCEPTED, .result = "d=f:x", .script = "d d|f d/g y|f d x"},
    {"file-for-directory-later", ACCEPTED, .result = "d=f:x",
     .script = "d d|f d/g y|+|f d x"},
    {"directory-for-file", ACCEPTED, .result = "f=d f/g=f:y",
     .script = "f f x|d f|f f/g y"},
    {"directory-again", ACCEPTED, .result = "d=d700 d/g=f:y",
     .script = "d d|f d/g y|+|m 700|d d"},
    {"below-file", REFUSED, "f/g", .script = "f f x|f f/g y"},
    {"below-file-later", REFUSED, "f/g", .script = "f f x|+|f f/g y"},
    {"below-fifo", REFUSED, "p/g", .script = "p p|f p/g y"},
    /* Who opens what is there waits for ever. */
    {"file-for-fifo", ACCEPTED, .result = "p=f:x", .script = "p p|f p x"},
    {"fifo-for-file", ACCEPTED, .result = "f=p", .script = "f f x|p f"},
    {"parent-gone", ACCEPTED, .result = "d=d755 d/f=- d/g=f:y",
     .script = "d d|f d/f x|f d x|f .wh.none|d d|f d/g y"},
    {"cases", ACCEPTED, .result = "Etc=d etc=d Etc/f=f:1 etc/f=f:2",
     .script = "d Etc|d etc|f Etc/f 1|f etc/f 2"},
    {"no-access", ACCEPTED, .result = "d=d0 d/f=f0:x d/e/g=f:y",
     .script = "m 10000|d d|m 10000|f d/f x|m 10000|d d/e|f d/e/g y"},
};

/* Devices, modes, attributes. */
static const struct hostile attributes[] = {
    {"device-block", REFUSED, "sda", .script = "f ok 1|d dev|b dev/sda 8,0"},
    {"device-character", REFUSED, "mem", .script = "f ok 1|d dev|c dev/mem 1,1"},
    {"device-null", REFUSED, "null", .script = "f ok 1|d dev|c dev/null 1,3"},
    {"device-zero-zero", REFUSED, "white", .script = "f white x|+|c white 0,0"},
    {"device-huge", REFUSED, "huge", .script = "f ok 1|c huge 2097151,2097151"},
    {"set-user-id", ACCEPTED, .result = "su=f4755:x sg=f2755:y t=d1777",
     .script = "m 4755|f su x|m 2755|f sg y|m 1777|d t"},
    {"set-user-id-other", ACCEPTED, .result = "su=f6755:x",
     .script = "o 1000|m 6755|f su x"},
    {"owner-huge", EITHER, .script = "x uid=4294967294|f f x"},
    {"owner-minus-one", EITHER, .script = "m 4755|x uid=4294967295|f f x"},
    {"owner-beyond", EITHER, .script = "m 4755|x uid=18446744073709551616|f f x"},
    {"time-before", ACCEPTED, .result = "f=f:x", .script = "x mtime=-1000000000.5|f f x"},
    {"time-huge", EITHER, .script = "x mtime=99999999999999999999|f f x"},
    {"time-word", EITHER, .script = "x mtime=yesterday|f f x"},
    {"overlay-trusted", REFUSED, "overlay",
     .script = "f ok 1|x SCHILY.xattr.trusted.overlay.opaque=y|d d"},
    {"overlay-user", REFUSED, "overlay",
     .script = "f ok 1|x SCHILY.xattr.user.overlay.redirect=/etc|d d"},
    {"overlay-whiteout", REFUSED, "overlay",
     .script = "f ok 1|x SCHILY.xattr.user.overlay.whiteout=|f f"},
    {"overlay-encoded", REFUSED, "overlay",
     .script = "f ok 1|x LIBARCHIVE.xattr.trusted.overlay.opaque=eQ|d d"},
    {"overlay-percent", REFUSED, "overlay",
     .script = "f ok 1|x LIBARCHIVE.xattr.trusted.overlay%%2eopaque=eQ|d d"},
    {"xattr-long-name", REFUSED, "f",
     .script = "f ok 1|x SCHILY.xattr.user.<n*300>=x|f f x"},
    {"xattr-large", REFUSED, "f",
     .script = "f ok 1|x SCHILY.xattr.user.big=<x*70000>|f f x"},
    {"xattr-no-capability", REFUSED, "f",
     .script = "f ok 1|x SCHILY.xattr.security.capability=x|f f x"},
    {"type-unknown", EITHER, .script = "f ok 1|? f x"},
};

const struct group tree_groups[] = {
    GROUP("paths", paths),       GROUP("links", links),
    GROUP("hard-links", hard_links), GROUP("whiteouts", whiteouts),
    GROUP("replaced", replaced), GROUP("attributes", attributes),
};
const size_t tree_group_count = sizeof tree_groups / sizeof *tree_groups;
