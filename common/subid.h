/* subid.h - the numbers of users that the system has set aside for one user. */
#ifndef SUBID_H
#define SUBID_H

#include <stdbool.h>

/* The first range that `file` ("/etc/subuid" or "/etc/subgid") gives to the
 * user who runs this process: `count` numbers from `first` up. Returns false if
 * there is none. Source: subuid(5), subgid(5): a line "NAME:FIRST:COUNT". */
bool subid_range(const char *file, unsigned *first, unsigned *count);

#endif
