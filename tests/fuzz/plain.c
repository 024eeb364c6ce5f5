/* Runs a fuzz target once over each file of its corpus: what was once found stays found, with any
 * compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* The block is as long as the file, so that the sanitizer sees the first byte too many. */
static uint8_t *file_read(const char *path, size_t *length)
{
	struct stat at;
	FILE *file = fopen(path, "rb");

	if (!file || fstat(fileno(file), &at) != 0 || !S_ISREG(at.st_mode)) {
		perror(path);
		exit(1);
	}
	uint8_t *bytes = malloc((size_t)at.st_size ? (size_t)at.st_size : 1);
	*length = (size_t)at.st_size;
	if (!bytes || fread(bytes, 1, *length, file) != *length) {
		perror(path);
		exit(1);
	}
	fclose(file);
	return bytes;
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	int files = 0;

	if (!folder) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char path[4096];
		size_t length;
		if (entry->d_name[0] == '.')
			continue;
		int wanted = snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (wanted >= (int)sizeof(path))
			return 1;
		fprintf(stderr, "%s\n", path);
		uint8_t *bytes = file_read(path, &length);
		LLVMFuzzerTestOneInput(bytes, length);
		free(bytes);
		files++;
	}
	closedir(folder);
	printf("%d files\n", files);
	return files > 0 ? 0 : 1;
}
