# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Values in device memory for tests, with torch where it has CUDA, and without."""

import ctypes
import os
import sys

import numpy as np
import tachyon.stream as streams

#: Before each program that a test runs in another process: its first argument is the stream's name.
GPU_PRELUDE = """
import os, sys, time
import numpy as np
import tachyon.stream as streams
from gpu_support import filled, make_torch_ready, to_device, to_host

name = sys.argv[1]
"""


def simulated_driver():
    """The simulated driver that is loaded, to steer it; None where there is none, or a real one."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
        library.simulated_cuda_live.restype = ctypes.c_size_t
        library.simulated_cuda_depth.restype = ctypes.c_size_t
        library.simulated_cuda_failed.restype = ctypes.c_char_p
    except (AttributeError, OSError):
        return None
    address = ctypes.c_uint64
    library.simulated_cuda_queue_fill.argtypes = (address, ctypes.c_ubyte, ctypes.c_size_t)
    library.simulated_cuda_peek.argtypes = (address, ctypes.c_void_p, ctypes.c_size_t)
    library.simulated_cuda_slow.argtypes = (ctypes.c_size_t, ctypes.c_uint)
    return library


if simulated_driver():
    # It has no CUDA there, and takes seconds to say so in each process.
    sys.modules["torch"] = None


def torch_with_cuda():
    """torch, or None where it is missing or has no CUDA."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def filled(number, shape=(64, 64), dtype=np.float32):
    """A value all of whose elements are one number."""
    return np.full(shape, number, dtype)


def to_device(array):
    """The same in device memory: a tensor, or a DeviceArray."""
    torch = torch_with_cuda()
    if torch is not None:
        return torch.from_numpy(array.copy()).to("cuda:0")
    name = f"test-{os.getpid()}-scratch"
    with streams.create(name, shape=array.shape, dtype=array.dtype, gpu_device=0) as scratch:
        scratch.unlink()
        scratch.write(array)
        return scratch.read()


def to_host(value):
    """An ndarray of what read() returned of a stream that is attached to."""
    torch = torch_with_cuda()
    if torch is not None and isinstance(value, torch.Tensor):
        assert value.is_cuda
        return value.cpu().numpy()
    assert type(value).__name__ == "DeviceArray"
    return value.numpy()


def make_torch_ready():
    """What a driver and torch keep from their first use on, before anybody counts."""
    if streams.gpu_available():
        to_host(to_device(filled(1)))
