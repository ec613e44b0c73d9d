// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: shared memory.
 *
 * A region is an unlinked shmem inode, as memfd_create(2) makes, and each descriptor is a shmem file on it whose
 * file operations are shmem's with ours in front.  So mapping, futexes, seals, splicing, pinned pages, huge
 * pages and swapping are the kernel's own.  We add names, rights that cannot be regained, and the quota.
 */
#include <linux/fcntl.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "ipcx.h"
#include "ipcx_trace.h"

/**
 * struct ipcx_region - a region
 * @obj:	common part
 * @backing:	an open file of the shmem inode, never given to user space
 * @len:	bytes, constant
 * @reserved:	bytes charged whether they are allocated or not: 0 or @len, constant
 * @charged:	bytes charged so far (protected by obj.lock)
 */
struct ipcx_region {
	struct ipcx_object obj;
	struct file *backing;
	u64 len;
	u64 reserved;
	u64 charged;
};

/* shmem's operations with ours in front: made once, at init and at the first mapping */
static struct file_operations region_fops;
static const struct file_operations *shmem_fops;
static struct inode_operations region_iops;
static const struct inode_operations *shmem_iops;
static struct vm_operations_struct region_vm_ops;
static const struct vm_operations_struct *shmem_vm_ops;
static DEFINE_MUTEX(region_vm_ops_lock);

static struct ipcx_region *region_of(struct ipcx_object *obj)
{
	return container_of(obj, struct ipcx_region, obj);
}

static u64 allocated(const struct ipcx_region *region)
{
	return (u64)READ_ONCE(file_inode(region->backing)->i_blocks) << 9;
}

/* Charge what has been allocated, or freed by punching holes, since the last time. */
static void settle(struct ipcx_region *region)
{
	s64 now, before;

	spin_lock(&region->obj.lock);
	now = max(allocated(region), region->reserved);
	before = region->charged;
	region->charged = now;
	spin_unlock(&region->obj.lock);
	if (now != before)
		ipcx_charge_force(&region->obj, now - before);
}

/*
 * A page that is not there yet is beyond the quota: SIGBUS, as on a full tmpfs.  Processors that fault at the
 * same moment may each pass by one page.
 */
static vm_fault_t region_fault(struct vm_fault *vmf)
{
	struct file *file = vmf->vma->vm_file;
	struct ipcx_region *region = region_of(ipcx_object(file));
	vm_fault_t ret;

	if (!region->reserved && ipcx_over_quota(&region->obj)) {
		settle(region);		/* what was punched out may make room */
		if (ipcx_over_quota(&region->obj) && !xa_load(&file->f_mapping->i_pages, vmf->pgoff))
			return VM_FAULT_SIGBUS;
	}
	ret = shmem_vm_ops->fault(vmf);
	/* a fault that dropped the lock of the mappings may return when mapping and region have gone */
	if (!(ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		settle(region);
	return ret;
}

/* The operations that shmem gives to its mappings are known only once it has made one. */
static void init_vm_ops(const struct vm_operations_struct *ops)
{
	mutex_lock(&region_vm_ops_lock);
	if (!shmem_vm_ops) {
		region_vm_ops = *ops;
		region_vm_ops.fault = region_fault;
		/* a mapping that is being made looks at shmem_vm_ops only under this lock or after it */
		shmem_vm_ops = ops;
	}
	mutex_unlock(&region_vm_ops_lock);
}

static int region_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret = shmem_fops->mmap(file, vma);

	if (ret)
		return ret;
	init_vm_ops(vma->vm_ops);
	vma->vm_ops = &region_vm_ops;
	trace_ipcx_map(ipcx_object(file), (u64)vma->vm_pgoff << PAGE_SHIFT, vma->vm_end - vma->vm_start,
		       vma->vm_flags & VM_WRITE);
	return 0;
}

#ifdef ipcx_desc_is_writable
/* The same where a file describes a mapping before it is made. */
static int region_mmap_prepare(struct vm_area_desc *desc)
{
	int ret = shmem_fops->mmap_prepare(desc);

	if (ret)
		return ret;
	init_vm_ops(desc->vm_ops);
	desc->vm_ops = &region_vm_ops;
	trace_ipcx_map(ipcx_object(desc->file), (u64)desc->pgoff << PAGE_SHIFT, desc->end - desc->start,
		       ipcx_desc_is_writable(desc));
	return 0;
}
#endif

/* shmem wants a file with its own operations here, of which it looks at the superblock only. */
static unsigned long region_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len,
					      unsigned long pgoff, unsigned long flags)
{
	return shmem_fops->get_unmapped_area(region_of(ipcx_object(file))->backing, addr, len, pgoff, flags);
}

/* What writing @len bytes may allocate, at most, is charged before it happens and settled after; -EDQUOT. */
static int reserve(struct ipcx_region *region, u64 len, u64 *reserved)
{
	settle(region);
	*reserved = min(PAGE_ALIGN(min(len, region->len)),
			region->len - min(region->len, READ_ONCE(region->charged)));
	return *reserved ? ipcx_charge(&region->obj, *reserved) : 0;
}

static void unreserve(struct ipcx_region *region, u64 reserved)
{
	settle(region);
	ipcx_uncharge(&region->obj, reserved);
}

static ssize_t region_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct ipcx_region *region = region_of(ipcx_object(iocb->ki_filp));
	u64 reserved;
	ssize_t ret;

	ret = reserve(region, (u64)iov_iter_count(from) + PAGE_SIZE, &reserved);
	if (ret)
		return ret;
	ret = shmem_fops->write_iter(iocb, from);
	unreserve(region, reserved);
	return ret;
}

static long region_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct ipcx_region *region = region_of(ipcx_object(file));
	u64 reserved = 0;
	long ret = 0;

	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		ret = reserve(region, (u64)len + PAGE_SIZE, &reserved);
	if (ret)
		return ret;
	ret = shmem_fops->fallocate(file, mode, offset, len);
	unreserve(region, reserved);
	return ret;
}

static void region_show_fdinfo(struct seq_file *m, struct file *file)
{
	settle(region_of(ipcx_object(file)));
	ipcx_show_fdinfo(m, file);
}

/* A shmem file of its own for each descriptor, so that its rights are its own. */
static struct file *region_open(struct ipcx_object *obj, int flags)
{
	struct ipcx_region *region = region_of(obj);
	struct file *file;

	file = dentry_open(&region->backing->f_path, flags | O_LARGEFILE, current_cred());
	if (IS_ERR(file))
		return file;
	/* shmem is never a module; from here on the file holds one reference to ours */
	__module_get(THIS_MODULE);
	file->f_op = &region_fops;
	file->private_data = obj;
	return file;
}

long ipcx_region_stat(struct file *file, void *args, void __user *uargs)
{
	struct ipcx_region *region = region_of(ipcx_object(file));
	struct ipcx_region_stat *stat = args;

	if (stat->flags || stat->reserved)
		return -EINVAL;
	settle(region);
	stat->len = region->len;
	stat->allocated = allocated(region);
	stat->seals = SHMEM_I(file_inode(region->backing))->seals;
	return ipcx_put_args(uargs, stat, sizeof(*stat));
}

static struct ipcx_object *region_create(const void *args)
{
	const struct ipcx_region_create *create = args;
	struct ipcx_region *region;
	struct inode *inode;
	int ret;

	if (!create->len || create->len > MAX_LFS_FILESIZE - PAGE_SIZE)
		return ERR_PTR(-EINVAL);
	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->len = PAGE_ALIGN(create->len);
	region->backing = shmem_file_setup("ipcx-region", region->len, IPCX_NORESERVE);
	if (IS_ERR(region->backing)) {
		/* shmem says that it has no space when it has no memory for an inode */
		ret = PTR_ERR(region->backing) == -ENOSPC ? -ENOMEM : PTR_ERR(region->backing);
		goto err_free;
	}
	/*
	 * Nobody changes its mode, and nobody opens it again: it belongs to root, has no permission bits, and
	 * would not look at them.
	 */
	inode = file_inode(region->backing);
	inode->i_mode = S_IFREG;
	inode->i_uid = GLOBAL_ROOT_UID;
	inode->i_gid = GLOBAL_ROOT_GID;
	inode->i_op = &region_iops;
	SHMEM_I(inode)->seals = F_SEAL_GROW | F_SEAL_SHRINK;
	if (create->create.flags & IPCX_REGION_RESERVED)
		region->reserved = region->len;
	ret = ipcx_object_init(&region->obj, &ipcx_region_kind, &create->create,
			       region->reserved ? IPCX_OBJECT_RESERVED : 0);
	if (ret)
		goto err_put_backing;
	if (region->reserved) {
		ret = ipcx_charge(&region->obj, region->reserved);
		if (ret) {
			ipcx_object_put(&region->obj);
			return ERR_PTR(ret);
		}
		region->charged = region->reserved;
	}
	return &region->obj;

err_put_backing:
	fput(region->backing);
err_free:
	kfree(region);
	return ERR_PTR(ret);
}

/* No descriptor and no mapping is left. */
static void region_free(struct ipcx_object *obj)
{
	struct ipcx_region *region = region_of(obj);
	struct inode *inode = file_inode(region->backing);

	/*
	 * An O_PATH descriptor, from /proc/PID/fd, may keep the inode, and asks nobody: it keeps none of the
	 * memory, which is not charged any more, and nothing of this module, to which it has no reference.
	 */
	shmem_truncate_range(inode, 0, (loff_t)-1);
	WRITE_ONCE(inode->i_op, shmem_iops);
	ipcx_uncharge(obj, region->charged);
	fput(region->backing);
	kfree(region);
}

static void region_show(struct ipcx_object *obj, struct seq_file *m)
{
	struct ipcx_region *region = region_of(obj);

	seq_printf(m, "size:\t%llu\nallocated:\t%llu\nseals:\t%#x\n", region->len, allocated(region),
		   SHMEM_I(file_inode(region->backing))->seals);
}

const struct ipcx_kind ipcx_region_kind = {
	.kind		= IPCX_KIND_REGION,
	.label		= "region",
	.create		= region_create,
	.open		= region_open,
	.free		= region_free,
	.show		= region_show,
};

/*
 * What opens the inode again, through /proc/PID/fd with more rights than the descriptor has, asks this, and gets
 * no for an answer even with CAP_DAC_OVERRIDE.  Our own dentry_open() does not ask.
 */
static int region_permission(ipcx_idmap_t *idmap, struct inode *inode, int mask)
{
	return -EACCES;
}

/* Learn shmem's operations from a file of it. */
int ipcx_region_init(void)
{
	struct file *file = shmem_file_setup("ipcx-probe", PAGE_SIZE, IPCX_NORESERVE);

	if (IS_ERR(file))
		return PTR_ERR(file);
	shmem_fops = file->f_op;
	shmem_iops = file_inode(file)->i_op;
	region_iops = *shmem_iops;
	region_iops.permission = region_permission;
	region_fops = *shmem_fops;
	region_fops.owner = THIS_MODULE;
	region_fops.release = ipcx_object_release;
	region_fops.unlocked_ioctl = ipcx_ioctl;
	region_fops.compat_ioctl = compat_ptr_ioctl;
	if (shmem_fops->mmap)
		region_fops.mmap = region_mmap;
#ifdef ipcx_desc_is_writable
	else
		region_fops.mmap_prepare = region_mmap_prepare;
#endif
	if (shmem_fops->get_unmapped_area)
		region_fops.get_unmapped_area = region_get_unmapped_area;
	region_fops.write_iter = region_write_iter;
	region_fops.fallocate = region_fallocate;
	region_fops.show_fdinfo = region_show_fdinfo;
	fput(file);
	return shmem_fops->release ? -EOPNOTSUPP : 0;	/* we would have to call it */
}
