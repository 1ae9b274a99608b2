// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The declarations against the headers that the library was built with.
//!
//! Two things are compared. The lists: what the headers declare, by name. And what each name means
//! to a C compiler: a program that is made of the Rust declarations says every size, offset and
//! constant, and does not compile where a type differs.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{bus, error, frame, log, stream, version};

pub(crate) struct Struct {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) r#type: &'static str,
    pub(crate) offset: usize,
}

pub(crate) struct Constant {
    pub(crate) name: &'static str,
    pub(crate) value: i128,
}

pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<&'static str>,
    pub(crate) result: &'static str,
    pub(crate) address: *const (),
}

fn structs() -> Vec<Struct> {
    [bus::structs(), frame::structs(), stream::structs()]
        .into_iter()
        .flatten()
        .collect()
}

fn enums() -> Vec<Constant> {
    [
        bus::enums(),
        error::enums(),
        frame::enums(),
        log::enums(),
        stream::enums(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn defines() -> Vec<Constant> {
    [
        bus::defines(),
        frame::defines(),
        stream::defines(),
        version::defines(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn functions() -> Vec<Function> {
    [
        bus::functions(),
        error::functions(),
        frame::functions(),
        log::functions(),
        stream::functions(),
        version::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// C's name of a field: `type` is a word of Rust's.
fn c_name(name: &str) -> &str {
    name.trim_end_matches('_')
}

/// C's words for a Rust type.
fn c_type(rust: &str) -> String {
    // The compiler may print a type with spaces in other places than the source has.
    let rust = rust
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("* ", "*");

    if let Some(target) = rust.strip_prefix("*mut ") {
        return format!("{} *", c_type(target));
    }
    if let Some(target) = rust.strip_prefix("*const ") {
        return match target.strip_prefix('*') {
            Some(_) => format!("{} const *", c_type(target)),
            None => format!("const {} *", c_type(target)),
        };
    }
    if let Some((element, count)) = rust
        .strip_prefix('[')
        .and_then(|array| array.strip_suffix(']'))
        .and_then(|array| array.split_once(';'))
    {
        return format!("__typeof__({}[{}])", c_type(element), count.trim());
    }
    if let Some((arguments, result)) = rust
        .strip_prefix("Option<unsafe extern \"C\" fn(")
        .and_then(|function| function.strip_suffix('>'))
        .and_then(|function| function.split_once(") -> "))
    {
        return format!(
            "__typeof__({} (*)({}))",
            c_type(result),
            c_types(arguments.split(", "))
        );
    }
    match rust.as_str() {
        "" => "void".into(),
        "c_void" => "void".into(),
        "c_char" => "char".into(),
        "c_int" => "int".into(),
        "u8" => "uint8_t".into(),
        "u32" => "uint32_t".into(),
        "i32" => "int32_t".into(),
        "u64" => "uint64_t".into(),
        "i64" => "int64_t".into(),
        "usize" => "size_t".into(),
        "tachyon_log_function" => rust,
        "tachyon_end" | "tachyon_item_type" | "tachyon_notice_type" | "tachyon_log_level" => {
            format!("enum {rust}")
        }
        other if other.starts_with("tachyon_") => format!("struct {other}"),
        other => panic!("what is '{other}' in C?"),
    }
}

/// C's words for arguments.
fn c_types<'a>(rust: impl IntoIterator<Item = &'a str>) -> String {
    let arguments: Vec<_> = rust.into_iter().map(c_type).collect();

    match arguments.is_empty() {
        true => "void".into(),
        false => arguments.join(", "),
    }
}

/// A C program that prints a line for each size, offset and constant.
fn program() -> String {
    let mut c = String::from(
        "#include <stdio.h>\n#include <stddef.h>\n#include <stdalign.h>\n#include <tachyon.h>\n",
    );

    // A second declaration has to agree with the header's.
    for function in functions() {
        writeln!(
            c,
            "{} {}({});",
            c_type(function.result),
            function.name,
            c_types(function.arguments)
        )
        .unwrap();
    }
    for item in structs() {
        for field in &item.fields {
            writeln!(
                c,
                "_Static_assert(__builtin_types_compatible_p(__typeof__(((struct {0} *)0)->{1}), \
                 {2}), \"{0}.{1} is no {2}\");",
                item.name,
                c_name(field.name),
                c_type(field.r#type),
            )
            .unwrap();
        }
    }

    c.push_str("int main(void)\n{\n");
    for item in structs() {
        let name = item.name;

        writeln!(
            c,
            "printf(\"{name} %zu %zu\\n\", sizeof(struct {name}), alignof(struct {name}));"
        )
        .unwrap();
        for field in &item.fields {
            writeln!(
                c,
                "printf(\"{name}.{0} %zu\\n\", offsetof(struct {name}, {0}));",
                c_name(field.name),
            )
            .unwrap();
        }
    }
    // No constant is beyond both long long and unsigned long long.
    for constant in enums().iter().chain(&defines()) {
        let name = constant.name;

        writeln!(
            c,
            "if ({name} < 0) printf(\"{name} %lld\\n\", (long long){name}); \
             else printf(\"{name} %llu\\n\", (unsigned long long){name});",
        )
        .unwrap();
    }
    c.push_str("return 0;\n}\n");
    c
}

/// What the program should print.
fn expected() -> String {
    let mut text = String::new();

    for item in structs() {
        writeln!(text, "{} {} {}", item.name, item.size, item.align).unwrap();
        for field in &item.fields {
            writeln!(
                text,
                "{}.{} {}",
                item.name,
                c_name(field.name),
                field.offset
            )
            .unwrap();
        }
    }
    for constant in enums().iter().chain(&defines()) {
        writeln!(text, "{} {}", constant.name, constant.value).unwrap();
    }
    text
}

/// Where the headers of the library are that was found or built.
fn include() -> PathBuf {
    PathBuf::from(env!("TACHYON_INCLUDE"))
}

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let directory = env::temp_dir().join(format!("tachyon-sys-{}", std::process::id()));

        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The host's own compiler: tests run where they are built.
fn compile(source: &Path, program: &Path) {
    let host = env!("TACHYON_TARGET");
    let mut command = cc::Build::new()
        .target(host)
        .host(host)
        .opt_level(0)
        .cargo_metadata(false)
        .get_compiler()
        .to_command();
    let output = command
        .args(["-std=gnu11", "-Wall", "-Wno-type-limits", "-Werror", "-I"])
        .arg(include())
        .arg(source)
        .arg("-o")
        .arg(program)
        .output()
        .unwrap();

    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn sizes_offsets_types_and_constants_are_those_of_c() {
    let scratch = Scratch::new();
    let source = scratch.0.join("declarations.c");
    let binary = scratch.0.join("declarations");

    fs::write(&source, program()).unwrap();
    compile(&source, &binary);
    let output = Command::new(&binary).output().unwrap();

    assert!(output.status.success());
    assert_same(
        set(expected().lines()),
        set(String::from_utf8(output.stdout).unwrap().lines()),
    );
}

#[test]
fn every_declared_function_is_in_the_library() {
    // That this file was linked says so; here they are only used, so that none is left out.
    for function in functions() {
        assert!(!function.address.is_null(), "{}", function.name);
    }
}

#[test]
fn what_is_linked_is_the_version_that_is_declared() {
    // SAFETY: it returns a static string.
    let text = unsafe { std::ffi::CStr::from_ptr(crate::tachyon_version()) };
    let start = format!(
        "{}.{}.",
        crate::TACHYON_VERSION_MAJOR,
        crate::TACHYON_VERSION_MINOR
    );

    assert!(text.to_str().unwrap().starts_with(&start), "{text:?}");
}

// --- the headers' own lists ---

/// A header without comments and preprocessor lines but `#define`.
fn read_header(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut rest = text.as_str();
    let mut plain = String::new();

    while let Some(start) = rest.find("/*") {
        plain.push_str(&rest[..start]);
        rest = rest[start..]
            .split_once("*/")
            .expect("the end of a comment")
            .1;
    }
    plain + rest
}

fn headers() -> Vec<String> {
    let mut paths: Vec<_> = fs::read_dir(include().join("tachyon"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();

    paths.sort();
    paths.iter().map(|path| read_header(path)).collect()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The name that a declaration declares.
fn declared_name(declaration: &str) -> &str {
    // A function pointer has it in the middle, an array in front of its bounds.
    let declaration = match declaration.split_once("(*") {
        Some((_, rest)) => rest.split(')').next().unwrap(),
        None => declaration.split('[').next().unwrap().trim_end(),
    };

    declaration.rsplit(|c| !is_name(c)).next().unwrap()
}

/// "struct.field", and "struct" alone.
fn fields_in_headers() -> BTreeSet<String> {
    let mut names = BTreeSet::new();

    for text in headers() {
        for (start, _) in text.match_indices("struct ") {
            let (head, body) = match text[start..].split_once('{') {
                Some((head, body)) if !head.contains([';', '(', ')', '}']) => (head, body),
                _ => continue,
            };
            let name = declared_name(head);

            names.insert(name.into());
            for field in body.split_once('}').unwrap().0.split(';') {
                if !field.trim().is_empty() {
                    names.insert(format!("{name}.{}", declared_name(field)));
                }
            }
        }
    }
    names
}

fn enum_constants_in_headers() -> BTreeSet<String> {
    let mut names = BTreeSet::new();

    for text in headers() {
        for (start, _) in text.match_indices("enum ") {
            let Some((head, body)) = text[start..].split_once('{') else {
                continue;
            };
            if head.contains([';', '(', ')', '}']) {
                continue;
            }
            for constant in body.split_once('}').unwrap().0.split(',') {
                let name = constant.split('=').next().unwrap().trim();

                if !name.is_empty() {
                    names.insert(name.into());
                }
            }
        }
    }
    names
}

/// Those with a value: the others are include guards.
fn defines_in_headers() -> BTreeSet<String> {
    headers()
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|define| define.trim().split_once(char::is_whitespace))
        .map(|(name, _)| name.into())
        .collect()
}

fn functions_in_headers() -> BTreeSet<String> {
    let mut names = BTreeSet::new();

    for text in headers() {
        for (start, _) in text.match_indices("tachyon_") {
            let name: String = text[start..].chars().take_while(|c| is_name(*c)).collect();

            if text[start + name.len()..].starts_with('(') && !text[..start].ends_with(is_name) {
                names.insert(name);
            }
        }
    }
    names
}

/// Says what is in one only.
#[track_caller]
fn assert_same(rust: BTreeSet<String>, c: BTreeSet<String>) {
    let in_rust: Vec<_> = rust.difference(&c).collect();
    let in_c: Vec<_> = c.difference(&rust).collect();

    assert!(
        in_rust.is_empty() && in_c.is_empty(),
        "in Rust {in_rust:#?}, in C {in_c:#?}"
    );
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(String::from).collect()
}

#[test]
fn every_struct_and_field_of_the_headers_is_declared() {
    let mut declared = BTreeSet::new();

    for item in structs() {
        declared.insert(item.name.into());
        for field in &item.fields {
            declared.insert(format!("{}.{}", item.name, c_name(field.name)));
        }
    }
    assert_same(declared, fields_in_headers());
}

#[test]
fn every_constant_of_the_headers_is_declared() {
    assert_same(
        set(enums().iter().map(|constant| constant.name)),
        enum_constants_in_headers(),
    );
    assert_same(
        set(defines().iter().map(|constant| constant.name)),
        defines_in_headers(),
    );
}

#[test]
fn every_function_of_the_headers_is_declared() {
    assert_same(
        set(functions().iter().map(|function| function.name)),
        functions_in_headers(),
    );
}
