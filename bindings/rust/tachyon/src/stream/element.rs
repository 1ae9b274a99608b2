// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What an array consists of.

use tachyon_sys as sys;

use crate::error::{Error, Result};

/// What kind of number an element is.
///
/// ```
/// use tachyon::{ElementType, Scalar};
///
/// assert_eq!(ElementType::COMPLEX64.scalar, Scalar::Complex);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scalar {
    /// Signed integers.
    Int,
    /// Unsigned integers.
    Uint,
    /// IEEE 754; 128 bits: C's `long double`, padded.
    Float,
    /// Two floats, the real part first.
    Complex,
    /// 8 bits, 0 or 1.
    Bool,
}

impl Scalar {
    fn from_raw(raw: u32) -> Option<Self> {
        Some(match raw {
            sys::TACHYON_SCALAR_INT => Self::Int,
            sys::TACHYON_SCALAR_UINT => Self::Uint,
            sys::TACHYON_SCALAR_FLOAT => Self::Float,
            sys::TACHYON_SCALAR_COMPLEX => Self::Complex,
            sys::TACHYON_SCALAR_BOOL => Self::Bool,
            _ => return None,
        })
    }

    pub(super) fn as_raw(self) -> u32 {
        match self {
            Self::Int => sys::TACHYON_SCALAR_INT,
            Self::Uint => sys::TACHYON_SCALAR_UINT,
            Self::Float => sys::TACHYON_SCALAR_FLOAT,
            Self::Complex => sys::TACHYON_SCALAR_COMPLEX,
            Self::Bool => sys::TACHYON_SCALAR_BOOL,
        }
    }
}

/// The type of an element: what NumPy calls a dtype, in the machine's byte order.
///
/// ```
/// use tachyon::{Element, ElementType};
///
/// assert_eq!(f32::TYPE, ElementType::F32);
/// assert_eq!(ElementType::F16.size(), 2); // has no type in Rust: its streams are read as bytes
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ElementType {
    /// What kind of number.
    pub scalar: Scalar,
    /// Of one element: 8, 16, 32, 64, 128; complex 64, 128, 256.
    pub bits: u32,
}

macro_rules! types {
    ($( $(#[$meta:meta])* $name:ident = $scalar:ident $bits:literal; )*) => {
        /// Those that a stream can have.
        impl ElementType {
            $(
                $(#[$meta])*
                pub const $name: Self = Self { scalar: Scalar::$scalar, bits: $bits };
            )*
        }
    };
}

types! {
    /// `i8`
    I8 = Int 8;
    /// `i16`
    I16 = Int 16;
    /// `i32`
    I32 = Int 32;
    /// `i64`
    I64 = Int 64;
    /// `u8`
    U8 = Uint 8;
    /// `u16`
    U16 = Uint 16;
    /// `u32`
    U32 = Uint 32;
    /// `u64`
    U64 = Uint 64;
    /// Half precision: NumPy's `float16`.
    F16 = Float 16;
    /// `f32`
    F32 = Float 32;
    /// `f64`
    F64 = Float 64;
    /// C's `long double`, padded: NumPy's `longdouble`.
    LONG_DOUBLE = Float 128;
    /// Two `f32`: NumPy's `complex64`.
    COMPLEX64 = Complex 64;
    /// Two `f64`: NumPy's `complex128`.
    COMPLEX128 = Complex 128;
    /// Two `long double`: NumPy's `clongdouble`.
    COMPLEX_LONG_DOUBLE = Complex 256;
    /// `bool`
    BOOL = Bool 8;
}

impl ElementType {
    /// Bytes of one element.
    pub const fn size(&self) -> usize {
        self.bits as usize / 8
    }
}

/// The type and shape of an array, C-contiguous.
///
/// ```
/// use tachyon::{ArrayType, ElementType};
///
/// let image = ArrayType::new(ElementType::F16, &[480, 640, 3]);
/// assert_eq!(image.shape, [480, 640, 3]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArrayType {
    /// What it consists of.
    pub element: ElementType,
    /// Elements, each at least 1; at most 32 of them. Empty: a single element.
    pub shape: Vec<usize>,
}

impl ArrayType {
    /// An array of this type and shape.
    pub fn new(element: ElementType, shape: &[usize]) -> Self {
        Self {
            element,
            shape: shape.to_vec(),
        }
    }

    /// What the library refuses is refused by the library.
    pub(super) fn as_raw(&self) -> Result<sys::tachyon_array> {
        let mut raw = sys::tachyon_array {
            scalar: self.element.scalar.as_raw(),
            bits: self.element.bits,
            dimensions: u32::try_from(self.shape.len()).unwrap_or(u32::MAX),
            ..Default::default()
        };
        let room = raw
            .shape
            .get_mut(..self.shape.len())
            .ok_or(Error::from_code(-libc::EINVAL))?;

        for (to, from) in room.iter_mut().zip(&self.shape) {
            *to = *from as u64;
        }
        Ok(raw)
    }

    /// An array of a newer library's, or that does not fit in memory, is of another version's.
    pub(super) fn from_raw(raw: &sys::tachyon_array) -> Result<Self> {
        Self::known(raw).ok_or(Error::from_code(sys::TACHYON_ERR_VERSION))
    }

    fn known(raw: &sys::tachyon_array) -> Option<Self> {
        let shape = raw.shape.get(..raw.dimensions as usize)?;

        Some(Self {
            element: ElementType {
                scalar: Scalar::from_raw(raw.scalar)?,
                bits: raw.bits,
            },
            shape: shape
                .iter()
                .map(|&extent| usize::try_from(extent).ok())
                .collect::<Option<_>>()?,
        })
    }
}

mod sealed {
    pub trait Sealed: Sized {
        /// Whether these elements, which another process wrote, are some of this type.
        ///
        /// # Safety
        ///
        /// `data` points to `count` of them, initialised, which nobody writes meanwhile.
        unsafe fn are_valid(data: *const Self, count: usize) -> bool {
            let _ = (data, count);
            true
        }

        /// Make them some of this type.
        ///
        /// # Safety
        ///
        /// `data` points to `count` of them, initialised, which are the caller's alone.
        unsafe fn make_valid(data: *mut Self, count: usize) {
            let _ = (data, count);
        }
    }
}

pub(super) use sealed::Sealed;

/// What a [`Stream`](crate::Stream) can be of: integers, floats and `bool`.
///
/// ```
/// use tachyon::{Element, Result, Stream};
///
/// /// Opens a stream, and makes sure of what is in it.
/// fn open<T: Element>(name: &str, shape: &[usize]) -> Result<Option<Stream<T>>> {
///     let stream = Stream::open(name)?;
///
///     Ok((stream.shape() == shape).then_some(stream))
/// }
/// # let name = format!("doc-element-{}", std::process::id());
/// # let stream = Stream::<i16>::create(&name, &[2])?;
/// # assert!(open::<i16>(&name, &[2])?.is_some() && open::<i16>(&name, &[3])?.is_none());
/// # stream.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// ```compile_fail,E0599
/// let stream = tachyon::Stream::<char>::open("x")?; // not any 32 bits are a char
/// # Ok::<(), tachyon::Error>(())
/// ```
pub trait Element: Sealed + Copy + Send + Sync + 'static {
    /// It, at run time.
    const TYPE: ElementType;
}

macro_rules! plain {
    ($( $type:ty = $name:ident; )*) => {
        $(
            impl Sealed for $type {}
            impl Element for $type {
                const TYPE: ElementType = ElementType::$name;
            }
        )*
    };
}

// Any bits are some number of these.
plain! {
    i8 = I8;
    i16 = I16;
    i32 = I32;
    i64 = I64;
    u8 = U8;
    u16 = U16;
    u32 = U32;
    u64 = U64;
    f32 = F32;
    f64 = F64;
}

/// What another process wrote as one may be any byte.
impl Sealed for bool {
    unsafe fn are_valid(data: *const bool, count: usize) -> bool {
        // SAFETY: as the caller promises; as bytes they are valid, whatever they are.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), count) };

        bytes.iter().all(|byte| *byte <= 1)
    }

    unsafe fn make_valid(data: *mut bool, count: usize) {
        // SAFETY: as the caller promises; as bytes they are valid, whatever they are.
        let bytes = unsafe { std::slice::from_raw_parts_mut(data.cast::<u8>(), count) };

        for byte in bytes {
            *byte = u8::from(*byte != 0);
        }
    }
}

impl Element for bool {
    const TYPE: ElementType = ElementType::BOOL;
}
