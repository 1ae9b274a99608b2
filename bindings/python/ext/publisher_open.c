/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How a publisher begins: what the caller asks for, the address, the thread.
 */
#include "publisher.h"

#define MAX_BYTES_DEFAULT (1ull << 30)

struct request {
	struct tachyon_publisher_options options;
	PyObject *address; /* bytes */
	PyObject *caps;	   /* a new reference to Caps, or NULL */
	uint32_t *uids;	   /* options.access points here */
};

static int parse_policy(const char *name, uint32_t *policy)
{
	static const char *const names[] = {
		[TACHYON_POLICY_BLOCK] = "block",
		[TACHYON_POLICY_DROP] = "drop",
		[TACHYON_POLICY_DISCONNECT] = "disconnect",
	};

	for (uint32_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*policy = i;
			return 0;
		}
	}
	PyErr_Format(PyExc_ValueError, "policy is block, drop or disconnect, not %s", name);
	return -1;
}

static int check_options(struct tachyon_publisher_options *options, int64_t stall_ns)
{
	const char *fault = NULL;

	if (options->max_subscribers == 0 || options->max_subscribers > TACHYON_SUBSCRIBERS_MAX)
		fault = "max_subscribers is 1 to 64";
	else if (options->access.perms > 0777)
		fault = "perms are permission bits, 0o777 at the most";
	else if (stall_ns == 0)
		fault = "stall_timeout is more than 0, or None";
	if (fault) {
		PyErr_SetString(PyExc_ValueError, fault);
		return -1;
	}
	options->stall_timeout_ns = stall_ns > 0 ? (uint64_t)stall_ns : 0;
	return 0;
}

static int complete(const struct ext_state *state, struct request *request, const char *policy,
		    int64_t stall_ns, PyObject *caps, PyObject *uids)
{
	struct tachyon_publisher_options *const options = &request->options;

	if (check_options(options, stall_ns) < 0 || parse_policy(policy, &options->policy) < 0)
		return -1;
	if (caps != Py_None) {
		request->caps = ext_publisher_parse_caps(state, caps);
		if (!request->caps)
			return -1;
	}
	if (!uids)
		return 0;
	if (ext_uids(uids, &request->uids, &options->access.uid_count) < 0)
		return -1;
	options->access.uids = request->uids;
	return 0;
}

static void fini(struct request *request)
{
	PyMem_Free(request->uids);
	Py_XDECREF(request->caps);
	Py_XDECREF(request->address);
}

/* 0, or -1 with an exception. fini() belongs to both. */
static int parse(const struct ext_state *state, PyObject *args, PyObject *keywords,
		 struct request *request)
{
	static const char *const names[] = {
		"address",	   "caps",	"policy",	 "max_buffers",
		"max_subscribers", "max_bytes", "stall_timeout", "ring_size",
		"perms",	   "uids",	"any_uid",	 NULL};
	struct tachyon_publisher_options *const options = &request->options;
	PyObject *caps = Py_None, *uids = NULL;
	const char *policy = "block";
	int64_t stall_ns = -1;
	int any_uid = 0;

	*request = (struct request){
		.options =
			{
				.size = sizeof(*options),
				.max_subscribers = TACHYON_SUBSCRIBERS_MAX,
				.access = {.perms = 0600},
			},
	};
	if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&|O$sO&O&O&O&O&O&Op:Publisher",
					 (char **)names, ext_address, &request->address, &caps,
					 &policy, ext_uint32, &options->max_buffers, ext_uint32,
					 &options->max_subscribers, ext_uint64, &options->max_bytes,
					 ext_timeout, &stall_ns, ext_uint64, &options->ring_size,
					 ext_uint32, &options->access.perms, &uids, &any_uid))
		return -1;
	options->access.any_uid = (uint32_t)any_uid;
	return complete(state, request, policy, stall_ns, caps, uids);
}

static void raise_open(const struct ext_publisher *self, const struct request *request, int code)
{
	if (code == -EINVAL)
		PyErr_SetString(PyExc_ValueError, "an option of the publisher is out of range");
	else
		ext_raise(self->state, code, PyBytes_AS_STRING(request->address));
}

static int open_publisher(struct ext_publisher *self, const struct request *request)
{
	const uint64_t max_bytes = request->options.max_bytes;
	int ret = tachyon_publisher_create(PyBytes_AS_STRING(request->address), &request->options,
					   &self->publisher);

	if (ret < 0) {
		raise_open(self, request, ret);
		return -1;
	}
	self->is_open = true;
	self->max_bytes = max_bytes > 0 ? max_bytes : MAX_BYTES_DEFAULT;
	/* Before anybody joins. */
	if (request->caps && ext_publisher_send_caps(self, request->caps) < 0)
		return -1;
	ret = ext_service_start(self->publisher, &self->service);
	if (ret == 0)
		return 0;
	ext_raise(self->state, ret, "a thread for the publisher");
	return -1;
}

int ext_publisher_open(struct ext_publisher *self, PyObject *args, PyObject *keywords)
{
	struct request request;
	int ret = -1;

	if (parse(self->state, args, keywords, &request) < 0)
		goto out;
	if (self->address) {
		PyErr_SetString(PyExc_RuntimeError, "a Publisher is initialised once");
		goto out;
	}
	self->address = Py_NewRef(request.address);
	ret = open_publisher(self, &request);
out:
	fini(&request);
	return ret;
}
