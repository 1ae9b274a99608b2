// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! What makes declarations of lists, and of the same lists what `tests` compares with C.

/// Plain value structs. All-zero is a valid value of each, and means default in options.
macro_rules! structs {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* pub $field:ident: $type:ty, )*
        }
    )*) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug)]
            pub struct $name {
                $( $(#[$field_meta])* pub $field: $type, )*
            }

            impl Default for $name {
                /// All zero.
                fn default() -> Self {
                    // SAFETY: every field is an integer, a raw pointer, an optional function or
                    // a struct of these. A reference or an enum as a field would make this wrong.
                    unsafe { core::mem::zeroed() }
                }
            }
        )*

        #[cfg(test)]
        pub(crate) fn structs() -> Vec<crate::tests::Struct> {
            vec![$(
                crate::tests::Struct {
                    name: stringify!($name),
                    size: size_of::<$name>(),
                    align: align_of::<$name>(),
                    fields: vec![$(
                        crate::tests::Field {
                            name: stringify!($field),
                            r#type: stringify!($type),
                            offset: core::mem::offset_of!($name, $field),
                        },
                    )*],
                },
            )*]
        }
    };
}

/// Structs that only the library looks into.
macro_rules! opaque {
    ($( $(#[$meta:meta])* pub struct $name:ident; )*) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            pub struct $name {
                _data: [u8; 0],
                // Neither Send nor Sync nor Unpin: what is true of it is said by who wraps it.
                _marker: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
            }
        )*
    };
}

/// Enums: integers, since a newer library may return numbers that are not listed here.
macro_rules! enums {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident: $type:ty {
            $( $(#[$value_meta:meta])* $value:ident = $number:expr, )*
        }
    )*) => {
        $(
            $(#[$meta])*
            pub type $name = $type;
            $( $(#[$value_meta])* pub const $value: $name = $number; )*
        )*

        #[cfg(test)]
        pub(crate) fn enums() -> Vec<crate::tests::Constant> {
            vec![$( $(
                crate::tests::Constant { name: stringify!($value), value: $value as i128 },
            )* )*]
        }
    };
}

/// What the headers `#define`.
macro_rules! defines {
    ($( $(#[$meta:meta])* pub const $name:ident: $type:ty = $value:expr; )*) => {
        $( $(#[$meta])* pub const $name: $type = $value; )*

        #[cfg(test)]
        pub(crate) fn defines() -> Vec<crate::tests::Constant> {
            vec![$(
                crate::tests::Constant { name: stringify!($name), value: $name as i128 },
            )*]
        }
    };
}

/// Functions.
macro_rules! functions {
    ($(
        $(#[$meta:meta])*
        pub fn $name:ident($( $argument:ident: $type:ty ),* $(,)?) $( -> $result:ty )?;
    )*) => {
        unsafe extern "C" {
            $( $(#[$meta])* pub fn $name($( $argument: $type ),*) $( -> $result )?; )*
        }

        #[cfg(test)]
        pub(crate) fn functions() -> Vec<crate::tests::Function> {
            vec![$(
                crate::tests::Function {
                    name: stringify!($name),
                    arguments: vec![$( stringify!($type) ),*],
                    result: concat!($( stringify!($result) )?),
                    address: $name as *const (),
                },
            )*]
        }
    };
}

pub(crate) use {defines, enums, functions, opaque, structs};
