// SPDX-License-Identifier: MIT OR GPL-2.0
#include <string.h>

#include "demo.h"

static const char usage[] =
	"usage: zvm-demo FILE SHA256\n"
	"Shows VMOs, regions, handles and two processes that share them, at work on\n"
	"FILE, whose SHA-256 (64 hexadecimal digits, as sha256sum prints) is SHA256.\n";

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--second"))
		return second(atoi(argv[2]), argv[3]);
	if (argc == 3 && strlen(argv[2]) == 64)
		return first(argv[1], argv[2]);
	fputs(usage, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
}
