# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Which arrays there are streams of, and what may be written and read."""

import array
import tracemalloc
import warnings

import pytest

np = pytest.importorskip("numpy")
import tachyon.stream as streams  # noqa: E402
from stream_support import filled  # noqa: E402

#: By NumPy's letters: each C type has one, whatever its size.
DTYPES = "?bBhHiIlLqQefdgFDG"


def values_of(dtype, shape=(3, 5)):
    """Ordinary and odd values of a type."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        odd = [True, False]
    elif dtype.kind in "iu":
        odd = [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1, 77]
    else:
        odd = [0.0, -0.0, 1.5, np.inf, -np.inf, np.nan, np.finfo(dtype).max, np.finfo(dtype).tiny]
        odd = np.array(odd, dtype)
        if dtype.kind == "c":
            odd = odd + np.array(1j, dtype) * odd[2]
    return np.resize(np.array(odd, dtype), shape)


@pytest.fixture
def create(stream_name):
    """create(**options) -> a handle; each stream is gone before the next."""

    def create(**options):
        streams.unlink(stream_name)
        return streams.create(stream_name, **options)

    return create


# --- types ---


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_numeric_type_goes_through(dtype, create, fork):
    values = values_of(dtype)
    stream = create(shape=values.shape, dtype=dtype)
    assert stream.dtype == np.dtype(dtype)
    assert stream.size == values.nbytes
    assert streams.stat(stream.name).dtype == np.dtype(dtype)
    assert not stream.read().any()

    def write(connection):
        other = streams.open(stream.name)
        assert other.dtype == np.dtype(dtype)
        other.write(values)

    fork(write).finish()
    value = stream.read()
    assert value.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(value, values)
    if value.dtype.kind in "fc":
        np.testing.assert_array_equal(np.signbit(value.real), np.signbit(values.real))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_numeric_type_has_views(dtype, create):
    values = values_of(dtype)
    stream = create(shape=values.shape, dtype=dtype)
    with stream.write_view() as view:
        assert view.dtype == np.dtype(dtype)
        view[:] = values
    with stream.locked():
        view = stream.read(safe=False)
        assert view.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(view, values)
        view[0, 0] = 1
    assert stream.read()[0, 0] == 1


@pytest.mark.parametrize(
    "dtype",
    [np.float64, "float64", "f8", "<f8", "=f8", float, np.dtype("f8"), np.float64(0).dtype, "d"],
)
def test_a_type_may_be_named_as_numpy_allows(dtype, create):
    assert create(shape=2, dtype=dtype).dtype == np.dtype(np.float64)


@pytest.mark.parametrize(
    "dtype",
    [object, "O", "S4", "U4", "V8", "M8[ns]", "m8[s]", [("x", "f4")], ">f4", ">i2", "(2,)f4", str],
)
def test_other_types_are_refused(dtype, create, stream_name):
    with pytest.raises(ValueError, match="unsupported dtype: "):
        create(shape=2, dtype=dtype)
    assert stream_name not in streams.list()


@pytest.mark.parametrize("dtype", ["no type", 5, "f3"])
def test_what_is_no_type_is_refused(dtype, create):
    with pytest.raises((TypeError, ValueError)):
        create(shape=2, dtype=dtype)


# --- shapes ---


@pytest.mark.parametrize(
    "shape, expected",
    [
        ((), ()),
        ([], ()),
        (5, (5,)),
        (np.int64(5), (5,)),
        ([2, 3], (2, 3)),
        ((np.uint8(2), np.int16(3)), (2, 3)),
        (np.array([2, 3]), (2, 3)),
        ((1,) * 32, (1,) * 32),
        ((2,) * 10 + (1,) * 22, (2,) * 10 + (1,) * 22),
        ((1, 4097, 1), (1, 4097, 1)),
    ],
)
def test_a_shape_is_an_integer_or_a_sequence_of_some(shape, expected, create):
    stream = create(shape=shape, dtype=np.int32)
    values = np.arange(np.prod(expected), dtype=np.int32).reshape(expected)

    assert stream.shape == expected and all(type(one) is int for one in stream.shape)
    stream.write(values)
    assert stream.read().shape == expected
    np.testing.assert_array_equal(streams.open(stream.name).read(), values)
    with stream.locked():
        np.testing.assert_array_equal(stream.read(safe=False), values)


@pytest.mark.parametrize("shape", [0, -1, (2, 0), (0,), (-2, -2), (3, -1)])
def test_a_dimension_that_is_not_positive_is_refused(shape, create):
    with pytest.raises(ValueError, match="shape dimensions must be positive"):
        create(shape=shape)


@pytest.mark.parametrize("shape", [(1,) * 33, "ab", None, 2.5, (2, 1.5), (2, "3"), object()])
def test_what_is_no_shape_is_refused(shape, create):
    with pytest.raises((TypeError, ValueError)):
        create(shape=shape)


@pytest.mark.parametrize("shape", [(2**40, 2**40), (2**63,), (2**70,), 2**61, (2**20,) * 32])
def test_a_size_that_overflows_is_refused(shape, create, stream_name):
    with pytest.raises((OSError, OverflowError, ValueError, MemoryError)):
        create(shape=shape, dtype=np.float64)
    with pytest.raises(FileNotFoundError):
        streams.open(stream_name)


def test_more_than_there_is_memory_is_an_error_that_leaves_nothing(create, stream_name):
    with pytest.raises((OSError, MemoryError)):
        create(shape=2**44, dtype=np.uint8)
    with pytest.raises(FileNotFoundError):
        streams.open(stream_name)


@pytest.mark.parametrize("size", [None, 64, np.int64(64)])
def test_the_size_may_be_given(size, create):
    assert create(shape=(4, 4), size=size).size == 64


@pytest.mark.parametrize("size", [8, 0, 63, 65, 128])
def test_a_size_that_does_not_match_is_refused(size, create):
    expected = f"size does not match shape and dtype: expected 64, got {size}"
    with pytest.raises(ValueError, match=expected):
        create(shape=(4, 4), size=size)


# --- what may be written ---


@pytest.mark.parametrize("target", DTYPES)
def test_values_of_every_type_are_cast_as_numpy_casts_them(target, create):
    stream = create(shape=(3, 5), dtype=target)
    for source in DTYPES:
        values = np.arange(15).reshape(3, 5).astype(source)
        with warnings.catch_warnings():
            # Of the imaginary part, which is dropped.
            warnings.simplefilter("ignore")
            expected = values.astype(target, casting="unsafe")
            stream.write(values)
        np.testing.assert_array_equal(stream.read(), expected)


def test_a_cast_may_lose_what_numpys_loses(create):
    stream = create(shape=3, dtype=np.int8)
    stream.write([1.9, -1.9, 3.0])
    assert stream.read().tolist() == [1, -1, 3]
    stream.write(np.array([300, 256, -129], np.int64))
    assert stream.read().tolist() == [44, 0, 127]
    stream = create(shape=3, dtype=bool)
    stream.write([0, 7, 0.5])
    assert stream.read().tolist() == [False, True, True]


def test_a_value_of_the_other_byte_order_is_converted(create):
    stream = create(shape=3, dtype=np.float32)
    stream.write(np.array([1, 2, 3], ">f4"))
    assert stream.read().tolist() == [1, 2, 3]
    stream.write(np.array([4, 5, 6], ">i8"))
    assert stream.read().tolist() == [4, 5, 6]


SQUARE = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)

STRIDED = {
    "transposed": SQUARE.T,
    "reversed": SQUARE[::-1, ::-1],
    "Fortran order": np.asfortranarray(SQUARE),
    "every other": np.arange(128 * 128, dtype=np.float32).reshape(128, 128)[::2, ::2],
    "broadcast": np.broadcast_to(np.float32(3), (64, 64)),
    "a column for all": np.broadcast_to(SQUARE[:, :1], (64, 64)),
    "unaligned": np.frombuffer(b"x" + SQUARE.tobytes(), np.uint8)[1:].view("f4").reshape(64, 64),
    "a field of records": np.zeros((64, 64), [("x", "u1"), ("y", "f4")])["y"],
    "read-only": np.frombuffer(SQUARE.tobytes(), np.float32).reshape(64, 64),
    "strided and cast": np.arange(128 * 64, dtype=np.int16).reshape(64, 128)[:, ::-2],
    "a masked array": np.ma.array(SQUARE),
}


@pytest.mark.parametrize("kind", STRIDED)
def test_an_array_may_lie_in_memory_as_it_likes(kind, create):
    stream = create(shape=(64, 64))
    value = STRIDED[kind]
    stream.write(value)
    np.testing.assert_array_equal(stream.read(), np.asarray(value))
    assert type(stream.read()) is np.ndarray
    assert stream.count == 1


class ArrayLike:
    def __array__(self, dtype=None, copy=None):
        return np.array([1, 2, 3, 4], dtype or np.int64)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3, 4],
        (1.0, 2, 3, 4),
        range(1, 5),
        array.array("i", [1, 2, 3, 4]),
        array.array("f", [1, 2, 3, 4]),
        bytearray([1, 2, 3, 4]),
        memoryview(bytes([1, 2, 3, 4])),
        memoryview(array.array("d", [1, 0, 2, 0, 3, 0, 4, 0]))[::2],
        [np.float32(1), 2, np.int8(3), True + 3],
        ArrayLike(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_may_be_anything_like_an_array(value, create):
    stream = create(shape=4)
    stream.write(value)
    assert stream.read().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "value", [7, 7.0, np.float64(7), np.array(7), np.array(7.0, "f4"), True + 6]
)
def test_a_single_element_may_be_a_scalar(value, create):
    stream = create(shape=())
    stream.write(value)
    assert stream.read().shape == () and stream.read() == 7
    assert type(stream.read()) is np.ndarray
    with stream.write_view() as view:
        view[...] = 8
    assert stream.read_new(timeout=0) == 8
    with stream.locked():
        stream.read(safe=False)[()] += 1
    assert stream.read() == 9


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (4, 3), (16,), (4, 4, 1), (1, 4, 4), (2, 8)])
def test_another_shape_is_refused_and_never_broadcast(shape, create):
    stream = create(shape=(4, 4))
    for dtype in (np.float32, np.int64):
        with pytest.raises(ValueError) as caught:
            stream.write(np.ones(shape, dtype))
        assert str(caught.value) == f"expected shape (4, 4), got {shape}"
    assert stream.count == 0
    stream.acquire(timeout=0)


@pytest.mark.parametrize(
    "value", ["text", ["1", "x"], None, object(), [[1, 2], [3]], {1: 2}, [1, [2]]]
)
def test_what_is_no_array_of_numbers_is_refused_and_leaves_the_last_value(value, create):
    stream = create(shape=2)
    stream.write([1, 2])
    with pytest.raises((TypeError, ValueError)):
        stream.write(value)
    assert stream.count == 1
    assert stream.read().tolist() == [1, 2]
    with streams.open(stream.name) as other:
        other.write([3, 4], timeout=0)


def test_a_value_that_fails_half_way_is_never_seen(create):
    """Converted straight into shared memory, its error rolls back."""
    stream = create(shape=4096)
    stream.write(np.ones(4096))
    bad = np.ones(4096, object)
    bad[4000] = "no number"
    with pytest.raises((TypeError, ValueError)):
        stream.write(bad)
    assert stream.count == 1
    assert (stream.read() == 1).all()
    with streams.open(stream.name) as other:
        other.write(np.zeros(4096), timeout=0)


#: 4 MiB of float32.
LARGE = (1024, 1024)


def most_allocated(call):
    """Bytes that a call allocated at most at one time, NumPy's among them."""
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, ">f4"])
def test_a_value_goes_straight_into_shared_memory(dtype, create):
    stream = create(shape=LARGE)
    value = filled(1, LARGE, dtype)
    assert most_allocated(lambda: stream.write(value)) < stream.size // 8
    assert most_allocated(lambda: stream.write(value.T)) < stream.size // 8
    assert (stream.read() == 1).all()


def test_a_value_is_copied_once_on_its_way_out(create):
    stream = create(shape=LARGE)
    out = filled(0, LARGE)
    assert most_allocated(lambda: stream.read(out=out)) < stream.size // 8
    assert most_allocated(stream.read) < stream.size * 9 // 8
    assert most_allocated(stream.snapshot) < stream.size * 9 // 8
    with stream.locked():
        assert most_allocated(lambda: stream.read(safe=False)) < stream.size // 8


def test_what_was_written_may_be_changed_afterwards(create):
    stream = create(shape=(64, 64))
    value = filled(1)
    stream.write(value)
    value[:] = 2
    assert (stream.read() == 1).all()


def test_clear_is_a_write_of_zeros(create):
    stream = create(shape=(64, 64), dtype=np.complex64)
    stream.write(filled(1j, dtype=np.complex64))
    assert stream.clear() is None
    assert not stream.read().any()
    assert stream.count == 2


# --- what is read ---


def test_a_value_is_a_new_array_each_time(create):
    stream = create(shape=(64, 64))
    one, other = stream.read(), stream.read()
    assert type(one) is np.ndarray
    assert one.flags.owndata and one.flags.writeable and one.flags.c_contiguous
    assert one.flags.aligned and not np.shares_memory(one, other)


def test_out_is_filled_and_returned(create):
    stream = create(shape=(64, 64))
    stream.write(filled(4))
    out = filled(0)
    assert stream.read(out=out) is out
    assert (out == 4).all()
    part = np.zeros((3, 64, 64), np.float32)
    stream.read(out=part[1])
    assert (part[1] == 4).all() and not part[0].any() and not part[2].any()


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((64, 63), np.float32),
        np.zeros(64 * 64, np.float32),
        np.zeros((64, 64), np.float64),
        np.zeros((64, 64), np.int32),
        np.zeros((64, 64), ">f4"),
        np.asfortranarray(np.zeros((64, 64), np.float32)),
        np.zeros((64, 128), np.float32)[:, ::2],
        np.frombuffer(bytes(64 * 64 * 4), np.float32).reshape(64, 64),
    ],
)
def test_an_out_that_does_not_fit_is_refused(out, create):
    stream = create(shape=(64, 64))
    stream.write(filled(4))
    for call in (stream.read, lambda out: stream.read_new(timeout=0, out=out)):
        with pytest.raises(ValueError):
            call(out=out)
    assert not out.any()


@pytest.mark.parametrize("out", [[0.0] * 4, bytearray(16), "text"])
def test_an_out_that_is_no_array_is_refused(out, create):
    with pytest.raises((TypeError, ValueError)):
        create(shape=4).read(out=out)


def test_a_stream_is_an_array_of_its_newest_value(create):
    stream = create(shape=(4, 4))
    stream.write(filled(2, (4, 4)))
    one = np.asarray(stream)
    assert one.dtype == np.float32 and (one == 2).all()
    stream.write(filled(3, (4, 4)))
    assert (one == 2).all()
    assert np.asarray(stream, dtype=np.float64).dtype == np.float64
    assert (np.array(stream) == 3).all()
    assert np.add(stream, 1).sum() == 64
