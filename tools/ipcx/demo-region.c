// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's third scene: one process paints into a region, another reads it in place.  Only a note
 * of a few bytes goes through a queue, to say that the image is complete.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"
#include "util.h"

#define IMAGE_WIDTH	300
#define IMAGE_HEIGHT	160
#define IMAGE_LEN	(IMAGE_WIDTH * IMAGE_HEIGHT)
#define CELL_WIDTH	4	/* pixels of the image in one character */
#define CELL_HEIGHT	8
#define NR_STEPS	64

/* The note: what the painter has put into the region. */
struct note {
	uint32_t width, height;
	uint32_t checksum;
};

/* FNV-1a: any change of a pixel changes it. */
static uint32_t checksum(const unsigned char *bytes, size_t len)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	return sum;
}

/*
 * Steps until z -> z^2 + c leaves the circle of radius 2; fixed point with 16 bits after the
 * point.
 */
static unsigned char mandelbrot(int64_t re, int64_t im)
{
	int64_t x = 0, y = 0, xx, yy;
	int i;

	for (i = 0; i < NR_STEPS; i++) {
		xx = x * x >> 16;
		yy = y * y >> 16;
		if (xx + yy > 4 << 16)
			break;
		y = (x * y >> 15) + im;
		x = xx - yy + re;
	}
	return i;
}

static int paint_image(int index)
{
	struct note note = { .width = IMAGE_WIDTH, .height = IMAGE_HEIGHT };
	unsigned char *image;
	int queue, region;
	struct ipcx_msg msg;
	void *addr;

	(void)index;
	region = ipcx_open(demo_name("image"), IPCX_KIND_REGION, IPCX_READ | IPCX_WRITE, 0);
	queue = ipcx_open(demo_name("notes"), IPCX_KIND_QUEUE, IPCX_WRITE, 0);
	if (region < 0 || queue < 0 || ipcx_region_map(region, PROT_READ | PROT_WRITE, &addr, NULL))
		return STATUS_FAILED;
	image = addr;
	for (int y = 0; y < IMAGE_HEIGHT; y++)
		for (int x = 0; x < IMAGE_WIDTH; x++)
			image[y * IMAGE_WIDTH + x] =
				mandelbrot((x * 196608 / IMAGE_WIDTH) - 139264,
					   (y * 157286 / IMAGE_HEIGHT) - 78643);
	note.checksum = checksum(image, IMAGE_LEN);
	msg = ipcx_msg(&note, sizeof(note));
	return ipcx_queue_send_msg(queue, &msg, 0, demo_deadline()) ? STATUS_FAILED : STATUS_OK;
}

static void show(const unsigned char *image)
{
	static const char shades[] = " .,:;-=+*o%#&@";
	char row[IMAGE_WIDTH / CELL_WIDTH + 1];
	const unsigned int last = sizeof(shades) - 2;
	unsigned int steps;

	for (int y = CELL_HEIGHT / 2; y < IMAGE_HEIGHT; y += CELL_HEIGHT) {
		for (int x = 0; x < IMAGE_WIDTH / CELL_WIDTH; x++) {
			steps = image[y * IMAGE_WIDTH + x * CELL_WIDTH];
			if (steps >= NR_STEPS)
				row[x] = ' ';
			else
				row[x] = shades[steps < last ? steps : last];
		}
		row[IMAGE_WIDTH / CELL_WIDTH] = '\0';
		demo_say("%s", row);
	}
}

/* Exit statuses of the viewer. */
enum {
	VIEW_OK, VIEW_FAILED, VIEW_DIFFERENT, VIEW_WRITABLE,
};

/* Has the right to read only: what it maps, it cannot change. */
static int view_image(int index)
{
	struct note note = { 0 };
	struct ipcx_msg msg;
	int queue, region;
	void *addr, *writable;

	(void)index;
	queue = ipcx_open(demo_name("notes"), IPCX_KIND_QUEUE, IPCX_READ, 0);
	region = ipcx_open(demo_name("image"), IPCX_KIND_REGION, IPCX_READ, 0);
	if (queue < 0 || region < 0)
		return VIEW_FAILED;
	msg = ipcx_msg(&note, sizeof(note));
	if (ipcx_queue_recv_msg(queue, &msg, NULL, 0, demo_deadline()) || msg.len != sizeof(note))
		return VIEW_FAILED;
	if (note.width != IMAGE_WIDTH || note.height != IMAGE_HEIGHT)
		return VIEW_FAILED;
	if (ipcx_region_map(region, PROT_READ, &addr, NULL))
		return VIEW_FAILED;
	show(addr);
	if (checksum(addr, IMAGE_LEN) != note.checksum)
		return VIEW_DIFFERENT;
	if (ipcx_region_map(region, PROT_READ | PROT_WRITE, &writable, NULL) != -EACCES)
		return VIEW_WRITABLE;
	return VIEW_OK;
}

void demo_region(void)
{
	pid_t painter, viewer;
	int queue, region, status;
	void *image;

	queue = demo_create_queue("notes", 1);
	if (queue < 0)
		return;
	image = demo_create_region("image", IMAGE_LEN, &region);
	if (image) {
		viewer = demo_start(view_image, 0);
		painter = demo_start(paint_image, 0);
		demo_check(demo_finish(painter) == STATUS_OK, "process %d painted %d pixels",
			   painter, IMAGE_LEN);
		status = demo_finish(viewer);
		demo_check(status == VIEW_OK || status == VIEW_WRITABLE,
			   "process %d saw the same image in place; the queue carried %zu bytes",
			   viewer, sizeof(struct note));
		demo_check(status == VIEW_OK,
			   "with the right to read only, it could not map it for writing");
		ipcx_region_unmap(image, IMAGE_LEN);
		close(region);
	}
	close(queue);
}
