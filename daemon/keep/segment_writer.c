#include "keep/segment_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "support/bug.h"

static const uint8_t zeros[SEGMENT_WRITER_SLICE_BYTES];

static bool writer_failed(struct segment_writer *writer, enum segment_step step)
{
	writer->failed_step = step;
	writer->failed_error = errno;
	return false;
}

static void active_close(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	if (writer->active.fd >= 0)
		disk->close(disk->context, writer->active.fd);
	writer->active.fd = -1;
}

/* A file that failed before anything in it was durable is of no use to anybody; left there, an hour
 * of trying would fill the disk with them. */
static void active_give_up(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	active_close(writer);
	if (!writer->active.has_records)
		disk->unlink(disk->context,
		             folder_segment_path(writer->folder, &writer->active.key).text);
}

static void spare_give_up(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	if (writer->spare.fd >= 0)
		disk->close(disk->context, writer->spare.fd);
	disk->unlink(disk->context, folder_path(writer->folder, FOLDER_NEW_SEGMENT).text);
	writer->spare.fd = -1;
	writer->spare.at = 0;
	writer->spare.stage = SEGMENT_SPARE_NONE;
}

static bool spare_create(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	const struct folder_path path = folder_path(writer->folder, FOLDER_NEW_SEGMENT);
	writer->spare.fd = disk->open(disk->context, path.text, O_RDWR | O_CREAT | O_TRUNC);
	if (writer->spare.fd < 0)
		return writer_failed(writer, SEGMENT_STEP_CREATE);
	writer->spare.stage = SEGMENT_SPARE_ZEROING;
	writer->spare.at = 0;
	/* All blocks at once, so that a full disk is known now. A file system that cannot do this
	 * tells while the zeros are written, which is early enough too. */
	if (disk->allocate(disk->context, writer->spare.fd, writer->segment_bytes) < 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		return writer_failed(writer, SEGMENT_STEP_ALLOCATE);
	return true;
}

static bool spare_zero(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	off_t length = writer->segment_bytes - writer->spare.at;
	if (length > SEGMENT_WRITER_SLICE_BYTES)
		length = SEGMENT_WRITER_SLICE_BYTES;
	if (disk_write_all(disk, writer->spare.fd, zeros, (size_t)length, writer->spare.at) < 0)
		return writer_failed(writer, SEGMENT_STEP_ZERO);
	disk->start_writing(disk->context, writer->spare.fd, writer->spare.at, length);
	writer->spare.at += length;
	return true;
}

/* Synced first, then named: a file that bears a segment's name is complete. */
static bool spare_name(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	if (disk->fsync(disk->context, writer->spare.fd) < 0)
		return writer_failed(writer, SEGMENT_STEP_ZERO);
	writer->spare.key =
	        (struct segment_key){ writer->folder->node, writer->epoch, writer->next_index };
	const struct folder_path from = folder_path(writer->folder, FOLDER_NEW_SEGMENT);
	const struct folder_path to = folder_segment_path(writer->folder, &writer->spare.key);
	if (disk->rename(disk->context, from.text, to.text) < 0)
		return writer_failed(writer, SEGMENT_STEP_NAME);
	writer->next_index++;
	if (disk->sync_folder(disk->context, writer->folder->path) < 0) {
		writer_failed(writer, SEGMENT_STEP_NAME);
		disk->unlink(disk->context, to.text);
		return false;
	}
	writer->spare.stage = SEGMENT_SPARE_READY;
	return true;
}

/* The header goes out with the first records, under the same sync. */
static bool active_begin(struct segment_writer *writer, uint64_t first,
                         struct segment_header *header)
{
	const struct disk *disk = writer->folder->disk;
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	*header = (struct segment_header){
		.key = writer->active.key,
		.record_version = writer->record_version,
		.first = first,
		.after = writer->last,
		.created = disk->wall(disk->context),
	};
	segment_header_write(bytes, header);
	return disk_write_all(disk, writer->active.fd, bytes, sizeof(bytes), 0) == 0;
}

static bool active_take_spare(struct segment_writer *writer)
{
	if (writer->spare.stage != SEGMENT_SPARE_READY)
		return false;
	writer->active.fd = writer->spare.fd;
	writer->active.key = writer->spare.key;
	writer->active.at = SEGMENT_HEADER_BYTES;
	writer->active.has_records = false;
	writer->spare.fd = -1;
	writer->spare.at = 0;
	writer->spare.stage = SEGMENT_SPARE_NONE;
	return true;
}

static enum segment_write write_failed(struct segment_writer *writer, enum segment_step step)
{
	writer_failed(writer, step);
	active_give_up(writer);
	return SEGMENT_WRITE_FAILED;
}

void segment_writer_init(struct segment_writer *writer, const struct folder *folder, uint32_t epoch,
                         struct position last, off_t segment_bytes, uint32_t record_version)
{
	*writer = (struct segment_writer){
		.folder = folder,
		.segment_bytes = segment_bytes,
		.record_version = record_version,
		.epoch = epoch,
		.last = last,
	};
	writer->active.fd = writer->spare.fd = -1;
}

void segment_writer_done(struct segment_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	active_close(writer);
	if (writer->spare.stage == SEGMENT_SPARE_READY)
		disk->close(disk->context, writer->spare.fd);
	else if (writer->spare.stage == SEGMENT_SPARE_ZEROING)
		spare_give_up(writer);
	writer->spare.fd = -1;
	writer->spare.stage = SEGMENT_SPARE_NONE;
}

static bool file_is_blank(const struct disk *disk, int fd, off_t size)
{
	uint8_t bytes[4096];
	for (off_t at = 0; at < size; at += (off_t)sizeof(bytes)) {
		const ssize_t got = disk_read_all(disk, fd, bytes, sizeof(bytes), at);
		if (got <= 0 || memcmp(bytes, zeros, (size_t)got) != 0)
			return false;
	}
	return true;
}

bool segment_writer_adopt(struct segment_writer *writer, const struct segment_key *blank)
{
	const struct disk *disk = writer->folder->disk;
	const struct folder_path from = folder_segment_path(writer->folder, blank);
	if (BUG(writer->spare.stage != SEGMENT_SPARE_NONE))
		return false;
	const int fd = disk->open(disk->context, from.text, O_RDWR);
	if (fd < 0)
		return false;
	const struct segment_key key = { writer->folder->node, writer->epoch, writer->next_index };
	const struct folder_path to = folder_segment_path(writer->folder, &key);
	if (disk->size(disk->context, fd) != writer->segment_bytes ||
	    !file_is_blank(disk, fd, writer->segment_bytes) || disk->fsync(disk->context, fd) < 0 ||
	    disk->rename(disk->context, from.text, to.text) < 0) {
		disk->close(disk->context, fd);
		return false;
	}
	writer->next_index++;
	if (disk->sync_folder(disk->context, writer->folder->path) < 0) {
		disk->close(disk->context, fd);
		disk->unlink(disk->context, to.text);
		return false;
	}
	writer->spare.fd = fd;
	writer->spare.key = key;
	writer->spare.stage = SEGMENT_SPARE_READY;
	return true;
}

enum segment_write segment_writer_write(struct segment_writer *writer, struct batch *batch,
                                        struct segment_written *out)
{
	const struct disk *disk = writer->folder->disk;
	*out = (struct segment_written){ 0 };
	for (;;) {
		if (writer->active.fd < 0 && !active_take_spare(writer))
			return SEGMENT_WRITE_NO_FILE;
		out->part = batch_part(batch, (size_t)(writer->segment_bytes - writer->active.at));
		if (out->part.length > 0)
			break;
		/* Full: all that is in it is durable, so there is nothing left to do but close it.
		 * A record that no fresh file can hold was refused when it was appended. */
		if (BUG(writer->active.at == SEGMENT_HEADER_BYTES))
			return SEGMENT_WRITE_NO_FILE;
		active_close(writer);
	}
	out->is_new = !writer->active.has_records;
	const struct mono start = disk->mono(disk->context);
	if (out->is_new && !active_begin(writer, out->part.first, &out->begun))
		return write_failed(writer, SEGMENT_STEP_WRITE);
	batch_part_seal(&out->part, &writer->active.key, writer->active.at);
	if (disk_write_all(disk, writer->active.fd, out->part.bytes, out->part.length,
	                   writer->active.at) < 0)
		return write_failed(writer, SEGMENT_STEP_WRITE);
	if (disk->fdatasync(disk->context, writer->active.fd) < 0)
		return write_failed(writer, SEGMENT_STEP_SYNC);
	out->sync_us = mono_us_between(start, disk->mono(disk->context));
	writer->active.at += (off_t)out->part.length;
	writer->active.has_records = true;
	writer->last = (struct position){ writer->folder->node, writer->epoch, out->part.last };
	batch_part_done(batch, &out->part);
	return SEGMENT_WRITE_DONE;
}

bool segment_writer_prepare(struct segment_writer *writer)
{
	bool fine = true;
	if (writer->spare.stage == SEGMENT_SPARE_NONE)
		fine = spare_create(writer);
	else if (writer->spare.stage == SEGMENT_SPARE_ZEROING &&
	         writer->spare.at < writer->segment_bytes)
		fine = spare_zero(writer);
	else if (writer->spare.stage == SEGMENT_SPARE_ZEROING)
		fine = spare_name(writer);
	if (!fine)
		spare_give_up(writer);
	return fine;
}

bool segment_writer_is_behind(const struct segment_writer *writer)
{
	/* Twice as fast as the active one fills: ready when that one is half full. */
	return writer->spare.stage != SEGMENT_SPARE_READY &&
	       (writer->active.fd < 0 || writer->spare.at < 2 * writer->active.at);
}

const char *segment_step_name(enum segment_step step)
{
	switch (step) {
	case SEGMENT_STEP_CREATE: return "create";
	case SEGMENT_STEP_ALLOCATE: return "allocate";
	case SEGMENT_STEP_ZERO: return "zero";
	case SEGMENT_STEP_NAME: return "name";
	case SEGMENT_STEP_WRITE: return "write";
	case SEGMENT_STEP_SYNC: return "sync";
	case SEGMENT_STEP_NONE: break;
	}
	return "none";
}
