// SPDX-License-Identifier: GPL-2.0
/*
 * What /proc/PID/fdinfo/FD tells about an object.
 */
#include <linux/seq_file.h>

#include "ipcx.h"

static void show_rights(struct seq_file *m, u32 rights)
{
	seq_printf(m, "rights:\t%s%s\n", rights & IPCX_READ ? "r" : "-", rights & IPCX_WRITE ? "w" : "-");
}

void ipcx_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct ipcx_object *obj = ipcx_object(file);
	struct user_namespace *userns = seq_user_ns(m);
	u32 state = READ_ONCE(obj->state);

	seq_printf(m, "ipcx-kind:\t%s\n", obj->kind->label);
	seq_printf(m, "ipcx-id:\t%llu\n", obj->id);
	ipcx_name_show(obj, m);
	show_rights(m, ipcx_file_rights(file));
	seq_printf(m, "uid:\t%u\ngid:\t%u\nmode:\t%04o\n", from_kuid_munged(userns, obj->uid),
		   from_kgid_munged(userns, obj->gid), obj->mode);
	seq_printf(m, "users:\t%d\n", atomic_read(&obj->users));
	seq_printf(m, "charged:\t%ld\n", max(atomic_long_read(&obj->charged), 0L));
	seq_printf(m, "state:\t%s%s%s%s%s%s%s%s\n", state & IPCX_OBJECT_TEMPORARY ? " temporary" : "",
		   state & IPCX_OBJECT_ROBUST ? " robust" : "",
		   state & IPCX_OBJECT_MANUAL ? " manual" : "",
		   state & IPCX_OBJECT_BROADCAST ? " broadcast" : "",
		   state & IPCX_OBJECT_LATEST ? " latest" : "",
		   state & IPCX_OBJECT_RESERVED ? " reserved" : "",
		   state & IPCX_OBJECT_SHUT_SEND ? " shut-send" : "",
		   state & IPCX_OBJECT_SHUT_RECV ? " shut-recv" : "");
	obj->kind->show(obj, m);
	if (obj->kind->show_file)
		obj->kind->show_file(file, m);
	ipcx_watch_show(obj, file, m);
}
